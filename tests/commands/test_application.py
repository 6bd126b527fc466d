"""The application around a command."""

import pytest

from movierating import connections, database


@pytest.mark.sqlite
def test_a_database_that_is_busy_is_said_in_one_line(ours, ada, looked_up, monkeypatch, refused):
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 0.05)
    with database.db.engine.connect().execution_options(writes=True) as holder, holder.begin():
        monkeypatch.setattr("movierating.startup.seed_once", lambda: None)
        refused(ours("user", "promote", "ada"), "the database refused: database is locked")
