"""Files of ten people on one instance, in any order: no film is added twice, and no two films become one."""

import io
import itertools
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.movies.titles import match_key
from movierating.ratings.formats.upload_reader import open_upload
from movierating.ratings.imports import import_file
from movierating.ratings.models import Rating
from movierating.storage.database import read
from ratings.people_files import FORMATS, Film

SPELLINGS = (
    "{}",
    "The {}",
    "{}!",
    "{} & Co",
    "{} and Co.",
    "{} II",
    "{}: 2",
    "\u00c9lan {}",
    "elan  {}",
    "Autre {}",
)
NUMBERS = itertools.count(1)
PEOPLE = 10


@st.composite
def make_film(draw):
    """Return a film with one to three names, all of them different keys, that may be in the catalogue."""
    number = next(NUMBERS)
    spellings = draw(st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=3, unique=True))
    names = tuple(each.format(f"Film{number}x") for each in spellings)
    known_ids = draw(st.sampled_from([None, (), ("imdb_id",), ("tmdb_id",), ("imdb_id", "tmdb_id")]))
    return Film(number, draw(st.integers(1990, 1992)), names, known_ids)


@st.composite
def make_world(draw):
    """Return films and files: a person's number, a format, and for each row the film, its title and original title."""
    films = draw(st.lists(make_film(), min_size=1, max_size=4))
    row = st.sampled_from(films).flatmap(
        lambda film: st.tuples(st.just(film), st.sampled_from(film.names), st.sampled_from(film.names))
    )
    rows = st.lists(row, min_size=1, max_size=4, unique_by=lambda row: row[0].number)
    file = st.tuples(st.integers(0, PEOPLE - 1), st.sampled_from(sorted(FORMATS)), rows)
    return films, draw(st.lists(file, min_size=1, max_size=12))


@pytest.fixture
def people(add_user):
    """The ids of ten accounts."""
    return [add_user(f"person{number}") for number in range(PEOPLE)]


@dataclass
class KnownMovie:
    """What an instance knows of a film's movie: the match keys of its names, and its ids."""

    names: set[str]
    ids: set[str | int]
    learns_ids: bool = True


@pytest.fixture
def add_film(add_movie, add_titles):
    """`add_film(film)` adds a film that the catalogue has, with all its names, and returns its id and KnownMovie."""

    def add(film):
        ids = {name: getattr(film, name) for name in film.known_ids}
        movie_id = add_movie(title=film.names[0], year=film.year, **ids)
        keys = {match_key(name): name for name in film.names}
        if titles := [name for key, name in keys.items() if key != match_key(film.names[0])]:
            add_titles(movie_id, *titles)
        return movie_id, KnownMovie({*keys}, {*ids.values()}, learns_ids=False)

    return add


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=make_world())
def test_files_of_ten_people_add_no_film_twice_and_mix_none(people, add_film, exact, world):
    films, files = world
    known = {film.number: dict([add_film(film)]) if film.known_ids is not None else {} for film in films}
    for person, name, rows in files:
        data = FORMATS[name]([film.make_cells(title, original) for film, title, original in rows])
        report = import_file(people[person], io.BytesIO(data), create_missing=True, details=True)
        for (film, *_), row, detail in zip(
            rows, open_upload(io.BytesIO(data)).rows, report.details, strict=True
        ):
            follow_row(known[film.number], row, detail["movie_id"])
    for film in films:
        check_film(film)
    assert exact()


def follow_row(known, row, movie_id):
    """Assert that a row's movie, if it was added, could not be known by an id or a name, and keep what it tells."""
    names = {match_key(name) for name in (row.title, row.original_title) if name and row.year}
    ids = {row.imdb_id, row.tmdb_id} - {None}
    if movie_id in known:
        movie = known[movie_id]
        if movie.learns_ids and movie.names & names:
            movie.ids |= ids
    elif movie_id is not None:
        assert not [movie for movie in known.values() if movie.ids & ids or movie.names & names], (known, row)
        known[movie_id] = KnownMovie(names, ids)


@pytest.mark.parametrize("order", [*itertools.permutations(["letterboxd", "imdb", "trakt"])], ids="-".join)
@pytest.mark.parametrize("known_ids", [None, (), ("imdb_id",), ("tmdb_id",)], ids=str)
def test_letterboxd_imdb_and_trakt_files_of_one_person_give_each_film_one_movie(
    people, add_film, order, known_ids
):
    film = Film(next(NUMBERS), 1990, ("Silent Harbour", "Stiller Hafen"), known_ids)
    if known_ids is not None:
        add_film(film)
    for name in order:
        data = FORMATS[name]([film.make_cells("Silent Harbour", "Stiller Hafen")])
        import_file(people[0], io.BytesIO(data), create_missing=True)
    [movie_id] = read().scalars(select(Movie.id))
    movie = movies.get_movie(movie_id)
    assert movie.rating_count == 1
    if known_ids is None:
        assert (movie.imdb_id, movie.tmdb_id) == (film.imdb_id, film.tmdb_id)


def check_film(film):
    """Assert that the film's movies share no name and no id, have its ids alone, and its rating alone.

    A film that is in the catalogue has one movie.
    """
    columns = (Movie.id, Movie.title, Movie.original_title, Movie.imdb_id, Movie.tmdb_id)
    copies = read().execute(select(*columns).where(Movie.title.contains(f"Film{film.number}x"))).all()
    names = [{match_key(name) for name in (row.title, row.original_title) if name} for row in copies]
    assert sum(map(len, names)) == len(set().union(*names)), copies
    for name in ("imdb_id", "tmdb_id"):
        ids = [value for row in copies if (value := getattr(row, name)) is not None]
        assert ids in ([], [getattr(film, name)]), copies
    assert film.known_ids is None or len(copies) == 1, copies
    ratings = select(Rating.value).where(Rating.movie_id.in_([row.id for row in copies]))
    assert {*read().scalars(ratings)} <= {2 * film.rating}
