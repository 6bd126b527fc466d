"""Conflicts between movies, and which changes count as edits."""

import random

import orjson
import pytest
from sqlalchemy import func, select, update

from movierating.errors import Conflict, PreconditionFailed
from movierating.movies import movie_json, service
from movierating.movies.genres import GENRES
from movierating.movies.matching import MovieMatcher
from movierating.movies.models import Movie, MovieFacet
from movierating.movies.movie_query import MovieQuery
from movierating.ratings import service as ratings
from movierating.storage.database import read, write

EMMA = {"title": "Emma", "year": 1996}
ONE, OTHER = "tt0116191", "tt0118308"


def facets_of(movie_id):
    return set(read().scalars(select(MovieFacet.facet).where(MovieFacet.movie_id == movie_id)))


def import_movie(facts):
    matcher = MovieMatcher(read(), [MovieQuery(titles=[facts["title"]])])
    movie_id = matcher.add(facts)
    write(matcher.stage().insert)
    return movie_id


@pytest.mark.parametrize(
    ("there", "comes"),
    [
        ({}, {"year": 2020}),
        ({}, {"title": "Emma."}),
        ({"imdb_id": ONE}, {"imdb_id": OTHER}),
        ({"imdb_id": ONE, "tmdb_id": 1}, {"imdb_id": OTHER, "tmdb_id": 2}),
        ({"imdb_id": ONE}, {"imdb_id": OTHER, "title": "EMMA"}),
        ({"original_title": "Emma II"}, {"title": "Emma II"}),
        ({"wikidata_id": "Q1"}, {"year": 2020, "wikidata_id": "Q1"}),
    ],
)
def test_remakes_and_movies_with_different_imdb_ids_are_created(add_movie, there, comes):
    assert add_movie(**EMMA, **there) != add_movie(**{**EMMA, **comes})


@pytest.mark.parametrize(
    ("there", "comes"),
    [
        ({}, {}),
        ({}, {"title": "  EMMA"}),
        ({"title": "Amélie"}, {"title": "AMELIE"}),
        ({"title": "Łódź"}, {"title": "Lodz"}),
        ({"imdb_id": ONE}, {}),
        ({}, {"imdb_id": ONE}),
        ({"tmdb_id": 1}, {"tmdb_id": 2}),
        ({"imdb_id": ONE}, {"tmdb_id": 2}),
        ({"imdb_id": ONE}, {"imdb_id": ONE, "title": "Other", "year": 2000}),
        ({"tmdb_id": 1}, {"tmdb_id": 1, "title": "Other", "year": 2000}),
        ({"imdb_id": ONE, "tmdb_id": 1}, {"imdb_id": OTHER, "tmdb_id": 1}),
    ],
)
def test_duplicate_is_rejected_on_create_and_update(add_movie, there, comes):
    movie_id = add_movie(**{**EMMA, **there})
    other_id = add_movie(title="Something else", year=1950)
    before = service.get_movie(other_id)
    with pytest.raises(Conflict):
        service.create_movie({**EMMA, **comes})
    with pytest.raises(Conflict):
        service.update_movie(other_id, None, {**EMMA, **comes})
    assert service.get_movie(other_id) == before
    assert read().scalar(select(func.count()).select_from(Movie)) == 2
    # Not even the one that is there is in its own way.
    service.update_movie(movie_id, None, {**EMMA, **comes})


def test_imdb_id_of_movies_with_the_same_title_and_year_cannot_be_removed(add_movie):
    first, second = add_movie(**EMMA, imdb_id=ONE), add_movie(**EMMA, imdb_id=OTHER)
    for movie_id in (first, second):
        with pytest.raises(Conflict):
            service.update_movie(movie_id, None, {"imdb_id": None})
    service.update_movie(second, None, {"year": 1997})
    service.update_movie(second, None, {"imdb_id": None})


def test_imported_movies_with_the_same_title_and_year_can_be_edited(add_movie):
    add_movie(**EMMA, tmdb_id=1)
    brought = import_movie({**EMMA, "tmdb_id": 2, "imdb_id": ONE})
    assert service.update_movie(brought, None, {"runtime_minutes": 107}).runtime_minutes == 107
    with pytest.raises(Conflict):
        service.update_movie(brought, None, {"imdb_id": OTHER})


def test_conflict_of_a_removed_tmdb_id_names_the_other_movie(add_movie):
    add_movie(**EMMA | {"year": 2020})
    twin_id = add_movie(**EMMA)
    movie_id = import_movie({**EMMA, "tmdb_id": 2})
    with pytest.raises(Conflict) as error:
        service.update_movie(movie_id, None, {"tmdb_id": None})
    assert error.value.conflict == {"field": "title", "movie_id": twin_id}


