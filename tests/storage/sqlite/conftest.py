"""The queue of writers of an application, and rows that jobs add."""

import pytest
from sqlalchemy import func, insert, select

from movierating import clock
from movierating.movies.models import DataMigration
from movierating.storage.database import db, read


@pytest.fixture
def queue(app):
    return db.engine.get_execution_options()["database"].write_queue


def add_row(name):
    return lambda connection: connection.execute(
        insert(DataMigration).values(name=name, applied_at=clock.now())
    )


def count_rows(pattern):
    return read().scalar(select(func.count()).where(DataMigration.name.like(pattern)))
