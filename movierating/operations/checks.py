"""`movierating check`: verify and repair the database file, merges, the aggregates and the search data.

Migrations are checked first, and a damaged file before its contents, because later checks rely on both. Settings are
checked when the application is created.
"""

import functools
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import DatabaseError

from movierating.errors import ApiError, NotFound
from movierating.movies import index_repair, merged_movies, text_index
from movierating.operations import schema_revisions, sqlite_backup, startup
from movierating.ratings import merging, recount
from movierating.storage.database import db, get_sqlite_file, read, write
from movierating.storage.dialect import advance_ids, get_last_id
from movierating.storage.storage_errors import format_reason

MAX_LINES_PER_KIND = 20
# SQLite needs a limit, and silently omits errors beyond it.
_MAX_DAMAGE = 10_000

_DAMAGED_INDEX = re.compile(r"index (\w+)$")

# A kind of problem, and one problem of that kind.
Finding = tuple[str, str]


def run_checks(repair: bool) -> tuple[list[str], list[str]]:
    """Return a line per problem that was found, or remains after a repair, and a line per repaired problem.

    Each kind of problem has at most MAX_LINES_PER_KIND lines, and one that counts the others.
    """
    file = get_sqlite_file()
    if file is not None and (startup.is_lost(file) or not file.exists()):
        state = "is empty" if file.exists() else "does not exist"
        return [f"database: {file} {state}; restore a backup with `movierating restore FILE`"], []
    try:
        revision, newest = schema_revisions.get_current_revision(), schema_revisions.get_newest_revision()
        if revision != newest:
            is_older = schema_revisions.is_known_revision(revision)
            advice = "a start migrates it" if is_older else "install the version that migrated it"
            reason = f"the database is at {revision or 'none'}, this version needs {newest}"
            return [f"migrations: {reason}; {advice}"], []
        problems = list(_find_problems())
        if not problems or not repair:
            return _format_lines(problems), []
        return _repair_problems()
    except (DatabaseError, ApiError) as error:
        return [f"database: {_get_reason(error)}"], []


def _format_lines(findings: Iterable[Finding], suffix: str = "") -> list[str]:
    texts_by_kind = defaultdict[str, list[str]](list)
    for kind, text in findings:
        texts_by_kind[kind].append(text)
    lines = []
    for kind, texts in texts_by_kind.items():
        surplus = len(texts) - MAX_LINES_PER_KIND
        shown = [*texts[:MAX_LINES_PER_KIND], *([f"and {surplus} more"] if surplus > 0 else [])]
        lines += [f"{kind}: {text}{suffix}" for text in shown]
    return lines


def _get_reason(error: DatabaseError | ApiError) -> str:
    """Return the message of the database or the disk. Raise an ApiError that comes from neither."""
    cause = error.__cause__ if isinstance(error, ApiError) else error
    if not isinstance(cause, DatabaseError | OSError):
        raise error
    file = get_sqlite_file()
    return format_reason(cause, file.parent if file else None)


def _repair_problems() -> tuple[list[str], list[str]]:
    repaired, failures = [], []
    try:
        for finding in _repair():
            repaired.append(finding)
    except (DatabaseError, ApiError) as error:
        failures.append(("repair", _get_reason(error)))
    return _format_lines([*_find_problems(), *failures]), _format_lines(repaired, ", repaired")


def _find_problems() -> Iterator[Finding]:
    if get_sqlite_file() is None:
        # A PostgreSQL server checks its own pages and foreign keys.
        yield from map(_describe_sequence, _find_lagging_sequences(read()))
    else:
        damage = _find_damage(read())
        yield from damage or _find_orphans(read())
        if damage:
            return
    yield from map(_describe_merge, merged_movies.list_unfinished_merges(read()))
    yield from _describe_aggregates(recount.find_mismatches(read()))
    for kind in index_repair.BEFORE_TEXT:
        yield from _describe_movies(kind, index_repair.find_mismatches(read(), kind))
    yield from _find_text_problems()


