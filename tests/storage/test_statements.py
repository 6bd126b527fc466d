"""Compiled statements return what SQLAlchemy returns."""

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from movierating.movies.models import DataMigration
from movierating.storage.database import read, write
from movierating.storage.statements import CompiledStatement

_migration = DataMigration.__table__.c
ADD = CompiledStatement(insert(DataMigration).values(name=bindparam("name"), applied_at=bindparam("at")))
BY_NAME = CompiledStatement(
    select(_migration.name, _migration.applied_at).where(_migration.name == bindparam("name"))
)
LATER = CompiledStatement(
    update(DataMigration)
    .where(_migration.name == bindparam("key"))
    .values(applied_at=_migration.applied_at + 5)
    .returning(_migration.applied_at)
)


def add(name, at):
    return write(lambda connection: ADD.run(connection, name=name, at=at))


def test_rows_have_the_names_of_their_columns(app):
    assert add("first", 7) == 1
    row = BY_NAME.first(read(), name="first")
    assert (row.name, row.applied_at) == tuple(row) == ("first", 7)
    assert BY_NAME.all(read(), name="first") == BY_NAME.tuples(read(), name="first") == [row]


def test_first_is_none_and_all_is_empty_without_rows(app):
    assert BY_NAME.first(read(), name="never") is None
    assert BY_NAME.all(read(), name="never") == []


def test_statement_keeps_its_constants_and_returns_rows(app):
    add("first", 7)
    assert write(lambda connection: LATER.first(connection, key="first")).applied_at == 12
    assert BY_NAME.first(read(), name="first").applied_at == 12


def test_error_of_the_database_is_sqlalchemys_and_contains_no_value(app):
    add("a secret", 7)
    with pytest.raises(IntegrityError) as raised:
        add("a secret", 8)
    assert "a secret" not in str(raised.value)


def test_missing_value_raises_key_error(app):
    with pytest.raises(KeyError):
        BY_NAME.first(read(), nam="first")
