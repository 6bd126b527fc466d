"""Titles, facets and search index of each movie are compared with its facts and repaired."""

import functools
import hashlib

import orjson
import pytest
from sqlalchemy import text

from movierating.movies import index_repair, search_index
from movierating.movies.titles import fold
from movierating.storage.database import read, write
from movierating.storage.dialect import set_index_version

PARTS = (*index_repair.BEFORE_TEXT, index_repair.TEXT)


def harm(statement):
    write(lambda connection: connection.execute(text(statement)))


def wrong(part):
    return list(index_repair.find_mismatches(read(), part))


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(index_repair, "_BATCH", 3)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_consistent_movie_has_no_mismatch(add_movie, add_titles, part):
    assert wrong(part) == []
    add_movie(title="!", year=2000)
    add_titles(1, "?", "Ć", "ć 2")
    add_titles(1, "ignored", source="import")
    add_movie(title="Łódź", original_title="ﬁn", directors=["Ł", "L"], genres=["Drama"], language="pl")
    assert wrong(part) == []
    assert list(index_repair.repair_mismatches(part)) == []


@pytest.mark.parametrize("movies", [2, 3, 7])
@pytest.mark.parametrize(
    ("part", "statement"),
    [
        (index_repair.TITLES, "UPDATE movie SET title_key = title_key || 'x'"),
        (index_repair.MATCH_KEYS, "UPDATE movie_title SET match_key = 'x'"),
        (index_repair.FACETS, "DELETE FROM movie_facet"),
        (index_repair.TEXT, "DELETE FROM movie_search"),
        (index_repair.TEXT, "UPDATE movie_title SET title = 'New'"),
    ],
    ids=lambda value: (
        value.name if isinstance(value, index_repair.DerivedData) else value.partition(" SET ")[0]
    ),
)
def test_every_batch_is_checked_and_repaired(small_batches, add_movie, add_titles, movies, part, statement):
    ids = [add_movie() for _ in range(movies)]
    for movie_id in ids:
        add_titles(movie_id, f"Film {movie_id}")
    harm(statement)
    found = wrong(part)
    assert [movie_id for movie_id, _ in found] == ids
    assert list(index_repair.repair_mismatches(part)) == found
    assert wrong(part) == []


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_movie_changed_or_deleted_since_the_check_is_not_repaired(add_movie, part):
    right, gone = add_movie(), 99
    found = [(right, "is missing"), (gone, "differs from its facts")]
    assert write(functools.partial(index_repair._repair_batch, part, found)) == []


@pytest.mark.parametrize("genres", ["[", "5", "null"])
def test_invalid_facts_are_reported_and_not_changed(add_movie, genres):
    movie_id, other = add_movie(genres=["Drama"]), add_movie()
    harm(f"UPDATE movie SET genres = '{genres}' WHERE id = {movie_id}")
    harm(f"DELETE FROM movie_facet WHERE movie_id = {other}")
    unreadable = (movie_id, "has facts that can't be read")
    assert wrong(index_repair.FACETS)[1:] == [(other, "is missing")]
    assert list(index_repair.repair_mismatches(index_repair.FACETS)) == [(other, "is missing")]
    assert wrong(index_repair.FACETS) == [unreadable]


def test_folded_title_that_another_movie_has_is_not_repaired(add_movie):
    first = add_movie(title="Emma", year=1996)
    harm("UPDATE movie SET title_key = 'x'")
    add_movie(title="Emma", year=1996)
    third = add_movie(title="Heat")
    harm(f"UPDATE movie SET title_key = 'y' WHERE id = {third}")
    assert list(index_repair.repair_mismatches(index_repair.TITLES)) == [(third, "differs from its facts")]
    assert wrong(index_repair.TITLES) == [(first, "differs from its facts")]


def test_of_alternative_titles_with_one_key_the_first_stays(add_movie, add_titles):
    movie_id = add_movie(title="Alien")
    add_titles(movie_id, "Obcy", "Vetřelec", "Alien 1")
    harm("UPDATE movie_title SET title = 'OBCY!' WHERE title = 'Vetřelec'")
    harm("UPDATE movie_title SET match_key = 'obcy 1' WHERE match_key = 'obcy'")
    found = [(movie_id, "differs from its facts")]
    assert list(index_repair.repair_mismatches(index_repair.MATCH_KEYS)) == found
    rows = read().execute(text("SELECT id, title, match_key FROM movie_title ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [(1, "Obcy", "obcy"), (3, "Alien 1", "alien1")]
    assert wrong(index_repair.MATCH_KEYS) == []


TRICKY = {
    "title": "Ocean's L.A. Łódź: Æon\u2013\ufb01n \u00bd 東京 2",
    "original_title": "Größe\u2019s Ñandú",
    "genres": '["Drama"]',
    "directors": '["Agnès Varda", "Ł. Øre"]',
    "year": 1999,
    "language": "pl",
}


def test_index_version_matches_the_rules():
    made = [
        search_index.make_index_text(TRICKY, ["Ocean\u2019s 2", "L.A. Øre"]),
        search_index.list_facets(TRICKY),
        fold(TRICKY["title"] * 20),
    ]
    digest = hashlib.sha256(orjson.dumps(made)).hexdigest()[:16]
    assert (index_repair.INDEX_VERSION, digest) == (6, "00b9b0398f81a28e")


def test_data_of_an_older_version_is_repaired_once(app, add_movie):
    add_movie(title="Ocean's")
    harm("UPDATE movie_search SET title = 'ocean s'")
    index_repair.reindex()
    assert wrong(index_repair.TEXT) == [(1, "differs from its facts")]
    write(lambda connection: set_index_version(connection, 1))
    index_repair.reindex()
    assert wrong(index_repair.TEXT) == []
