"""Statements that are compiled once and run on the driver's own connection.

SQLAlchemy's work for each run of a statement takes ten times as long as SQLite's. Values are passed by the names of the
statement's `bindparam`s. Rows are named tuples of the driver's values, without SQLAlchemy's type processors: a flag may
be 0 or 1.
"""

from collections import namedtuple
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError

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
        self._make: Callable[[Dialect], Any] = (
            statement if callable(statement) else lambda _dialect: statement
        )
        self._compiled: dict[str, _Compiled] = {}

    def all(self, connection: Connection, **values: Any) -> list[Any]:
        """Return all rows."""
        compiled = self._for(connection)
        return list(map(compiled.row, compiled.rows(connection, values)))

    def tuples(self, connection: Connection, **values: Any) -> list[Any]:
        """Return all rows as the driver's tuples: for thousands of rows, names would take a fifth of the time."""
        return self._for(connection).rows(connection, values)

    def first(self, connection: Connection, **values: Any) -> Any:
        """Return the first row, or None if there is none."""
        compiled = self._for(connection)
        for row in compiled.rows(connection, values):
            return compiled.row(row)
        return None

    def run(self, connection: Connection, **values: Any) -> int:
        """Run the statement and return the number of changed rows."""
        return int(self._for(connection).run(connection, values).rowcount)

    def _for(self, connection: Connection) -> "_Compiled":
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._make(dialect), dialect)
        return compiled


class _Compiled:
    """A statement as text for one dialect, with the names of its values in the driver's order."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup or compiled.params)
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._dialect = dialect
        # What psycopg leaves unprepared is planned when its values are known.
        custom_plan = dialect.name == POSTGRESQL and statement.get_execution_options().get(
            "custom_plan", False
        )
        self._options = {"prepare": False} if custom_plan else {}
        row: Any = namedtuple("Row", statement.exported_columns.keys())  # type: ignore[misc]
        self.row = row._make

    def rows(self, connection: Connection, values: dict[str, Any]) -> list[Any]:
        rows: list[Any] = self._run(connection, self._parameters(values)).fetchall()
        return rows

    def run(self, connection: Connection, values: dict[str, Any]) -> Any:
        return self._run(connection, self._parameters(values))

    def _parameters(self, values: dict[str, Any]) -> Any:
        parameters = {**self._constants, **values}
        if self._dialect.positional:
            return [parameters[name] for name in self._names]
        return {name: parameters[name] for name in self._names}

    def _run(self, connection: Connection, parameters: Any) -> Any:
        driver: Any = connection.connection.dbapi_connection
        errors = self._dialect.dbapi.Error  # type: ignore[union-attr]
        try:
            return driver.cursor().execute(self._sql, parameters, **self._options)
        except errors as error:
            is_lost = getattr(driver, "closed", False) or storage_errors.is_server_unusable(error)
            if is_lost or storage_errors.must_reconnect(error, connection):
                connection.invalidate(error)
            raise DBAPIError.instance(
                self._sql,
                None,
                error,
                errors,
                hide_parameters=True,
                connection_invalidated=is_lost,
                dialect=self._dialect,
            ) from error