def _repair() -> Iterator[Finding]:
    """Repair what can be repaired, and yield it. A file that stays damaged is no basis for further repairs."""
    if get_sqlite_file() is not None:
        yield from _repair_indexes()
        if _find_damage(read()):
            return
    else:
        yield from map(_describe_sequence, write(_repair_sequences))
    if recount.find_mismatches(read()):
        yield from _describe_aggregates(write(recount.repair_mismatches))
    for kind in index_repair.BEFORE_TEXT:
        yield from _describe_movies(kind, index_repair.repair_mismatches(kind))
    yield from _repair_text()
    yield from _finish_merges()


def _finish_merges() -> Iterator[Finding]:
    for merge in merged_movies.list_unfinished_merges(read()):
        # The service may finish the merge at the same time.
        with suppress(NotFound):
            merging.merge_movies(*merge)
            yield _describe_merge(merge)


def _describe_merge(merge: tuple[int, int]) -> Finding:
    movie_id, into_id = merge
    return "merges", f"the merge of movie {movie_id} into movie {into_id} is not finished"


def _find_damage(connection: Connection) -> list[Finding]:
    driver: Any = connection.connection.dbapi_connection
    try:
        lines = sqlite_backup.find_damage(driver, f"integrity_check({_MAX_DAMAGE})")
    except sqlite3.DatabaseError as error:
        lines = [str(error)]
    return [("database", line) for line in lines]


def _repair_indexes() -> Iterator[Finding]:
    damage = _find_damage(read())
    for name in sorted({match[1] for _, line in damage if (match := _DAMAGED_INDEX.search(line))}):
        write(functools.partial(_reindex, name))
        yield "database", f"index {name}"


def _reindex(name: str, connection: Connection) -> None:
    connection.exec_driver_sql(f'REINDEX "{name}"')


def _find_orphans(connection: Connection) -> Iterator[Finding]:
    driver: Any = connection.connection.dbapi_connection
    for line in sqlite_backup.find_orphans(driver):
        yield "database", line


def _find_lagging_sequences(connection: Connection) -> list[tuple[Table, int]]:
    """Return the tables whose sequences would return ids in use, with the last id of each.

    Only PostgreSQL has such sequences: SQLite also considers the ids of the rows.
    """
    tables = [
        table for table in db.metadata.sorted_tables if table.dialect_options["sqlite"]["autoincrement"]
    ]
    last_ids = [
        (table, connection.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0) for table in tables
    ]
    return [(table, last_id) for table, last_id in last_ids if get_last_id(connection, table) < last_id]


def _repair_sequences(connection: Connection) -> list[tuple[Table, int]]:
    """Advance the sequences that `_find_lagging_sequences` returns, and return the same."""
    sequences = _find_lagging_sequences(connection)
    for table, last_id in sequences:
        advance_ids(connection, table, last_id)
    return sequences


def _describe_sequence(sequence: tuple[Table, int]) -> Finding:
    table, last_id = sequence
    return "sequences", f"the sequence of {table.name} is behind its last id {last_id}"


def _describe_aggregates(mismatches: Iterable[tuple[str, int]]) -> Iterator[Finding]:
    for name, key in mismatches:
        yield "aggregates", f"{name} {key} does not equal its ratings"


def _describe_movies(
    kind: index_repair.DerivedData, mismatches: Iterable[tuple[int, str]]
) -> Iterator[Finding]:
    for movie_id, reason in mismatches:
        yield kind.name, f"movie {movie_id} {reason}"


def _find_text_problems() -> Iterator[Finding]:
    try:
        write(text_index.verify, ())
    except (DatabaseError, ApiError) as error:
        yield index_repair.TEXT.name, _describe_text_error(error)
    else:
        yield from _describe_movies(
            index_repair.TEXT, index_repair.find_mismatches(read(), index_repair.TEXT)
        )


def _describe_text_error(error: DatabaseError | ApiError) -> str:
    state = "is inconsistent" if text_index.is_damage(error) else "can't be checked"
    return f"{state} ({_get_reason(error)})"


def _repair_text() -> Iterator[Finding]:
    if error := text_index.repair():
        yield index_repair.TEXT.name, _describe_text_error(error)
    yield from _describe_movies(index_repair.TEXT, index_repair.repair_mismatches(index_repair.TEXT))
