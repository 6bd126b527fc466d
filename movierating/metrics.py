"""What `/metrics` shows, in Prometheus' text format: requests, their latency, and what happened in the service."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from movierating import counters, last_backup
from movierating.logs import Answered

MEDIA_TYPE = CONTENT_TYPE_LATEST

# Upper bounds in seconds: a movie is read in one or two milliseconds, a password hashed in a hundred.
BUCKETS = (
    "0.001",
    "0.0025",
    "0.005",
    "0.01",
    "0.025",
    "0.05",
    "0.1",
    "0.25",
    "0.5",
    "1.0",
    "2.5",
    "5.0",
    "+Inf",
)
_BOUNDS = [float(bound) for bound in BUCKETS]

_REQUESTS, _SECONDS, _CACHE = "http_requests", "http_request_duration_seconds", "cache_lookups"
_EVENTS = {
    counters.FAILED_LOGINS: "Logins with a wrong name or password.",
    counters.RATINGS_WRITTEN: "Ratings put, one by one.",
    counters.SIGN_UPS: "Accounts opened.",
}
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def count_answers(answers: Iterable[Answered]) -> None:
    """Count answered requests, and where an answer could have been given again whether it was."""
    alike: defaultdict[tuple[str, str | None, int, str | None], list[float]] = defaultdict(list)
    for answered in answers:
        alike[answered.method, answered.route, answered.status, answered.cache].append(answered.seconds)
    fresh: Counter[tuple[str, ...]] = Counter()
    for (method, route, status, cache), seconds in alike.items():
        # A client chooses its method and address, and must not be able to make new series.
        labels = (method if method in _METHODS else "other", route or "none")
        fresh[_REQUESTS, *labels, str(status)] += len(seconds)
        fresh[_SECONDS, *labels, "sum"] += sum(seconds)  # type: ignore[assignment]
        fresh.update((_SECONDS, *labels, BUCKETS[bisect_left(_BOUNDS, each)]) for each in seconds)
        if cache:
            fresh[_CACHE, cache] += len(seconds)
    counters.add(fresh)


def exposition(database: Path) -> bytes:
    """All metrics, as of MEDIA_TYPE, those of this file among them. Raises sqlite3.Error where counts can't be read."""
    registry = CollectorRegistry()
    registry.register(_Totals(counters.totals()))
    registry.register(_File(database))
    return generate_latest(registry)


class _Totals(Collector):
    """The counters' totals as Prometheus' families of series."""

    def __init__(self, totals: dict[tuple[str, ...], float]) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        """Each family."""
        for name, text in _EVENTS.items():
            yield CounterMetricFamily(f"movierating_{name}", text, value=self._totals.get((name,), 0))
        yield self._requests()
        yield self._latency()
        yield self._cache()

    def _requests(self) -> Metric:
        family = CounterMetricFamily(
            f"movierating_{_REQUESTS}", "Requests answered.", labels=("method", "route", "status")
        )
        for key, total in sorted(self._totals.items()):
            if key[0] == _REQUESTS:
                family.add_metric(key[1:], total)
        return family

    def _cache(self) -> Metric:
        family = CounterMetricFamily(
            f"movierating_{_CACHE}", "Reads without credentials: given again, or made.", labels=("result",)
        )
        for result in ("hit", "miss"):
            family.add_metric((result,), self._totals.get((_CACHE, result), 0))
        return family

    def _latency(self) -> Metric:
        family = HistogramMetricFamily(
            f"movierating_{_SECONDS}", "Seconds until the answer began.", labels=("method", "route")
        )
        for key in sorted({key[:3] for key in self._totals if key[0] == _SECONDS}):
            heights = accumulate(self._totals.get((*key, bound), 0) for bound in BUCKETS)
            family.add_metric(
                key[1:], list(zip(BUCKETS, heights, strict=True)), self._totals.get((*key, "sum"), 0)
            )
        return family


class _File(Collector):
    """The database's file and its newest backup, as they are now."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        """Each gauge."""
        yield GaugeMetricFamily(
            "movierating_last_backup_timestamp_seconds",
            "When the newest good backup was made, 0 if none was.",
            value=last_backup.at(self._database),
        )
        log = self._database.with_name(f"{self._database.name}-wal")
        yield GaugeMetricFamily(
            "movierating_database_size_bytes",
            "The database and its write-ahead log on disk.",
            value=_size(self._database) + _size(log),
        )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
