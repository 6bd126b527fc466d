"""What other programs commit to an SQLite database, told from what our writers do.

SQLite counts all commits. Each of our writers says of its own that versions have moved for it; the rest are others'.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from movierating.storage.cache_versions import Versions
from movierating.wal_index import WalIndex


def unaccounted(versions: Versions, index: WalIndex) -> tuple[int, int] | None:
    """How many commits moved no version, behind what tells counts apart that don't compare.

    It is None while one of us has committed and not said so. Raises OSError where nobody can tell.
    """
    before, accounted = versions.of_anything(), versions.accounted
    found = index.commits() - accounted
    if found and (before is None or before != versions.of_anything()):
        return None
    return index.opening, found


class Account:
    """A writer's account of the commits that SQLite counts: its own, and those that nobody has accounted for."""

    def __init__(self, versions: Versions, index: Callable[[], WalIndex]) -> None:
        self._versions, self._find = versions, index
        self._index: WalIndex | None = None
        self._driver: Any = None
        self._seen = 0

    def begin(self, driver: Any) -> None:
        """Account for other programs' commits, while there can't be any."""
        with suppress(OSError):
            index = self._find()
            commits = index.commits()
            if commits != self._versions.accounted:
                self._versions.move_everything()
                self._versions.accounted = commits
            self._index, self._driver, self._seen = index, driver, _commits_of_others(driver)

    def end(self) -> None:
        """Account for one's own, unless there are others' by now. The commit stands, so this raises nothing."""
        if self._index is None:
            return
        with suppress(OSError, sqlite3.Error):
            commits = self._index.commits()
            if _commits_of_others(self._driver) == self._seen:
                self._versions.accounted = commits


def _commits_of_others(driver: Any) -> int:
    """What a connection's own commits don't move. Source: https://www.sqlite.org/pragma.html#pragma_data_version."""
    seen: int = driver.execute("PRAGMA data_version").fetchone()[0]
    return seen
