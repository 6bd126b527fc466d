"""Points in time, kept everywhere as whole microseconds since 1970-01-01T00:00:00Z."""

import functools
import time
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> int:
    """The present time in microseconds."""
    return time.time_ns() // 1000


# A list's movies were mostly added together, and its ratings in one import.
@functools.lru_cache(8192)
def to_rfc3339(microseconds: int) -> str:
    """`2024-01-15T10:30:00Z`, with a fraction only where there is one."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()[:-6] + "Z"


def to_datetime(microseconds: int) -> datetime:
    """An aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def from_datetime(moment: datetime) -> int:
    """Microseconds of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND
