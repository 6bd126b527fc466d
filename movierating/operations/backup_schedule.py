"""Backups that the server makes itself: when the next one is due, and which older ones are removed.

A thread of the server's main process runs `movierating backup` as a process, so that a backup that is killed or runs
out of memory does not affect the server.
"""

import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from movierating.monitoring.logs import logger
from movierating.operations.background import running_in_background
from movierating.operations.child_process import run_module

RETRY_INTERVAL_SECONDS = 300.0
# The clock may be set, and the machine may be suspended, so the schedule is checked at least this often.
MAX_WAIT_SECONDS = 60.0
_STOP_TIMEOUT_SECONDS = 1.0

_NAME = "movierating-%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class BackupSchedule:
    """A backup in `folder` at each `interval`, of which the newest `keep` remain."""

    folder: Path
    interval: timedelta
    keep: int
    suffix: str = ".sqlite3"

    def find_next_time(self, now: datetime) -> datetime:
        """Return when the next backup should start. Raise OSError if the folder can't be read."""
        backups = self.find_backups(now)
        return max(backups) + self.interval if backups else now

    def find_backups(self, now: datetime) -> dict[datetime, Path]:
        """Return the backups by their time, without those of the future, which a wrong clock made."""
        backups = {}
        for file in self.folder.iterdir():
            made_at = _parse_backup_name(file.name, self.suffix)
            if made_at is not None and made_at <= now:
                backups[made_at] = file
        return backups

    def remove_old_backups(self, now: datetime) -> None:
        """Remove all but the newest backups, and files of interrupted ones. Raise OSError."""
        backups = self.find_backups(now)
        for made_at in sorted(backups)[: -self.keep]:
            backups[made_at].unlink(missing_ok=True)
        for part in self.folder.glob(f".movierating-*Z{self.suffix}.part*"):
            part.unlink(missing_ok=True)


def format_backup_name(now: datetime, suffix: str = ".sqlite3") -> str:
    """Return the file name of a backup; the names sort by time."""
    return now.astimezone(UTC).strftime(_NAME) + suffix


def _parse_backup_name(name: str, suffix: str) -> datetime | None:
    try:
        made_at = datetime.strptime(name, _NAME + suffix).replace(tzinfo=UTC)
    except ValueError:
        return None
    # `strptime` accepts numbers with fewer digits.
    return made_at if format_backup_name(made_at, suffix) == name else None


def making_backups(schedule: BackupSchedule, database: Path, instance: Path) -> AbstractContextManager[None]:
    """Make each backup of an instance when it is due, until the end of the block. Retry after errors.

    `database` is as `database.get_base_path` returns it.
    """
    return running_in_background(_Backups(schedule, database, instance).run, "backups", _STOP_TIMEOUT_SECONDS)


class _Backups:
    def __init__(self, schedule: BackupSchedule, database: Path, instance: Path) -> None:
        self._schedule = schedule
        self._instance = instance
        # If several servers run on one instance, each backup is made once.
        self._lock = FileLock(database.with_name(f".{database.name}.schedule"), timeout=0)

    def run(self, stopping: threading.Event) -> None:
        """Wait and back up until `stopping` is set."""
        wait = 0.0
        while not stopping.wait(wait):
            try:
                wait = self._get_seconds_left() or self._back_up_once(stopping)
            except Exception as error:
                wait = self._log_failure(str(error))

    def _get_seconds_left(self) -> float:
        now = datetime.now(UTC)
        return min(max(0.0, (self._schedule.find_next_time(now) - now).total_seconds()), MAX_WAIT_SECONDS)

    def _back_up_once(self, stopping: threading.Event) -> float:
        """Make a backup, unless another server does or just has; return the seconds to wait after it."""
        try:
            with self._lock:
                return self._get_seconds_left() or self._back_up(stopping)
        except Timeout:
            return MAX_WAIT_SECONDS

    def _back_up(self, stopping: threading.Event) -> float:
        now, started_at = datetime.now(UTC), time.monotonic()
        target = self._schedule.folder / format_backup_name(now, self._schedule.suffix)
        command = ("movierating", "backup", str(target))
        exit_code, message = run_module(command, self._instance, stopping)
        if stopping.is_set():
            return 0.0
        if exit_code:
            return self._log_failure(message)
        if message:
            logger.warning("backup", extra={"fields": {"file": target.name, "warning": message}})
        seconds = round(time.monotonic() - started_at, 2)
        fields = {"file": target.name, "bytes": target.stat().st_size, "seconds": seconds}
        logger.info("backup", extra={"fields": fields})
        try:
            self._schedule.remove_old_backups(datetime.now(UTC))
        except OSError as error:
            logger.warning("old backups can't be removed", extra={"fields": {"reason": str(error)}})
        return 0.0

    def _log_failure(self, reason: str) -> float:
        """Log a failed backup; return the seconds until the next attempt."""
        logger.error("backup failed", extra={"fields": {"reason": reason}})
        return min(RETRY_INTERVAL_SECONDS, self._schedule.interval.total_seconds())
