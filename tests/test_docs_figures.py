"""Limits and times in the documents are those of the code."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Table, UniqueConstraint

from movierating.http import response_cache
from movierating.movies.models import Movie
from movierating.operations import catalogue_loader, prediction_training, server
from movierating.predictions import model_file, nearest_people, tastes, training_status
from movierating.ratings import row_matching
from movierating.ratings.formats import upload_reader, zip_reader
from movierating.storage.postgresql import replicas
from movierating.storage.sqlite import write_queue

pytestmark = pytest.mark.any_database

DOCS = Path(__file__).parents[1] / "docs"


def count_indexes(table: Table) -> int:
    """Return the number of indexes that PostgreSQL has for a table."""
    unique = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    return len(table.indexes) + len(unique) + len([table.primary_key])


FIGURES = [
    ("operation.md", "{} clients that stop sending", server.THREADS_PER_WORKER - 1),
    ("operation.md", "while {} threads of the worker wait", write_queue.MAX_WAITING_THREADS),
    ("operation.md", "with `Retry-After` after {} seconds", write_queue.WRITE_TIMEOUT_SECONDS),
    (
        "operation.md",
        "writes of other processes return 503 after {} seconds",
        write_queue.LOCK_TIMEOUT_SECONDS,
    ),
    ("operation.md", "they take up to {} MB in each worker", response_cache.MAX_CACHE_BYTES >> 20),
    ("operation.md", "started again after {} seconds", catalogue_loader.RESTART_INTERVAL_SECONDS),
    ("operation.md", "seconds, up to {} times", catalogue_loader.MAX_STARTS - 1),
    ("several-machines.md", "Allow {} per worker", 2 * server.THREADS_PER_WORKER),
    ("several-machines.md", "more than {} seconds behind", replicas.MAX_LAG_SECONDS),
    ("several-machines.md", "| {} indexes", count_indexes(Movie.__table__)),
    ("predictions.md", "rated fewer than {} of the movies", tastes.MIN_RATINGS),
    ("predictions.md", "| Fewer than {} people have ratings", training_status.MIN_USERS),
    ("predictions.md", "follows from your newest {} ratings", tastes.MAX_RATINGS),
    ("predictions.md", "once they have {} ratings", nearest_people.MIN_RATINGS_FOR_MATCH),
    ("predictions.md", "a vector of {} numbers", model_file.FACTORS),
    ("predictions.md", "no sooner than {} times its duration later", prediction_training.PAUSE_FACTOR),
    ("import-and-export.md", "A file has at most {} rows", upload_reader.MAX_ROWS),
    ("import-and-export.md", "unpack to at most {} MB", zip_reader.MAX_UNPACKED_BYTES // 1_000_000),
    ("import-and-export.md", "no candidates, up to {} per file", row_matching.MAX_MOVIES_ADDED),
]


@pytest.mark.parametrize(("page", "phrase", "value"), FIGURES, ids=[phrase for _, phrase, _ in FIGURES])
def test_figures_are_those_of_the_code(page, phrase, value):
    text = " ".join((DOCS / page).read_text().split())
    pattern = re.escape(phrase).replace(r"\{\}", r"([\d,]+)")
    assert [int(figure.replace(",", "")) for figure in re.findall(pattern, text)] == [value]
