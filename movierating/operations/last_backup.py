"""When the newest good backup was made: a number in a file beside the database, which all of its processes read."""

from pathlib import Path


def record_backup_time(database: Path, at: float) -> None:
    """Remember that the backup of `at`, in seconds since 1970, is good. Raises OSError."""
    file = _file(database)
    draft = file.with_name(f"{file.name}-draft")
    draft.write_text(f"{int(at)}\n", encoding="ascii")
    draft.replace(file)


def read_backup_time(database: Path) -> float:
    """The time of the newest good backup in seconds since 1970, 0 where there is none."""
    try:
        return float(_file(database).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _file(database: Path) -> Path:
    return database.with_name(f".{database.name}.backed-up")
