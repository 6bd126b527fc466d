"""Backups that the server makes by itself: when one is due, and which of the older ones stay.

A thread of the server's main process waits and starts `movierating backup` as a process of its own, so that a backup
that is killed or runs out of memory does not affect the server.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from movierating.config import PREFIX
from movierating.monitoring.logs import logger

RETRY_INTERVAL_SECONDS = 300.0
# However far away the next one is: the clock may be set, and the machine may sleep.
MAX_WAIT_SECONDS = 60.0

# Held while a backup's process is started, so that `stop` ends each one.
_starting = threading.Lock()

_NAME = "movierating-%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class BackupSchedule:
    """Backups to `folder`, one `every` so often, of which the newest `keep` stay."""

    folder: Path
    every: timedelta
    keep: int
    ending: str = ".sqlite3"

    def find_next_time(self, now: datetime) -> datetime:
        """When the next backup should start. Raises OSError where the folder can't be read."""
        made = self.find_backups(now)
        return max(made) + self.every if made else now

    def find_backups(self, now: datetime) -> dict[datetime, Path]:
        """The backups that are there. Those of a time to come were made by a clock that was wrong, and don't count."""
        found = {}
        for file in self.folder.iterdir():
            at = _time_of(file.name, self.ending)
            if at is not None and at <= now:
                found[at] = file
        return found

    def remove_old_backups(self, now: datetime) -> None:
        """Remove all but the newest, and what was left unfinished. Raises OSError."""
        made = self.find_backups(now)
        for at in sorted(made)[: -self.keep]:
            made[at].unlink(missing_ok=True)
        for part in self.folder.glob(f".movierating-*Z{self.ending}.part*"):
            part.unlink(missing_ok=True)


def format_backup_name(now: datetime, ending: str = ".sqlite3") -> str:
    """The name of a backup, by which backups sort by their time."""
    return now.astimezone(UTC).strftime(_NAME) + ending


def _time_of(name: str, ending: str) -> datetime | None:
    try:
        at = datetime.strptime(name, _NAME + ending).replace(tzinfo=UTC)
    except ValueError:
        return None
    return at if format_backup_name(at, ending) == name else None


@contextmanager
def run_backups(schedule: BackupSchedule | None, database: Path, instance: Path) -> Iterator[None]:
    """Keep to the schedule, if there is one, for the instance and its database until the end of the block."""
    if schedule is None:
        yield
        return
    keeper = _BackupThread(schedule, database, instance)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class _BackupThread(threading.Thread):
    """Makes each backup when it is due. Nothing that goes wrong ends it."""

    def __init__(self, schedule: BackupSchedule, database: Path, instance: Path) -> None:
        super().__init__(name="backups", daemon=True)
        self._schedule = schedule
        self._instance = instance
        # Several servers of one instance make each backup once.
        self._turn = FileLock(database.with_name(f".{database.name}.schedule"), timeout=0)
        self._stopping = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    def run(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            try:
                wait = self._seconds_left() or self._take_turn()
            except Exception as error:
                wait = self._fail(str(error))

    def stop(self) -> None:
        """End a backup that is under way, and return at once."""
        with _starting:
            self._stopping.set()
            if self._process is not None:
                self._process.terminate()
        self.join(timeout=1)

    def _seconds_left(self) -> float:
        now = datetime.now(UTC)
        return min(max(0.0, (self._schedule.find_next_time(now) - now).total_seconds()), MAX_WAIT_SECONDS)

    def _take_turn(self) -> float:
        """Make a backup, unless another server just has; the seconds to wait then."""
        try:
            with self._turn:
                if not self._seconds_left():
                    return self._back_up()
        except Timeout:
            return MAX_WAIT_SECONDS
        return 0.0

    def _back_up(self) -> float:
        now, started = datetime.now(UTC), time.monotonic()
        target = self._schedule.folder / format_backup_name(now, self._schedule.ending)
        code, said = self._run("backup", str(target))
        if self._stopping.is_set():
            return 0.0
        if code:
            return self._fail(said)
        if said:
            logger.warning("backup", extra={"fields": {"file": target.name, "warning": said}})
        facts = {
            "file": target.name,
            "bytes": target.stat().st_size,
            "seconds": round(time.monotonic() - started, 2),
        }
        logger.info("backup", extra={"fields": facts})
        self._schedule.remove_old_backups(datetime.now(UTC))
        return 0.0

    def _run(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command of ours, and what it said on standard error."""
        with _starting:
            if self._stopping.is_set():
                return 1, ""
            self._process = subprocess.Popen(  # noqa: S603  (a command of ours)
                # -P, or a folder of that name where the server was started would be run.
                [sys.executable, "-P", "-m", "movierating", *arguments],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                # Ctrl-C in a terminal must not end it before the server does.
                process_group=0,
            )
        _, said = self._process.communicate()
        code = self._process.returncode
        with _starting:
            self._process = None
        return code, " ".join(said.split()).removeprefix("Error: ")

    def _environment(self) -> dict[str, str]:
        """Of the same instance, and the same package, wherever that is."""
        paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        found = {"PYTHONPATH": os.pathsep.join(paths), f"{PREFIX}INSTANCE_PATH": str(self._instance)}
        return {**os.environ, **found}

    def _fail(self, reason: str) -> float:
        """Log it; the seconds until the next try."""
        logger.error("backup failed", extra={"fields": {"reason": reason}})
        return min(RETRY_INTERVAL_SECONDS, self._schedule.every.total_seconds())
