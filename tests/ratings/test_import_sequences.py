"""Several files in a row: no film is added twice, and no two films become one."""

import io
import itertools
import logging
import zipfile
from dataclasses import dataclass

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.movies.titles import match_key
from movierating.ratings.imports import import_file
from movierating.ratings.models import Rating
from movierating.storage.database import read

LETTERBOXD = "Date,Name,Year,Letterboxd URI,Rating"
IMDB = "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,Release Date,Directors"  # noqa: E501


def count_movies():
    return read().scalar(select(func.count()).select_from(Movie))


@pytest.fixture
def import_letterboxd(user_id, import_rows):
    """`import_letterboxd("Heat,1995,https://boxd.it/1,4")` imports Letterboxd's ratings.csv."""

    def run(*rows, **options):
        lines = [f"2022-01-0{number},{row}" for number, row in enumerate(rows, 1)]
        return import_rows(user_id, *lines, header=LETTERBOXD, **{"create_missing": True, **options})

    return run


@pytest.fixture
def import_imdb(user_id, import_rows):
    """`import_imdb("tt0113277,8,Heat,1995")` imports IMDb's ratings, by default of the same person."""

    def run(*rows, user=user_id, **options):
        lines = []
        for number, row in enumerate(rows, 1):
            imdb_id, value, title, year = row.split(",")
            lines.append(f"{imdb_id},{value},2024-01-0{number},{title},{title},u,Movie,,,{year},,,,")
        return import_rows(user, *lines, header=IMDB, **{"create_missing": True, **options})

    return run


@pytest.mark.parametrize(
    ("row", "facts"),
    [
        ("The Godfather: Part II,1974", {"title": "The Godfather Part II", "year": 1974}),
        ("When Harry Met Sally...,1989", {"title": "When Harry Met Sally", "year": 1989}),
        (
            "Once Upon a Time\u2026 in Hollywood,2019",
            {"title": "Once Upon a Time in Hollywood", "year": 2019},
        ),
        ("Alien\u00b3,1992", {"title": "Alien 3", "year": 1992}),
        ("M*A*S*H,1970", {"title": "MASH", "year": 1970}),
        ("Kill Bill: Vol. 1,2003", {"title": "Kill Bill: Volume 1", "year": 2003}),
    ],
)
def test_a_movie_under_another_spelling_is_found(rated, import_letterboxd, add_movie, user_id, row, facts):
    movie_id = add_movie(**facts, imdb_id="tt0000001")
    import_letterboxd(f"{row},https://boxd.it/1,4")
    assert rated(user_id).keys() == {movie_id}


def test_a_movie_that_an_import_added_learns_the_ids_of_a_later_row(
    rated, import_letterboxd, import_imdb, user_id, caplog, exact
):
    import_letterboxd("Quiet Harbour,2019,https://boxd.it/q,4")
    with caplog.at_level(logging.INFO, logger="movierating"):
        report = import_imdb("tt9991001,7,Quiet Harbour,2019")
    assert report["notes"][0]["reason"] == "the movie, which an import added, gets its imdb_id tt9991001"
    [record] = [record for record in caplog.records if record.message == "movie learned ids"]
    import_imdb("tt9991001,7,Stiller Hafen,2019")
    [movie_id] = rated(user_id)
    assert record.fields == {"movie_id": movie_id, "imdb_id": "tt9991001", "user_id": user_id}
    assert count_movies() == 1
    movie = movies.get_movie(movie_id)
    assert (movie.imdb_id, movie.edit) == ("tt9991001", 2)
    assert exact()


def test_a_movie_learns_ids_from_another_persons_row_and_keeps_its_other_facts(
    import_letterboxd, import_imdb, add_user
):
    import_letterboxd("Quiet Harbour,2019,https://boxd.it/q,4")
    import_imdb("tt9991001,7,QUIET HARBOUR!,2019", user=add_user("eve"))
    movie = movies.get_movie(1)
    assert (movie.title, movie.original_title, movie.imdb_id) == ("Quiet Harbour", None, "tt9991001")


