"""`movierating check` finds damage to what searches read, and makes it again from the movies."""

import sqlite3
from contextlib import closing

import pytest

from movierating.operations import checks
from movierating.storage import database
from movierating.storage.database import read
from operations.damage import change, change_without_foreign_keys

DIFFERS, IS_NOT = "differs from its facts", "does not exist"
MALFORMED = "search index: is inconsistent ("


@pytest.fixture
def amelie(add_movie, add_titles):
    """The first of two movies, which has an alternative title: its id."""
    facts = {"title": "Amélie", "original_title": "Le Fabuleux Destin", "directors": ["Jean-Pierre Jeunet"]}
    movie_id = add_movie(**facts, year=2001, genres=["Comedy"], language="fr")
    add_movie(title="Bambi", year=1942, genres=["Family"])
    add_titles(movie_id, "Montmartre")
    return movie_id


@pytest.fixture
def searches(client):
    """`searches()` returns the responses to some searches, which are then cached."""
    queries = (
        "q=amel",
        "q=destin",
        "q=montmartre",
        "q=jeunet",
        "genre=Comedy",
        "year=2001",
        "sort=title",
        "q=amelie&sort=relevance",
    )
    return lambda: [client.get(f"/v1/movies?{query}").json for query in queries]


@pytest.fixture
def without_index(app):
    """`without_index(name, statement)` runs a statement without updating that index."""
    file = read().engine.url.database

    def run_statements(*statements):
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            return [connection.execute(*statement).fetchall() for statement in statements]

    def run(name, statement):
        database.close()
        schema = ("SELECT * FROM sqlite_schema WHERE name = ?", (name,))
        row = run_statements(schema, ("DELETE FROM sqlite_schema WHERE name = ?", (name,)))[0][0]
        run_statements((statement,), ("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", row))

    return run


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("DELETE FROM movie_facet WHERE movie_id = 1", "facets: movie 1 is missing"),
        ("DELETE FROM movie_facet WHERE facet = 'genre:Comedy'", f"facets: movie 1 {DIFFERS}"),
        ("INSERT INTO movie_facet VALUES (2, 'genre:Comedy')", f"facets: movie 2 {DIFFERS}"),
        ("UPDATE movie_facet SET movie_id = 2 WHERE facet = 'language:fr'", f"facets: movie 1 {DIFFERS}"),
        ("UPDATE movie SET title_key = 'c' WHERE id = 1", f"folded titles: movie 1 {DIFFERS}"),
        ("UPDATE movie SET original_title_key = NULL WHERE id = 1", f"folded titles: movie 1 {DIFFERS}"),
        ("UPDATE movie SET original_title_key = '' WHERE id = 2", f"folded titles: movie 2 {DIFFERS}"),
        ("DELETE FROM movie_search WHERE rowid = 1", "search index: movie 1 is missing"),
        ("UPDATE movie_search SET directors = '' WHERE rowid = 1", f"search index: movie 1 {DIFFERS}"),
        ("UPDATE movie_search SET rowid = 9 WHERE rowid = 1", f"search index: movie 9 {IS_NOT}"),
        (
            "UPDATE movie_search SET alternative_titles = '' WHERE rowid = 1",
            f"search index: movie 1 {DIFFERS}",
        ),
        ("UPDATE movie_title SET match_key = 'x'", f"match keys of alternative titles: movie 1 {DIFFERS}"),
        (
            "INSERT INTO movie_search(rowid, title, original_title, directors, alternative_titles)"
            " VALUES (9, 'amelie', '', '', '')",
            f"search index: movie 9 {IS_NOT}",
        ),
        *(
            pytest.param(statement, MALFORMED, marks=pytest.mark.sqlite)
            for statement in (
                "DELETE FROM movie_search_docsize",
                "DELETE FROM movie_search_data WHERE id > 10",
                "UPDATE movie_search_data SET block = zeroblob(1) WHERE id = 10",
                "UPDATE movie_search_data SET block = zeroblob(9) WHERE id > 10",
                "UPDATE movie_search_content SET c0 = 'zorro'",
                "DELETE FROM movie_search_content WHERE id = 1",
            )
        ),
    ],
)
def test_search_data_is_repaired(amelie, searches, statement, line):
    before = searches()
    change(statement)
    searches()
    problems, _ = checks.run_checks(repair=False)
    assert any(problem.startswith(line) for problem in problems)
    left, repaired = checks.run_checks(repair=True)
    assert (left, set(repaired) >= {f"{each}, repaired" for each in problems}) == ([], True)
    assert searches() == before
    assert checks.run_checks(repair=True) == ([], [])


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("index", "statement"),
    [
        ("ix_movie_title", "UPDATE movie SET created_at = 5, title_key = 'emma' WHERE id = 1"),
        ("ix_movie_year", "UPDATE movie SET year = 1950 WHERE id = 2"),
        ("ix_movie_facet_facet", "DELETE FROM movie_facet WHERE facet = 'genre:Comedy'"),
        ("ix_rating_movie", "INSERT INTO rating VALUES (1, 1, 5, 0, 0, 0)"),
    ],
)
def test_index_without_a_row_is_rebuilt(amelie, member, without_index, index, statement):
    without_index(index, statement)
    problems, _ = checks.run_checks(repair=False)
    assert problems
    assert all(line.startswith("database: ") and line.endswith(f" index {index}") for line in problems)
    left, repaired = checks.run_checks(repair=True)
    assert (left, repaired[0]) == ([], f"database: index {index}, repaired")
    assert checks.run_checks(repair=True) == ([], [])


@pytest.mark.sqlite
def test_repair_restores_a_search_index_that_lost_its_configuration(amelie, searches, without_index):
    before = searches()
    change("DELETE FROM movie_search_config")
    without_index("ix_movie_year", "UPDATE movie SET year = 1950 WHERE id = 2")
    problems, _ = checks.run_checks(repair=False)
    assert problems
    assert all(line.startswith("database: ") and line.endswith(" index ix_movie_year") for line in problems)
    left, repaired = checks.run_checks(repair=True)
    assert left == []
    assert [line.partition(" (")[0] for line in repaired] == [
        "database: index ix_movie_year, repaired",
        "facets: movie 2 differs from its facts, repaired",
        "search index: can't be checked",
    ]
    assert searches()[:4] == before[:4]  # the others show the year
    assert checks.run_checks(repair=True) == ([], [])


@pytest.mark.sqlite
def test_failed_repair_reports_the_reason_and_what_was_repaired(amelie):
    change("DROP TABLE movie_search_content")
    change("DELETE FROM movie_facet WHERE movie_id = 1")
    database.close()
    problems, _ = checks.run_checks(repair=False)
    assert [line.partition(":")[0] for line in problems] == ["facets", "search index"]
    left, repaired = checks.run_checks(repair=True)
    assert repaired == ["facets: movie 1 is missing, repaired"]
    assert [line.partition(":")[0] for line in left] == ["search index", "repair"]


@pytest.mark.sqlite
def test_facets_of_a_missing_movie_are_removed(amelie):
    change_without_foreign_keys("INSERT INTO movie_facet VALUES (9, 'year:2001')")
    orphan, surplus = "database: a row of movie_facet has no movie", "facets: movie 9 does not exist"
    assert checks.run_checks(repair=False) == ([orphan, surplus], [])
    assert checks.run_checks(repair=True) == ([], [f"{surplus}, repaired"])
