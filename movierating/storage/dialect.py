"""The differences between SQLite and PostgreSQL, each behind one function."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    Select,
    String,
    Text,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

SQLITE, POSTGRESQL = "sqlite", "postgresql"

# SQLite assigns ids only to an INTEGER PRIMARY KEY; PostgreSQL's ids are bigint.
Id = BigInteger().with_variant(Integer, SQLITE)


def folded_text(length: int) -> String:
    """Return the type of folded text, which is compared and sorted byte by byte, as SQLite does with any text.

    Folding may make a text longer than `length`: SQLite ignores the length, and PostgreSQL gets none.
    """
    return String(length).with_variant(Text(collation="C"), POSTGRESQL)


class _DialectFunction(FunctionElement[Any]):
    """SQL that differs by dialect; `{}` stands for the arguments."""

    inherit_cache = True
    sqlite = postgresql = "{}"


@compiles(_DialectFunction)
def _(element: _DialectFunction, compiler: Any, **options: Any) -> str:
    template = element.postgresql if compiler.dialect.name == POSTGRESQL else element.sqlite
    return template.format(compiler.process(element.clauses, **options))


class by_bytes(_DialectFunction):  # SQL functions are written in lower case
    """A text that is sorted byte by byte, as SQLite sorts any, whatever the locale of PostgreSQL's database."""

    inherit_cache = True
    type = String()
    postgresql = '{} COLLATE "C"'


class json_list(_DialectFunction):
    """The aggregate of a column's values as the text of a JSON array; an empty array for no rows."""

    inherit_cache = True
    type = String()
    sqlite = "json_group_array({})"
    postgresql = "CAST(coalesce(json_agg({}), '[]') AS text)"


class _position(_DialectFunction):
    """The position of one text in another, from 1, or 0."""

    inherit_cache = True
    type = Integer()
    sqlite = "instr({})"
    postgresql = "strpos({})"


class _elements(_DialectFunction):
    """The elements of a JSON array, passed as text, as rows of one column `value`."""

    inherit_cache = True
    sqlite = "json_each({})"
    postgresql = "json_array_elements_text(CAST({} AS json))"


class _as_number(_DialectFunction):
    """An element of a JSON array of numbers: SQLite's is one already, PostgreSQL's is text."""

    inherit_cache = True
    type = BigInteger()
    postgresql = "CAST({} AS BIGINT)"


class _in_query(FunctionElement[Any]):
    """The condition of `in_query_by_index`. SQLite would compare a Boolean with 1, and then use no index."""

    inherit_cache = True


@compiles(_in_query)
def _(element: _in_query, compiler: Any, **options: Any) -> str:
    column, rows = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY (ARRAY{rows})" if compiler.dialect.name == POSTGRESQL else f"{column} IN {rows}"


def upsert(dialect: Dialect, table: Any) -> Any:
    """Return an INSERT into `table` with `on_conflict_do_update` and `on_conflict_do_nothing` on either database."""
    insert = postgresql.insert if dialect.name == POSTGRESQL else sqlite.insert
    return insert(table)


def contains_text(text: Any, part: Any) -> ColumnElement[bool]:
    """Return the condition that a text contains a part, case-sensitively; it takes half the time of LIKE."""
    return _position(text, part) > 0


def in_many(column: ColumnElement[Any], values: Any) -> ColumnElement[bool]:
    """Return `column IN values` for more values than a statement may have parameters; sorted values are faster.

    In place of a collection `values` may be a `bindparam`, whose own value is then `encode_values(collection)`.
    """
    text = values if isinstance(values, BindParameter) else encode_values(values)
    elements = _elements(text).table_valued("value")
    return column.in_(
        select(_as_number(elements.c.value) if isinstance(column.type, Integer) else elements.c.value)
    )


def in_query_by_index(column: ColumnElement[Any], query: Select[Any]) -> ColumnElement[bool]:
    """Return `column IN (query)` for a query of few rows, each of which is to be looked up by the column's index.

    PostgreSQL would rather read the whole table than look up a few percent of it, which takes ten times as long.
    """
    return _in_query(column, query.scalar_subquery())


def encode_values(values: Collection[int] | Collection[str]) -> str:
    """Return values as text for a `bindparam` of `in_many`."""
    return orjson.dumps(list(values)).decode()


def to_driver_sql(connection: Connection, statement: str) -> str:
    """Return a statement for the driver; its parameters are written `?`, which must not occur otherwise."""
    return statement if connection.dialect.name == SQLITE else statement.replace("?", "%s")


def values_query(connection: Connection, rows: Sequence[Sequence[Any]]) -> tuple[str, tuple[Any, ...]]:
    """Return a query whose result is these rows of integers, and its parameters; its columns are column1, column2 …"""
    width = len(rows[0])
    if connection.dialect.name == SQLITE:
        # SQLite itself names the columns of VALUES column1, column2 …
        placeholders = f"({', '.join('?' * width)})"
        return f"VALUES {', '.join([placeholders] * len(rows))}", tuple(chain.from_iterable(rows))
    names = ", ".join(f"column{number}" for number in range(1, width + 1))
    arrays = ", ".join(["%s::bigint[]"] * width)
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    return f"SELECT * FROM unnest({arrays}) AS value_rows({names})", columns  # noqa: S608


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Undo only the changes of the block if it raises, inside a transaction."""
    connection.exec_driver_sql("SAVEPOINT part")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
        raise
    finally:
        connection.exec_driver_sql("RELEASE SAVEPOINT part")


def lock_rows(connection: Connection, table: Any, ids: Collection[int]) -> None:
    """Lock these rows until the end of the transaction, in the order of their ids to avoid deadlocks.

    On SQLite the whole database is locked anyway.
    """
    if connection.dialect.name == POSTGRESQL:
        chosen = select(table.c.id).where(in_many(table.c.id, ids)).order_by(table.c.id)
        connection.execute(chosen.with_for_update(key_share=True))


def get_last_id(connection: Connection, table: Any) -> int:
    """Return the highest id that `table` ever assigned, 0 if none. Call it in a job that invalidates everything."""
    if connection.dialect.name == SQLITE:
        used = connection.exec_driver_sql(
            "SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)
        ).scalar()
        return int(used or 0)
    sequence = f'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM "{table.name}_id_seq"'  # noqa: S608
    return int(connection.exec_driver_sql(sequence).scalar() or 0)


def advance_ids(connection: Connection, table: Any, last: int) -> None:
    """Advance the ids of `table` after rows were inserted with ids up to `last`, above `get_last_id`."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(select(func.setval(f'"{table.name}_id_seq"', last)))


def get_index_version(connection: Connection) -> int:
    """Return the number that `set_index_version` stored in the database, 0 before."""
    if connection.dialect.name == SQLITE:
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    return int(
        connection.exec_driver_sql(f"SELECT obj_description('{_VERSION_TABLE}'::regclass)").scalar() or 0
    )


def set_index_version(connection: Connection, number: int) -> None:
    """Store how the movies are indexed, on SQLite as `user_version`; copies of the database have the number too."""
    if connection.dialect.name == SQLITE:
        connection.exec_driver_sql(f"PRAGMA user_version = {number:d}")
    else:
        connection.exec_driver_sql(f"COMMENT ON TABLE {_VERSION_TABLE} IS '{number:d}'")


# The number is in the comment on this table.
_VERSION_TABLE = "movie_search"


def violates_unique(error: IntegrityError, column: str) -> bool:
    """Return True if `error` reports the unique constraint on `column`."""
    return column in str(error.orig)
