"""Aggregates are exact after any sequence of changes, compared with a recount in Python."""

import csv
import itertools
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from movierating import rating_stats as columns
from movierating.auth import passwords
from movierating.auth.models import User
from movierating.errors import NotFound
from movierating.movies.models import Movie
from movierating.ratings import bulk_aggregates, datasets, recount, service
from movierating.ratings.formats import movielens
from movierating.ratings.models import Rating
from movierating.storage.database import read, write
from movierating.users import own_account

_movie, _user = Movie.__table__, User.__table__
_HASH = passwords.hash_password("correct horse battery")
_numbers = itertools.count(1)


def assert_aggregates_are_exact():
    """Every sum and score in the database is what a loop over its ratings comes to."""
    sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * len(columns.AGGREGATE_COLUMNS))
    for user_id, movie_id, value in read().execute(
        select(*Rating.__table__.c["user_id", "movie_id", "value"])
    ):
        for key in (("user", user_id), ("movie", movie_id)):
            for place, more in ((0, 1), (1, value), (1 + value, 1)):
                sums[key][place] += more
    for table in (_movie, _user):
        for row in read().execute(select(table.c.id, *columns.get_aggregate_columns(table))):
            assert list(row[1:]) == sums[table.name, row.id]
    scores = dict(read().execute(select(_movie.c.id, _movie.c.score)).all())
    for movie_id, score in scores.items():
        count, total = sums["movie", movie_id][:2]
        assert score == (25 * 13 + total) / (2 * (25 + count))
    assert recount.find_mismatches(read()) == []


class World:
    """Three people, two of a data set, three movies; `ratings` is what they should have rated."""

    def __init__(self, add_movie, folder):
        number = next(_numbers)
        self.folder, self.add_movie = folder, add_movie
        self.sources = [10 * number + place for place in range(3)]
        self.people = [self._sign_up(f"p{number}-{place}") for place in range(3)]
        self.movies = [self._add(place) for place in range(3)]
        self.ratings: dict[tuple[Any, int], tuple[int, int]] = {}

    def _sign_up(self, name):
        row = {"username": name, "username_key": name, "display_name": name, "created_at": 0, "updated_at": 0}
        made = insert(_user).values(**row, password_hash=_HASH).returning(_user.c.id)
        return int(write(lambda connection: connection.scalar(made)))

    def _add(self, place):
        return self.add_movie(
            imdb_id=f"tt{5000000 + self.sources[place]}", genres=["Drama", "Comedy"], directors=["X Y"]
        )

    def rate(self, person, place, value):
        service.rate_movie(self.people[person], self.movies[place], value, None)
        self.ratings[self.people[person], self.movies[place]] = (0, value)

    def delete_rating(self, person, place):
        key = (self.people[person], self.movies[place])
        if self.ratings.pop(key, None):
            service.delete_rating(*key)
        else:
            with pytest.raises(NotFound):
                service.delete_rating(*key)

    def remove_movie(self, place):
        gone = self.movies[place]
        service.delete_movie(gone, None, with_ratings=True)
        self.ratings = {key: rating for key, rating in self.ratings.items() if key[1] != gone}
        self.movies[place] = self._add(place)

    def close_account(self, person):
        gone = self.people[person]
        own_account.delete_own_account(gone, "correct horse battery")
        self.ratings = {key: rating for key, rating in self.ratings.items() if key[0] != gone}
        self.people[person] = self._sign_up(f"p{next(_numbers)}-again")

    def load(self, *rows):
        titles = [(source, f"No matter ({1900 + source % 100})", "Drama") for source in self.sources]
        links = [(source, 5000000 + source, "") for source in self.sources]
        given = [
            (self.sources[person], self.sources[place], stars / 2, when)
            for person, place, stars, when in rows
        ]
        for name, header, lines in (
            ("movies.csv", ("movieId", "title", "genres"), titles),
            ("links.csv", ("movieId", "imdbId", "tmdbId"), links),
            ("ratings.csv", ("userId", "movieId", "rating", "timestamp"), given),
        ):
            with (self.folder / name).open("w", newline="") as file:
                csv.writer(file).writerows([header, *lines])
        datasets.import_movielens(movielens.open_folder(self.folder), lambda _done: None)
        for person, place, stars, when in rows:
            key = (f"ml-{self.sources[person]}", self.movies[place])
            self.ratings[key] = max(self.ratings.get(key, (0, 0)), (when, 2 * stars))

    def check(self):
        assert_aggregates_are_exact()
        names = dict(read().execute(select(_user.c.username, _user.c.id)).all())
        wanted = {(names.get(user, user), movie): value for (user, movie), (_, value) in self.ratings.items()}
        stored = read().execute(select(*Rating.__table__.c["user_id", "movie_id", "value"])).all()
        assert {(user, movie): value for user, movie, value in stored if movie in self.movies} == wanted


_three = st.integers(0, 2)
_row = st.tuples(_three, _three, st.integers(1, 10), st.integers(1, 4))
_happening = st.one_of(
    st.tuples(st.just(World.rate), _three, _three, st.integers(1, 20)),
    st.tuples(st.just(World.delete_rating), _three, _three),
    st.tuples(st.just(World.remove_movie), _three),
    st.tuples(st.just(World.close_account), _three),
    st.lists(_row, max_size=12).map(lambda rows: (World.load, *rows)),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings=st.lists(_happening, min_size=3, max_size=15))
def test_sums_equal_a_recount_whatever_happens(add_movie, tmp_path, happenings):
    world = World(add_movie, tmp_path)
    for happening, *details in happenings:
        happening(world, *details)
    world.check()


def test_repair_corrects_all_aggregates_and_increases_the_version(member, add_movie):
    movie_id = add_movie()
    add_movie()
    service.rate_movie(member.id, movie_id, 17, None)
    before = versions()
    write(lambda connection: connection.execute(update(_movie).where(_movie.c.id == movie_id).values(h17=3)))
    write(lambda connection: connection.execute(update(_user).values(rating_sum=9)))
    assert set(recount.find_mismatches(read())) == {("movie", movie_id), ("user", member.id)}
    write(recount.repair_mismatches)
    assert_aggregates_are_exact()
    assert versions()[movie_id] > before[movie_id]


def versions():
    return dict(read().execute(select(_movie.c.id, _movie.c.ratings_version)).all())


def test_ratings_written_together_increase_a_movies_version_by_one(sign_up, add_movie):
    people = [sign_up(name).id for name in ("anna", "bert")]
    movie_id, other = add_movie(), add_movie()
    before = versions()
    deltas = bulk_aggregates.AggregateDeltas()
    deltas.add((user_id, movie_id, 8) for user_id in people)
    deltas.subtract([(people[0], movie_id, 8)])
    write(deltas.write)
    assert versions() == {movie_id: before[movie_id] + 1, other: before[other]}
    assert read().execute(
        select(*_movie.c["rating_count", "rating_sum", "h08"]).where(_movie.c.id == movie_id)
    ).one() == (1, 8, 1)


def test_empty_sums_write_nothing(app, add_movie):
    add_movie()
    before = versions()
    write(bulk_aggregates.AggregateDeltas().write)
    assert versions() == before