def test_update_changes_edit_and_updated_at_and_nothing_else(add_movie):
    movie_id = add_movie(**EMMA, imdb_id=ONE, genres=["Comedy"])
    before = service.get_movie(movie_id)
    after = service.update_movie(movie_id, {before.edit}, {"country": "GB"})
    assert after == service.get_movie(movie_id)
    assert after.edit == before.edit + 1
    assert after.updated_at > before.updated_at
    facts = [orjson.loads(orjson.dumps(movie_json.serialize_facts(row))) for row in (before, after)]
    changed = {name for name in facts[0] if facts[0][name] != facts[1][name]}
    assert changed == {"country", "updated_at"}


@pytest.mark.parametrize("changes", [{}, EMMA, {"genres": ["Comedy"], "imdb_id": ONE}, {"language": None}])
def test_update_without_effect_is_not_an_edit(add_movie, changes):
    movie_id = add_movie(**EMMA, imdb_id=ONE, genres=["Comedy"])
    before = service.get_movie(movie_id)
    assert service.update_movie(movie_id, None, changes) == before == service.get_movie(movie_id)


def test_genres_are_counted_by_name(add_movie):
    add_movie(genres=["Drama", "War"])
    deleted_id = add_movie(genres=["Drama"])
    counts = {genre["name"]: genre["count"] for genre in service.list_genres()}
    assert (counts["Drama"], counts["War"], counts["Western"]) == (2, 1, 0)
    ratings.delete_movie(deleted_id, None, with_ratings=False)
    assert {genre["name"]: genre["count"] for genre in service.list_genres()} == {**counts, "Drama": 1}


def test_id_is_never_reused(add_movie):
    ids = [add_movie() for _ in range(3)]
    ratings.delete_movie(ids[-1], None, with_ratings=False)
    assert add_movie() > ids[-1]


def test_movie_of_unknown_year_is_returned_and_edited(add_movie):
    movie_id = add_movie(title="Ms. Nobody")
    write(lambda connection: connection.execute(update(Movie).where(Movie.id == movie_id).values(year=None)))
    changed = service.update_movie(movie_id, None, {"country": "US"})
    assert movie_json.serialize_movie(changed)["year"] is None
    assert not any(facet.startswith("year:") for facet in facets_of(movie_id))
    assert facets_of(movie_id) == {"name:msnobody"}


def test_edit_from_another_version_is_rejected_inside_the_transaction(add_movie):
    movie_id = add_movie(**EMMA)
    service.update_movie(movie_id, {1}, {"country": "GB"})
    for edits in ({1}, set()):
        with pytest.raises(PreconditionFailed):
            service.update_movie(movie_id, edits, {"country": "US"})
        with pytest.raises(PreconditionFailed):
            ratings.delete_movie(movie_id, edits, with_ratings=False)
    assert service.get_movie(movie_id).country == "GB"
    assert service.update_movie(movie_id, {1, 2}, {"country": "US"}).country == "US"


def test_movie_with_the_longest_title_and_all_genres_fits_into_the_indexes(add_movie, add_titles):
    # Random letters of four bytes each, which PostgreSQL can't compress.
    dice = random.Random(1)
    long_title = "".join(chr(dice.randrange(0x20000, 0x2A000)) for _ in range(500))
    movie_id = add_movie(title=long_title, original_title=long_title, genres=list(GENRES), language="ja")
    add_titles(movie_id, long_title[::-1])
    assert service.get_movie(movie_id).title == long_title


def count_dramas():
    return {genre["name"]: genre["count"] for genre in service.list_genres()}["Drama"]


def test_genres_are_counted_again_after_a_change_of_movies(add_movie):
    assert count_dramas() == 0
    movie_id = add_movie(genres=["Drama"])
    assert count_dramas() == 1
    service.update_movie(movie_id, None, {"genres": ["War"]})
    assert count_dramas() == 0


@pytest.mark.sqlite  # on PostgreSQL a version covers all data
def test_genres_are_not_counted_again_after_a_rating(add_movie, member):
    movie_id = add_movie(genres=["Drama"])
    assert count_dramas() == 1
    counted = service._count_by_genre.cache_info().misses
    ratings.rate_movie(member.id, movie_id, 17, None)
    assert count_dramas() == 1
    assert service._count_by_genre.cache_info().misses == counted
