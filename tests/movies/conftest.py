"""Fixtures of searches and their query plans, catalogue imports and matching."""

import gzip
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from movierating.movies import catalogue_import, search
from movierating.storage.database import read, write
from movies.movie_rows import HEADER, as_line
from movies.query_plans import Facts, Plan, add_catalogue

# What `run_import` counts.
SUMMARY = ("added", "present", "completed", "titled", "skipped", "rejected")


@pytest.fixture(scope="session", name="list_ids")
def _list_ids() -> Callable[..., list[int]]:
    """`list_ids(filters, sort, limit)` returns the ids on all pages of a search."""
    return list_ids


def list_ids(filters: dict[str, Any], sort: str = "-score", limit: int = 100) -> list[int]:
    """Return the ids on all pages; each but the last is full."""
    ids: list[int] = []
    rows, cursor = search.search_movies(filters, sort, None, limit)
    while cursor:
        assert len(rows) == limit
        ids += [row[0] for row in rows]
        rows, cursor = search.search_movies(filters, sort, cursor, limit)
    return ids + [row[0] for row in rows]


@pytest.fixture
def write_file(tmp_path):
    """`write_file("title.basics.tsv.gz", lines)` returns the path of a file of these lines, compressed for .gz."""

    def write(name, lines):
        content = "".join(f"{line}\n" for line in lines).encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return tmp_path / name

    return write


@pytest.fixture
def write_csv(tmp_path):
    """`write_csv(row, ...)` is the path of a CSV of these rows: dicts of some columns, or raw lines."""

    def make(*rows, header=HEADER, encoding="utf-8"):
        path = tmp_path / "movies.csv"
        lines = [row if isinstance(row, str) else as_line(row) for row in rows]
        path.write_text("\n".join([header, *lines, ""]), encoding=encoding, newline="")
        return path

    return make


@pytest.fixture
def run_import(app):
    """`run_import(path, …, min_votes=10)` imports files, and returns the numbers of SUMMARY and the reasons."""

    def run(*paths, min_votes=None, progress=lambda _done: None):
        files = catalogue_import.open_files(paths)
        report = catalogue_import.import_catalogue(files, min_votes, progress)
        return tuple(getattr(report, name) for name in SUMMARY), report.reasons

    return run


@pytest.fixture(params=["new", "analyzed"])
def plan(app: Flask, request: pytest.FixtureRequest) -> Iterator[Plan]:
    """`plan(filters, sort)` lists the steps to the second page, with and without the planner's statistics."""
    seen: list[str] = []

    def explain(filters: Facts, sort: str) -> list[str]:
        _, cursor = search.search_movies(filters, sort, None, 1)
        assert cursor, "there is no second page"
        search.search_movies(filters, sort, cursor, 1)
        # The full-text index has statements of its own, which are traced as comments.
        statement = [each for each in seen if not each.startswith("--")][-1]
        return [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}")]

    write(add_catalogue)
    if request.param == "analyzed":
        read().exec_driver_sql("ANALYZE")
    driver: Any = read().connection.dbapi_connection
    driver.set_trace_callback(seen.append)
    yield explain
    driver.set_trace_callback(None)
