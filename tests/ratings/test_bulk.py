"""Many ratings of one user: conflicts, outcomes and aggregates."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from movierating import clock
from movierating.movies.models import Movie
from movierating.ratings import service
from movierating.ratings.bulk import delete_ratings, set_ratings
from movierating.storage.database import read, write

MOMENT = 1_704_067_200_000_000


def put(user_id, *ratings, on_conflict="newer"):
    new_ratings = [tuple(rating) for rating in ratings]
    return write(lambda connection: set_ratings(connection, user_id, new_ratings, on_conflict)).outcomes


def remove(user_id, *movie_ids):
    return write(lambda connection: delete_ratings(connection, user_id, movie_ids, {}))


@pytest.mark.parametrize(
    ("value", "rated_at", "newer", "keep", "replace"),
    [
        (10, MOMENT, "unchanged", "unchanged", "unchanged"),
        (10, None, "unchanged", "unchanged", "unchanged"),
        (10, MOMENT + 1, "updated", "skipped", "updated"),
        (10, MOMENT - 1, "skipped", "skipped", "updated"),
        (12, MOMENT + 1, "updated", "skipped", "updated"),
        (12, MOMENT, "skipped", "skipped", "updated"),
        (12, MOMENT - 1, "skipped", "skipped", "updated"),
        (12, None, "skipped", "skipped", "updated"),
    ],
)
@pytest.mark.parametrize("on_conflict", ["newer", "keep", "replace"])
def test_which_of_two_ratings_stays(
    rated, add_movie, user_id, exact, value, rated_at, newer, keep, replace, on_conflict
):
    movie_id = add_movie()
    assert put(user_id, (movie_id, 10, MOMENT)) == ["created"]
    outcome = {"newer": newer, "keep": keep, "replace": replace}[on_conflict]
    before = clock.now()
    assert put(user_id, (movie_id, value, rated_at), on_conflict=on_conflict) == [outcome]
    now_value, now_rated_at = rated(user_id)[movie_id]
    if outcome != "updated":
        assert (now_value, now_rated_at) == (10, MOMENT)
    elif rated_at is None:
        assert now_value == value
        assert before <= now_rated_at <= clock.now()
    else:
        assert (now_value, now_rated_at) == (value, rated_at)
    assert exact()


def test_ratings_of_one_movie_are_stored_in_order(rated, add_movie, user_id, exact):
    movie_id = add_movie()
    ratings = [(movie_id, value, MOMENT + value) for value in (3, 9, 9, 5)]
    assert put(user_id, *ratings) == ["created", "updated", "unchanged", "skipped"]
    assert rated(user_id) == {movie_id: (9, MOMENT + 9)}
    assert exact()


def test_update_does_not_change_created_at_and_an_unchanged_rating_is_not_written(add_movie, user_id):
    movie_id = add_movie()
    put(user_id, (movie_id, 3, MOMENT))
    made = service.get_rating(user_id, movie_id)
    put(user_id, (movie_id, 3, MOMENT))
    assert service.get_rating(user_id, movie_id) == made
    put(user_id, (movie_id, 4, MOMENT + 1))
    changed = service.get_rating(user_id, movie_id)
    assert changed["created_at"] == made["created_at"]
    assert changed["updated_at"] > made["updated_at"]


def test_another_persons_ratings_are_left_alone(rated, add_user, add_movie, user_id, exact):
    bob, movies = add_user("bob"), [add_movie() for _ in range(3)]
    put(bob, *[(movie_id, 20, MOMENT) for movie_id in movies])
    put(user_id, *[(movie_id, 1, MOMENT + 1) for movie_id in movies], on_conflict="replace")
    assert remove(user_id, *movies) == set(movies)
    assert rated(bob) == dict.fromkeys(movies, (20, MOMENT))
    assert exact()


def test_more_ratings_than_one_statement_takes(rated, add_many, user_id, exact):
    movies = add_many(1201)
    assert put(user_id, *[(key, 7, MOMENT) for key in movies]) == ["created"] * 1201
    assert put(user_id, *[(key, 7, MOMENT) for key in movies]) == ["unchanged"] * 1201
    assert exact()
    assert remove(user_id, *movies, movies[-1] + 1) == set(movies)
    assert rated(user_id) == {}
    assert exact()


def test_nothing_to_write_writes_nothing(add_movie, user_id, everything):
    movie_id = add_movie()
    put(user_id, (movie_id, 3, MOMENT))
    before = everything()
    assert put(user_id) == []
    assert put(user_id, (movie_id, 3, None)) == ["unchanged"]
    assert remove(user_id) == set()
    assert remove(user_id, movie_id + 1) == set()
    assert everything() == before


_ratings = st.tuples(st.integers(0, 3), st.integers(1, 20), st.none() | st.integers(0, 5))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_sums_are_exact_after_any_ratings_and_deletions(user_id, add_many, exact, data):
    # The examples share the database, and each leaves its ratings to the next.
    movies = read().scalars(select(Movie.__table__.c.id)).all() or add_many(4)
    for batch in data.draw(st.lists(st.lists(_ratings, max_size=6), max_size=4)):
        rows = [(movies[place], value, rated_at) for place, value, rated_at in batch]
        outcomes = put(user_id, *rows, on_conflict=data.draw(st.sampled_from(["newer", "keep", "replace"])))
        assert len(outcomes) == len(rows)
        remove(user_id, *[movies[place] for place in data.draw(st.sets(st.integers(0, 3), max_size=2))])
    assert exact()
