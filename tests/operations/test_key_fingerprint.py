"""The detection of a lost key, and of hosts that use one database with different keys."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import select

from movierating.movies.models import DataMigration
from movierating.operations import key_fingerprint
from movierating.storage.database import get_sqlite_file, read

ONE, TWO = "k" * 32, "l" * 100


def list_fingerprints():
    return [name for name in read().scalars(select(DataMigration.name)) if name.startswith("signed with ")]


def test_key_is_compared_with_the_previous_one(app):
    keys = [ONE, ONE, TWO, TWO, ONE]
    assert [key_fingerprint.record_key(key) for key in keys] == [False, False, True, False, True]
    (name,) = list_fingerprints()
    assert ONE[:4] not in name


@pytest.mark.sqlite
def test_comparison_of_an_unchanged_key_does_not_wait_for_writers(app):
    key_fingerprint.record_key(ONE)
    with closing(sqlite3.connect(get_sqlite_file(), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert key_fingerprint.record_key(ONE) is False


def start_and_count_warnings(serve, instance, **settings):
    """Start and stop the service, and return the number of warnings since its first start."""
    assert serve(instance, **settings).stop() == 0
    return (instance.parent / "service.log").read_text().count("another secret key")


def test_start_with_another_key_is_logged(serve, instance):
    keys = [ONE, TWO, TWO]
    assert [start_and_count_warnings(serve, instance, SECRET_KEY=key) for key in keys] == [0, 1, 1]


@pytest.mark.sqlite
def test_start_after_the_key_file_was_lost_is_logged(serve, instance):
    assert start_and_count_warnings(serve, instance) == 0
    (instance / "secret_key").unlink()
    assert start_and_count_warnings(serve, instance) == 1
