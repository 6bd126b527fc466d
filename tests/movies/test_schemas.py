"""The schemas of a movie's facts: accepted and rejected values, and serialization according to the schemas."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from movierating import rating_stats
from movierating.movies import movie_columns, movie_json, service
from movierating.movies.genres import GENRES
from movierating.movies.iso_codes import COUNTRIES, LANGUAGES
from movierating.movies.models import Movie
from movierating.movies.query_schemas import ListMoviesQuerySchema
from movierating.movies.schemas import (
    CreateMovieSchema,
    MovieDetailsSchema,
    MovieFactsSchema,
    MovieSchema,
    UpdateMovieSchema,
)
from movierating.storage.database import read

LAST_YEAR = datetime.now(UTC).year + 10
EMMA = {"title": "Emma", "year": 1996}
WHOLE = {
    "title": "The Secret of Kells",
    "original_title": "Brendan and the Secret of Kells",
    "year": 2009,
    "runtime_minutes": 75,
    "genres": ["Animation", "Family"],
    "directors": ["Tomm Moore", "Nora Twomey"],
    "language": "en",
    "country": "IE",
    "imdb_id": "tt0485601",
    "tmdb_id": 26963,
    "wikidata_id": "Q1212085",
}


ACCEPTED = {
    "title": ["E", "x" * 500, "Amélie", "千と千尋の神隠し", "9", "\U0001f600"],
    "year": [1870, 1996, 1999.0, LAST_YEAR],
    "runtime_minutes": [1, 75, 5000, None],
    "genres": [[], ["Drama"], list(GENRES)],
    "directors": [[], ["D" * 200], ["A", "a"], [f"D{number}" for number in range(50)]],
    "language": ["en", "sr", "zu", None],
    "country": ["IE", "SU", "CS", "YU", "ZW", None],
    "imdb_id": ["tt0000001", "tt1234567890", None],
    "tmdb_id": [1, 2**31 - 1, None],
    "wikidata_id": ["Q1", "Q1212085", None],
    "alternative_titles": [[], ["T" * 500], [f"T{number}" for number in range(50)]],
    "original_title": ["Le fabuleux destin", None],
}
READ_ONLY = ["id", "ratings", "created_at", "updated_at", "edit", "title_key", "score"]
REJECTED = {
    "title": [None, "", "  ", "x" * 501, "a\nb", "a\0b", "\u202eEmma", 7, ["Emma"], {}],
    "year": [None, 1869, LAST_YEAR + 1, 0, -1996, "1996", 1996.5, True, [1996], 1e300],
    "runtime_minutes": [0, -1, 5001, "75", 75.5, True],
    "genres": [None, "Drama", ["drama"], ["Nonsense"], ["Drama", "Drama"], [None], [["War"]]],
    "alternative_titles": [None, "Luna", [""], ["T" * 501], ["Luna", " Luna"], [f"T{n}" for n in range(51)]],
    "directors": [
        None,
        "Ann",
        [""],
        ["D" * 201],
        ["Ann", "Ann"],
        ["Ann", " Ann"],
        [7],
        [*map(str, range(51))],
    ],
    "language": ["", "EN", "eng", "xx", "e", "én", "en\n", 7],
    "country": ["", "ie", "IRL", "ZZ", "UK", "I", "\uff29\uff25", "IE\n", 7],
    "imdb_id": ["", "tt123456", "tt12345678901", "0111161", "TT0111161", "tt" + "\u0660" * 7, "tt0111161\n"],
    "tmdb_id": [0, -1, 2**31, "26963", 1.5, True],
    "wikidata_id": ["", "Q0", "Q01", "1212085", "q1", "Q" + "9" * 19, "Q1\n"],
    "original_title": ["", " ", "x" * 501, "a\tb", 7],
    **{field: [1] for field in (*READ_ONLY, "Title", "")},
}
REJECTED_FILTERS = {
    "genre": [["Nonsense"], ["drama"], [""]],
    **{name: ["199x"] for name in ("year", "year_from", "year_to")},
    "language": ["xx", "EN", ""],
    "exclude_genre": [["Nonsense"], ["drama"], [""], ["Drama"] * 25],
    "country": ["xx", "fr", "FRA", "ZZ", "UK", "", "FR,DE", "FR\n"],
    **{
        name: ["0", "-1", "5001", "90.5", "x", "", "1e2", "9" * 30] for name in ("runtime_from", "runtime_to")
    },
    "min_score": [
        "-1",
        "10.1",
        "11",
        "x",
        "",
        "nan",
        "inf",
        "1e999",
        "7,5",
        "0x7",
        "7.",
        ".5",
        " 7",
        "1_0",
        "\u0667",
    ],
    "ids": [
        "",
        ",",
        "1,",
        ",1",
        "1,,2",
        "0",
        "-1",
        "x",
        "1;2",
        "1 2",
        "1.0",
        f"{2**63}",
        "1," * 100 + "1",
        "9" * 40,
    ],
    "min_count": ["-1", "1.5", "", "9" * 12],
    "sort": ["score", "-title", "id", ""],
    "q": ["", " ", "x" * 201, "a\0b"],
    "director": ["", "x" * 201, "a\nb"],
}


def list_cases(table):
    return [(field, value) for field, values in table.items() for value in values]


@pytest.mark.parametrize(("field", "value"), list_cases(ACCEPTED), ids=str)
def test_fact_is_accepted_when_a_movie_is_created_and_updated(field, value):
    assert CreateMovieSchema().load({**EMMA, field: value})[field] == value
    assert UpdateMovieSchema().load({field: value}) == {field: value}


@pytest.mark.parametrize(("field", "value"), list_cases(REJECTED), ids=str)
def test_fact_is_rejected_when_a_movie_is_created_and_updated(field, value):
    assert CreateMovieSchema().validate({**EMMA, field: value}).keys() == {field}
    assert UpdateMovieSchema().validate({field: value}).keys() == {field}


@pytest.mark.parametrize(("field", "value"), list_cases(REJECTED_FILTERS), ids=str)
def test_filter_that_matches_nothing_is_rejected(field, value):
    assert ListMoviesQuerySchema().validate({field: value}).keys() == {field}


def test_only_title_and_year_are_required_to_create_a_movie_and_nothing_to_update_it():
    assert CreateMovieSchema().validate({}).keys() == {"title", "year"}
    assert CreateMovieSchema().load(EMMA) == EMMA
    assert UpdateMovieSchema().load({}) == {}


def test_text_is_trimmed():
    loaded = CreateMovieSchema().load({**EMMA, "title": " Emma ", "directors": [" Douglas McGrath "]})
    assert loaded == {**EMMA, "directors": ["Douglas McGrath"]}


def test_codes_are_those_of_the_standards():
    assert (len(LANGUAGES), len(COUNTRIES)) == (183, 249 + 3)
    assert list(LANGUAGES) == sorted(set(LANGUAGES))
    assert list(COUNTRIES[:-3]) == sorted(set(COUNTRIES) - {"SU", "CS", "YU"})
    assert len(GENRES) == len(set(GENRES))


lines = st.text("abcÅé 'ß千", min_size=1, max_size=20).filter(lambda text: text == text.strip())
movies = st.fixed_dictionaries(
    {"title": lines, "year": st.integers(1870, LAST_YEAR)},
    optional={
        "original_title": st.none() | lines,
        "runtime_minutes": st.none() | st.integers(1, 5000),
        "genres": st.lists(st.sampled_from(GENRES), unique=True),
        "directors": st.lists(lines, unique=True, max_size=3),
        "language": st.none() | st.sampled_from(LANGUAGES),
        "country": st.none() | st.sampled_from(COUNTRIES),
        "wikidata_id": st.none() | st.integers(1, 10**18 - 1).map("Q{}".format),
    },
)
histograms = st.lists(st.integers(0, 1000), min_size=20, max_size=20)


def parse_row(row):
    """Return a row as the schema takes it: with its JSON columns parsed and its statistics as an object."""
    columns = dict(zip((column.name for column in movie_json.DETAIL_COLUMNS), row, strict=True))
    for name in ("genres", "directors", "alternative_titles"):
        columns[name] = orjson.loads(columns[name])
    values = [columns[name] for name in rating_stats.AGGREGATE_COLUMNS]
    count, total = values[:2]
    numbers = {
        "mean": rating_stats.calculate_mean(count, total),
        "score": rating_stats.calculate_score(count, total),
    }
    return {**columns, "ratings": {"count": count, **numbers, "histogram": values[2:]}}


@given(facts=movies, histogram=histograms, titles=st.lists(lines, max_size=3))
def test_serialized_movie_matches_the_schema(facts, histogram, titles):
    total = sum(step * count for step, count in enumerate(histogram, 1))
    values = {
        **movie_columns.make_row(CreateMovieSchema().load(facts)),
        "id": 7,
        "alternative_titles": orjson.dumps(titles).decode(),
        "created_at": 1_705_314_600_000_000,
        "updated_at": 1_705_314_600_120_000,
        **dict(zip(rating_stats.AGGREGATE_COLUMNS, [sum(histogram), total, *histogram], strict=True)),
    }
    row = [values.get(column.name) for column in movie_json.DETAIL_COLUMNS]
    details = MovieDetailsSchema().dump(parse_row(row))
    assert orjson.dumps(movie_json.serialize_details(row)) == orjson.dumps(details)
    assert orjson.dumps(movie_json.serialize_movie(row)) == orjson.dumps(MovieSchema().dump(parse_row(row)))
    assert orjson.dumps(movie_json.serialize_facts(row)) == orjson.dumps(
        MovieFactsSchema().dump(parse_row(row))
    )


def test_stored_movie_matches_the_schema(add_movie):
    movie_id = add_movie(**WHOLE)
    row = service.get_movie(movie_id)
    encoded = orjson.dumps(movie_json.serialize_movie(row))
    assert encoded == orjson.dumps(MovieSchema().dump(parse_row(row)))
    shown = orjson.loads(encoded)
    assert {name: shown[name] for name in WHOLE} == WHOLE
    assert read().scalar(select(Movie.score).where(Movie.id == movie_id)) == shown["ratings"]["score"]
