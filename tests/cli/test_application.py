"""The application around a command."""

import pytest

from movierating.storage import database
from movierating.storage.sqlite import engine as sqlite_engine


@pytest.mark.sqlite
def test_a_database_that_is_busy_is_said_in_one_line(ours, ada, looked_up, monkeypatch, refused):
    monkeypatch.setattr(sqlite_engine, "WRITE_TIMEOUT_SECONDS", 0.05)
    with database.db.engine.connect().execution_options(writes=True) as holder, holder.begin():
        monkeypatch.setattr("movierating.operations.startup.seed_new_database", lambda: None)
        refused(ours("user", "promote", "ada"), r"Database error: database is locked\.")
