"""Compiled statements answer as SQLAlchemy's own would, only sooner."""

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from movierating.movies.models import DataMigration
from movierating.storage.database import read, write
from movierating.storage.statements import CompiledStatement

_milestone = DataMigration.__table__.c
ADD = CompiledStatement(insert(DataMigration).values(name=bindparam("name"), reached_at=bindparam("at")))
BY_NAME = CompiledStatement(
    select(_milestone.name, _milestone.reached_at).where(_milestone.name == bindparam("name"))
)
LATER = CompiledStatement(
    update(DataMigration)
    .where(_milestone.name == bindparam("key"))
    .values(reached_at=_milestone.reached_at + 5)
    .returning(_milestone.reached_at)
)


def add(name, at):
    return write(lambda connection: ADD.run(connection, name=name, at=at))


def test_rows_have_the_names_of_their_columns(app):
    assert add("first", 7) == 1
    row = BY_NAME.first(read(), name="first")
    assert (row.name, row.reached_at) == tuple(row) == ("first", 7)
    assert BY_NAME.all(read(), name="first") == BY_NAME.tuples(read(), name="first") == [row]


def test_nothing_found_is_none(app):
    assert BY_NAME.first(read(), name="never") is None
    assert BY_NAME.all(read(), name="never") == []


def test_constants_stay_in_the_statement_and_what_returns_is_read(app):
    add("first", 7)
    assert write(lambda connection: LATER.first(connection, key="first")).reached_at == 12
    assert BY_NAME.first(read(), name="first").reached_at == 12


def test_a_refusal_of_the_database_is_sqlalchemys_and_tells_no_value(app):
    add("a secret", 7)
    with pytest.raises(IntegrityError) as refused:
        add("a secret", 8)
    assert "a secret" not in str(refused.value)


def test_a_value_that_is_not_given_is_a_mistake(app):
    with pytest.raises(KeyError):
        BY_NAME.first(read(), nam="first")
