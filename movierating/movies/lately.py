"""Numbers that may be some seconds old: good for the choice between two ways to the same answer, not for an answer."""

import time
from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

SECONDS = 10
MOST = 1_000


class Lately:
    """What was found in each database in the last SECONDS, MOST of it at once."""

    def __init__(self) -> None:
        self._of_databases: WeakKeyDictionary[Engine, dict[Hashable, tuple[float, Any]]] = WeakKeyDictionary()

    def found(self, engine: Engine, key: Hashable, find: Callable[[], Any], *, anew: bool) -> Any:
        """What `find` found for the key lately, or finds now where it didn't or that is wanted `anew`."""
        known, now = self._of_databases.setdefault(engine, {}), time.monotonic()
        until, value = known.get(key, (0.0, None))
        if anew or until < now:
            value = find()
            if len(known) >= MOST:
                known.clear()
            known[key] = now + SECONDS, value
        return value