def test_a_movie_learns_a_second_kind_of_id(user_id, import_letterboxd, import_imdb, import_rows):
    import_imdb("tt9991001,7,Quiet Harbour,2019")
    import_rows(user_id, "tt9991001,77,Another Title,,2019,8,")
    assert movies.get_movie(1).tmdb_id is None
    import_rows(user_id, "tt9991001,77,Quiet Harbour,,2019,8,")
    assert movies.get_movie(1).tmdb_id == 77


def test_ids_that_an_admin_took_back_are_not_learned_again(import_letterboxd, import_imdb):
    import_letterboxd("Quiet Harbour,2019,https://boxd.it/q,4")
    import_imdb("tt9991001,7,Quiet Harbour,2019")
    movies.update_movie(1, None, {"imdb_id": None})
    import_imdb("tt9991001,7,Quiet Harbour,2019")
    assert movies.get_movie(1).imdb_id is None


def test_a_row_with_another_id_is_another_film(rated, import_letterboxd, import_imdb, user_id, exact):
    import_letterboxd("Silent Orchard,2018,https://boxd.it/q,4")
    import_imdb("tt9993001,7,Silent Orchard,2018")
    import_imdb("tt9993002,3,Silent Orchard,2018")
    assert sorted(value for value, _ in rated(user_id).values()) == [6, 14]
    assert exact()


def test_rows_of_one_file_with_different_ids_are_two_films(rated, import_imdb, user_id):
    import_imdb("tt9993001,7,Silent Orchard,2018", "tt9993002,3,Silent Orchard,2018")
    assert sorted(value for value, _ in rated(user_id).values()) == [6, 14]


@pytest.mark.parametrize(("create_missing", "added"), [(False, 0), (True, 0), ("always", 1)])
def test_only_always_adds_a_movie_a_year_off(
    rated, import_letterboxd, counts, add_movie, user_id, create_missing, added
):
    island = add_movie(title="The Island", year=2005, imdb_id="tt0399201")
    report = import_letterboxd("The Island,2006,https://boxd.it/x,3", create_missing=create_missing)
    assert counts(report) == [added, 0, 0, 0, 1 - added, 0]
    assert [row["candidates"] for row in report["unmatched"]] == [[island]] * (1 - added)
    assert island not in rated(user_id)
    assert count_movies() == 1 + added


@pytest.mark.parametrize("exists", [False, True])
def test_two_films_of_one_name_and_year_in_one_file_are_not_one(
    rated, import_letterboxd, counts, add_movie, user_id, exists
):
    known = [add_movie(title="Glass Slipper", year=1922, imdb_id="tt0000001")] if exists else []
    rows = ("Glass Slipper,1922,https://boxd.it/aaa,3", "Glass Slipper,1922,https://boxd.it/bbb,3.5")
    dry = import_letterboxd(*rows, dry_run=True)
    report = import_letterboxd(*rows)
    for each in (dry, report):
        assert counts(each) == [1, 0, 0, 0, 1, 0]
    [unmatched] = report["unmatched"]
    assert unmatched["reason"] == "another row of the file, with another id, means this movie"
    assert unmatched["line"] == 3
    assert [value for value, _ in rated(user_id).values()] == [12]
    if exists:
        assert unmatched["candidates"] == known


def test_choices_settle_rows(rated, import_letterboxd, counts, add_movie, user_id):
    island = add_movie(title="The Island", year=2005, imdb_id="tt0399201")
    rows = [f"The Island,{year},https://boxd.it/{year},3" for year in (2006, 2004, 2006)]
    choices = {"2": island, "3": "new", "4": 10**9}
    report = import_letterboxd(*rows, create_missing=False, choices=choices)
    assert counts(report) == [2, 0, 0, 0, 1, 0]
    assert report["unmatched"][0]["reason"] == "the chosen movie 1000000000 does not exist"
    assert island in rated(user_id)
    assert count_movies() == 2


def test_new_adds_no_second_movie_that_nothing_tells_from_the_first(import_letterboxd, add_movie):
    add_movie(title="The Island", year=2005)
    report = import_letterboxd("The Island,2005,https://boxd.it/x,3", choices={"2": "new"})
    assert "only an id tells two apart" in report["unmatched"][0]["reason"]
    assert count_movies() == 1


