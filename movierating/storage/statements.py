"""Statements that are compiled once and run on the driver's own connection.

SQLAlchemy's work for each run of a statement takes ten times as long as SQLite's. Values are passed by the names of the
statement's `bindparam`s. Rows are named tuples of the driver's values, without SQLAlchemy's type processors: a flag may
be 0 or 1.
"""

from collections import namedtuple
from typing import Any

from sqlalchemy import Connection, Dialect

from movierating.storage import storage_errors
from movierating.storage.dialect import POSTGRESQL


def with_custom_plan(statement: Any) -> Any:
    """Return the statement with the option to plan each run for its values, which may need different plans.

    From the sixth run on PostgreSQL may use one generic plan. SQLite always uses one plan.
    """
    return statement.execution_options(custom_plan=True)


class CompiledStatement:
    """A Core statement, or a function that makes it for a dialect, compiled at its first run."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def all(self, connection: Connection, **values: Any) -> list[Any]:
        """Return all rows."""
        cursor, compiled = self._execute(connection, values)
        return list(map(compiled.make_row, cursor.fetchall()))

    def tuples(self, connection: Connection, **values: Any) -> list[Any]:
        """Return all rows as the driver's tuples: for thousands of rows, names would take a fifth of the time."""
        rows: list[Any] = self._execute(connection, values)[0].fetchall()
        return rows

    def first(self, connection: Connection, **values: Any) -> Any:
        """Return the first row, or None if there is none."""
        cursor, compiled = self._execute(connection, values)
        # A statement whose rows are not all fetched would hold on to its snapshot.
        rows = cursor.fetchall()
        return compiled.make_row(rows[0]) if rows else None

    def run(self, connection: Connection, **values: Any) -> int:
        """Run the statement and return the number of changed rows."""
        return int(self._execute(connection, values)[0].rowcount)

    def compile(self, dialect: Dialect) -> "_Compiled":
        """Compile the statement for a dialect, and cache the result."""
        compiled = self._compiled[dialect.name] = _Compiled(self._statement, dialect)
        return compiled

    def _execute(self, connection: Connection, values: dict[str, Any]) -> "tuple[Any, _Compiled]":
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name) or self.compile(dialect)
        parameters: Any = {**compiled.constants, **values}
        if dialect.positional:
            parameters = [parameters[name] for name in compiled.names]
        else:
            parameters = {name: parameters[name] for name in compiled.names}
        driver: Any = connection.connection.dbapi_connection
        try:
            return driver.cursor().execute(compiled.sql, parameters, **compiled.options), compiled
        except dialect.loaded_dbapi.Error as error:
            raise storage_errors.from_driver_error(error, compiled.sql, connection, driver) from error


class _Compiled:
    """A statement as text for one dialect, with the names of its values in the driver's order."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        if callable(statement):
            statement = statement(dialect)
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self.names = tuple(compiled.positiontup or compiled.params)
        self.constants = {name: value for name, value in compiled.params.items() if value is not None}
        # What psycopg leaves unprepared is planned when its values are known.
        custom_plan = dialect.name == POSTGRESQL and statement.get_execution_options().get(
            "custom_plan", False
        )
        self.options = {"prepare": False} if custom_plan else {}
        row: Any = namedtuple("Row", statement.exported_columns.keys())  # type: ignore[misc]
        self.make_row = row._make
