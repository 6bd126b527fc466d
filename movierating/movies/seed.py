"""Load the bundled movies: the well-known ones before the service starts, the others while it runs.

An existing movie gets its prominence and alternative titles; its facts are never changed.
"""

import functools
import zlib
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection, delete, select

from movierating import clock
from movierating.movies.import_batch import BATCH_ROWS, BatchLoader, CatalogueReport, ImportRow
from movierating.movies.models import DataMigration
from movierating.movies.movie_csv import (
    WELL_KNOWN_PROMINENCE,
    filter_well_known,
    get_bundled_csv,
    parse_row,
    read_rows,
    shuffle,
)
from movierating.storage.database import batched, catalogue_lock, read, write
from movierating.storage.dialect import upsert

# The data migration of the well-known movies. `get_catalogue_migration` returns that of all bundled movies.
WELL_KNOWN_MIGRATION = "seeded"
_CATALOGUE = "catalogue "
_START = "start"

_migration = DataMigration.__table__.c
# The number of a line, and its cells by column.
NumberedRow = tuple[int, dict[str, str]]


def seed_new_database() -> None:
    """Load the well-known bundled movies into a database that has never had them.

    Only one process may call it at a time.
    """
    if _is_applied(WELL_KNOWN_MIGRATION):
        return
    lines = read_rows(get_bundled_csv(), choose_lines=filter_well_known)
    _make_loader().load(_parse(lines, resumes=False), functools.partial(_record, WELL_KNOWN_MIGRATION))


def is_catalogue_loaded() -> bool:
    """Return True if all bundled movies have been loaded."""
    return _is_applied(get_catalogue_migration())


def has_had_catalogue() -> bool:
    """Return True if all bundled movies, of this version or an earlier one, have been loaded."""
    return any(map(_is_whole_catalogue, _read_catalogue_migrations()))


def is_first_load_under_way() -> bool:
    """Return True if the bundled movies are being loaded for the first time, which may have been interrupted."""
    applied = _read_catalogue_migrations()
    return bool(applied) and not any(map(_is_whole_catalogue, applied))


def record_load_start() -> None:
    """Record that the bundled movies are about to be loaded: the first batch is stored a second or two later."""
    write(functools.partial(_record, f"{get_catalogue_migration()} {_START}"), ())


def get_catalogue_migration() -> str:
    """Return the name of the data migration of a database that has all bundled movies of this version."""
    path = get_bundled_csv()
    return f"{_CATALOGUE}{_get_checksum(path, path.stat().st_mtime_ns)}"


def load_catalogue() -> CatalogueReport:
    """Load the bundled movies that this database has not had, from where an earlier process stopped.

    One process a database does so at a time; others wait. Well-known movies are not added, so that those that were
    deleted before this version stay deleted.
    """
    with catalogue_lock():
        if is_catalogue_loaded():
            return CatalogueReport()
        return _load_bundled(resumes=True)


def seed_bundled() -> CatalogueReport:
    """Add all bundled movies that do not exist, as `load_catalogue` does."""
    with catalogue_lock():
        return _load_bundled(resumes=False)


def _load_bundled(*, resumes: bool) -> CatalogueReport:
    migration = get_catalogue_migration()
    loader = _make_loader()
    # The file is sorted by year. If ids were too, a walk in their order would pass most movies to find those of a year.
    rows = read_rows(get_bundled_csv(), choose_lines=shuffle)
    for number, lines in enumerate(batched(rows, BATCH_ROWS)):
        part = f"{migration} {number}"
        if not (resumes and _is_applied(part)):
            loader.load(_parse(lines, resumes=resumes), functools.partial(_record, part))
    write(functools.partial(_finish, migration), ())
    return loader.report


def _make_loader() -> BatchLoader:
    # An id that an admin removed must not come back.
    return BatchLoader(gives_ids=False)


def _parse(lines: Iterable[NumberedRow], *, resumes: bool) -> list[ImportRow]:
    """Return the rows of lines of the bundled file, which tests have validated."""
    rows = []
    for line in lines:
        row = parse_row(*line, validated=True)
        is_added = not resumes or row.facts.get("prominence", 0) < WELL_KNOWN_PROMINENCE
        rows.append(ImportRow(f"line {row.line}", row.facts, row.alternative_titles, is_added))
    return rows


def _finish(migration: str, connection: Connection) -> None:
    """Replace the migrations of the start and the batches by that of the whole catalogue."""
    connection.execute(delete(DataMigration).where(_migration.name.startswith(f"{migration} ")))
    _record(migration, connection)


def _record(migration: str, connection: Connection) -> None:
    statement = upsert(connection.dialect, DataMigration).values(name=migration, applied_at=clock.now())
    connection.execute(statement.on_conflict_do_nothing())


def _is_applied(migration: str) -> bool:
    return read().scalar(select(_migration.name).where(_migration.name == migration)) is not None


def _read_catalogue_migrations() -> list[str]:
    """Return the migrations of all versions of the catalogue, and of the start and the batches of a load."""
    return list(read().scalars(select(_migration.name).where(_migration.name.startswith(_CATALOGUE))))


def _is_whole_catalogue(migration: str) -> bool:
    # The names of a start and of a batch have a second word.
    return " " not in migration.removeprefix(_CATALOGUE)


@functools.lru_cache(2)
def _get_checksum(path: Path, _modified: int) -> str:
    return f"{zlib.crc32(path.read_bytes()):08x}"