def test_choices_of_a_zip_name_the_file(user_id, add_movie, rated):
    heat = add_movie(title="Heat", year=1995)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("ratings.csv", f"{LETTERBOXD}\n2022-01-01,Unknown,1990,https://boxd.it/x,3\n")
    import_file(user_id, archive, choices={"ratings.csv:2": heat})
    assert rated(user_id).keys() == {heat}


@dataclass(frozen=True)
class Film:
    """A film of a generated world: its number, its names, of which the spellings vary, and its value for everybody."""

    number: int
    year: int
    names: tuple[str, ...]

    @property
    def imdb_id(self):
        return f"tt{5_000_000 + self.number}"

    @property
    def tmdb_id(self):
        return 5_000_000 + self.number

    @property
    def value(self):
        return 1 + self.number % 10


SPELLINGS = ("{}", "The {}", "{}!", "{} & Co", "{} and Co.", "{} II", "{}: 2")
NUMBERS = itertools.count(1)


@st.composite
def make_files(draw):
    """Return films and files of several people: a person's number, a format, and the film and name of each row."""
    films = []
    for _ in range(draw(st.integers(1, 4))):
        number = next(NUMBERS)
        spellings = draw(st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=3))
        names = tuple(each.format(f"Film{number}x") for each in spellings)
        films.append(Film(number, draw(st.integers(1990, 1992)), names))
    row = st.sampled_from(films).flatmap(lambda film: st.tuples(st.just(film), st.sampled_from(film.names)))
    file = st.tuples(
        st.integers(0, 2),
        st.sampled_from(["letterboxd", "imdb", "trakt"]),
        st.lists(row, min_size=1, max_size=5, unique_by=lambda row: row[0].number),
    )
    return films, draw(st.lists(file, min_size=1, max_size=6))


def write_file(name, rows):
    """Return a file of a format with these rows."""
    if name == "trakt":
        return orjson.dumps(
            [
                {
                    "rated_at": "2024-01-15T10:30:00.000Z",
                    "rating": film.value,
                    "type": "movie",
                    "movie": {
                        "title": title,
                        "year": film.year,
                        "ids": {"imdb": film.imdb_id, "tmdb": film.tmdb_id},
                    },
                }
                for film, title in rows
            ]
        )
    if name == "imdb":
        lines = [
            f"{film.imdb_id},{film.value},2024-01-01,{title},{title},u,Movie,,,{film.year},,,,"
            for film, title in rows
        ]
        return "\n".join([IMDB, *lines]).encode()
    lines = [
        f"2022-01-01,{title},{film.year},https://boxd.it/{film.number},{film.value / 2}"
        for film, title in rows
    ]
    return "\n".join([LETTERBOXD, *lines]).encode()


@pytest.fixture
def people(add_user):
    """The ids of three accounts."""
    return [add_user(name) for name in ("ada", "bob", "eve")]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=make_files())
def test_files_of_several_people_add_no_film_twice_and_mix_none(people, exact, world):
    films, files = world
    for _ in range(2):
        for person, name, rows in files:
            import_file(people[person], io.BytesIO(write_file(name, rows)), create_missing=True)
    for film in films:
        check_film(film)
    assert exact()


def check_film(film):
    """Assert that the film's movies have different titles, its ids alone and its value alone."""
    keys = {match_key(name) for name in film.names}
    rows = read().execute(
        select(Movie.id, Movie.title, Movie.imdb_id, Movie.tmdb_id).where(Movie.year == film.year)
    )
    copies = [row for row in rows if match_key(row.title) in keys]
    assert len({match_key(row.title) for row in copies}) == len(copies)
    assert {row.imdb_id for row in copies} <= {None, film.imdb_id}
    assert {row.tmdb_id for row in copies} <= {None, film.tmdb_id}
    ids = [row.id for row in copies]
    values = set(read().scalars(select(Rating.value).where(Rating.movie_id.in_(ids))))
    assert values <= {2 * film.value}
