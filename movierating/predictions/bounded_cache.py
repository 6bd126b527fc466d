"""A least-recently-used (LRU) cache."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class BoundedCache:
    """Results by their keys; beyond `max_entries`, the least recently used one is dropped.

    Unlike `functools.lru_cache`, it keeps no reference to the arguments of a computation, such as a model whose file
    could then not be closed.
    """

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return the result of a key. If it is not stored, compute and store it; two threads may both compute it."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                result: T = self._entries[key]
                return result
        result = compute()
        with self._lock:
            self._entries[key] = result
            if len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
        return result
