"""What `movierating check` looks at, and mends: the database file, the aggregates, what movies are found by.

The migration state comes first, and a damaged file before what is in it: of that nothing could be told for sure.
Settings were checked by making the application.
"""

import functools
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DatabaseError

from movierating.errors import ApiError
from movierating.movies import index_repair
from movierating.operations import sqlite_backup, startup
from movierating.ratings import recount
from movierating.storage import storage_errors
from movierating.storage.database import db, get_sqlite_file, read, write
from movierating.storage.dialect import advance_ids, get_last_id

# Of one kind; a table that was emptied would have a line for each movie.
MAX_LINES_PER_KIND = 20
# SQLite wants a bound, and leaves out what is beyond it without a word.
_MOST_DAMAGE = 10_000

_DAMAGED_INDEX = re.compile(r"index (\w+)$")

# A kind, and what of that kind is wrong.
Finding = tuple[str, str]


class _Lines:
    """Findings as lines: of each kind the first few, and how many more."""

    def __init__(self, ending: str = "") -> None:
        self._ending = ending
        self._first: defaultdict[str, list[str]] = defaultdict(list)
        self._more: defaultdict[str, int] = defaultdict(int)

    def add(self, findings: Iterable[Finding]) -> None:
        for kind, text in findings:
            if len(self._first[kind]) < MAX_LINES_PER_KIND:
                self._first[kind].append(text)
            else:
                self._more[kind] += 1

    def all(self) -> list[str]:
        lines = []
        for kind, texts in self._first.items():
            more = [f"and {self._more[kind]} more"] if self._more[kind] else []
            lines += [f"{kind}: {text}{self._ending}" for text in [*texts, *more]]
        return lines


def run_checks(repair: bool) -> tuple[list[str], list[str]]:
    """A line for each thing that is wrong, or after a repair still is, and for each that was repaired.

    Of one kind of things there are MAX_LINES_PER_KIND, and a line that counts the others.
    """
    file = get_sqlite_file()
    if file is not None and not file.exists():
        return [f"database: {file} is not there"], []
    try:
        revision, newest = startup.get_current_revision(), startup.get_newest_revision()
        if revision != newest:
            return [f"migrations: the database is at {revision or 'none'}, this version needs {newest}"], []
        wrong = _found()
        return _repaired() if wrong and repair else (wrong, [])
    except (DatabaseError, ApiError) as error:
        return [f"database: {_reason(error)}"], []


def _reason(error: DatabaseError | ApiError) -> str:
    """What SQLite or the disk says. Raises a problem that comes from neither."""
    cause = error.__cause__ if isinstance(error, ApiError) else error
    if not isinstance(cause, DatabaseError | OSError):
        raise error
    return str(getattr(cause, "orig", cause))


def _is_damage(error: DatabaseError | ApiError) -> bool:
    return storage_errors.is_corruption(error.__cause__ or error)


def _repaired() -> tuple[list[str], list[str]]:
    repaired, failed = _Lines(", repaired"), _Lines()
    try:
        repaired.add(_repair())
    except (DatabaseError, ApiError) as error:
        failed.add([("repair", _reason(error))])
    return _found() + failed.all(), repaired.all()


def _found() -> list[str]:
    lines = _Lines()
    if get_sqlite_file() is not None:
        # A server looks after its pages, and after what refers to what.
        lines.add(_damage(read()))
    if not lines.all():
        if get_sqlite_file() is not None:
            lines.add(_orphans(read()))
        else:
            lines.add(_sequences(read()))
        lines.add(_aggregates(recount.find_mismatches(read())))
        for part in (index_repair.TITLES, index_repair.FACETS):
            lines.add(_movies(part, index_repair.find_mismatches(read(), part)))
        lines.add(_text())
    return lines.all()


def _repair() -> Iterator[Finding]:
    """Mend what can be mended, and tell of it; what a damaged file holds is no ground to mend anything else on."""
    if get_sqlite_file() is not None:
        yield from _repair_indexes()
        if any(_damage(read())):
            return
    else:
        yield from write(lambda connection: list(_sequences(connection, repair=True)))
    if recount.find_mismatches(read()):
        yield from _aggregates(write(recount.repair_mismatches))
    for part in (index_repair.TITLES, index_repair.FACETS):
        yield from _movies(part, index_repair.repair_mismatches(part))
    yield from _repair_text()


def _damage(connection: Connection) -> Iterator[Finding]:
    driver: Any = connection.connection.dbapi_connection
    try:
        found = sqlite_backup.find_damage(driver, f"integrity_check({_MOST_DAMAGE})")
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    yield from (("database", line) for line in found)


def _repair_indexes() -> Iterator[Finding]:
    lines = [line for _, line in _damage(read())]
    for name in sorted({match[1] for line in lines if (match := _DAMAGED_INDEX.search(line))}):
        write(functools.partial(_reindex, name))
        yield "database", f"index {name}"


def _reindex(name: str, connection: Connection) -> None:
    connection.exec_driver_sql(f'REINDEX "{name}"')


def _orphans(connection: Connection) -> Iterator[Finding]:
    driver: Any = connection.connection.dbapi_connection
    for line in sqlite_backup.find_orphans(driver):
        yield "database", line


def _sequences(connection: Connection, *, repair: bool = False) -> Iterator[Finding]:
    """Of PostgreSQL, which would give out ids that are taken; SQLite looks at its rows, too."""
    for table in db.metadata.sorted_tables:
        if table.dialect_options["sqlite"]["autoincrement"]:
            last = connection.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0
            if get_last_id(connection, table) < last:
                if repair:
                    advance_ids(connection, table, last)
                yield "sequences", f"that of {table.name} is behind the id {last}"


def _aggregates(wrong: Iterable[tuple[str, int]]) -> Iterator[Finding]:
    for name, key in wrong:
        yield "aggregates", f"{name} {key} does not equal its ratings"


def _movies(part: index_repair.DerivedData, wrong: Iterable[tuple[int, str]]) -> Iterator[Finding]:
    for movie_id, reason in wrong:
        yield part.name, f"movie {movie_id} {reason}"


def _text() -> Iterator[Finding]:
    try:
        write(index_repair.verify_text_index, ())
    except (DatabaseError, ApiError) as error:
        yield index_repair.TEXT.name, _describe_text_error(error)
    else:
        yield from _movies(index_repair.TEXT, index_repair.find_mismatches(read(), index_repair.TEXT))


def _describe_text_error(error: DatabaseError | ApiError) -> str:
    state = "contradicts itself" if _is_damage(error) else "can't be looked at"
    return f"{state} ({_reason(error)})"


def _repair_text() -> Iterator[Finding]:
    try:
        write(index_repair.verify_text_index, ())
    except (DatabaseError, ApiError) as error:
        if not _is_damage(error) and not write(index_repair.restore_text_format):
            raise
        description = _describe_text_error(error)
        write(index_repair.rebuild_text_index)
        yield index_repair.TEXT.name, description
    yield from _movies(index_repair.TEXT, index_repair.repair_mismatches(index_repair.TEXT))
