"""Count requests, and render all metrics in the text format of Prometheus."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from movierating.monitoring import counters
from movierating.monitoring.counters import BUCKET_BOUNDS
from movierating.monitoring.logs import RequestRecord

MEDIA_TYPE = CONTENT_TYPE_LATEST

_REQUESTS, _SECONDS, _CACHE = "http_requests", "http_request_duration_seconds", "cache_lookups"
_EVENTS = {
    counters.FAILED_LOGINS: "Logins with a wrong name or password.",
    counters.SIGN_UPS: "Accounts created.",
}
_WRITING = {
    counters.WRITE_WAIT: "Seconds that a write waited in the queue and for the write lock.",
    counters.WRITE_TRANSACTION: "Seconds that a write transaction, of one or several writes, took.",
}
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def count_requests(requests: Iterable[RequestRecord]) -> None:
    """Count requests, their latency, and hits and misses of the response cache."""
    durations: defaultdict[tuple[str, str | None, int, str | None], list[float]] = defaultdict(list)
    for request in requests:
        durations[request.method, request.route, request.status, request.cache].append(request.seconds)
    for (method, route, status, cache), seconds in durations.items():
        # Clients choose methods and paths, and must not be able to create new series.
        labels = (method if method in _METHODS else "other", route or "none")
        counters.increment(_REQUESTS, *labels, str(status), amount=len(seconds))
        counters.observe({(_SECONDS, *labels): seconds})
        if cache:
            counters.increment(_CACHE, cache, amount=len(seconds))


def render(database_bytes: int | None, backed_up_at: float, redis_up: bool | None) -> bytes:
    """Return all metrics as MEDIA_TYPE. `backed_up_at` is in seconds since 1970; a value of None is left out.

    Raise sqlite3.Error if the counters can't be read.
    """
    registry = CollectorRegistry()
    registry.register(_Totals(counters.read_totals()))
    registry.register(_Database(database_bytes, backed_up_at))
    if redis_up is not None:
        registry.register(_Redis(redis_up))
    return generate_latest(registry)


class _Totals(Collector):
    """Collect the totals of the counters."""

    def __init__(self, totals: dict[tuple[str, ...], float]) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        """Yield each metric family."""
        for name, text in _EVENTS.items():
            yield CounterMetricFamily(f"movierating_{name}", text, value=self._totals.get((name,), 0))
        yield self._ratings()
        yield self._requests()
        yield self._histogram(_SECONDS, "Seconds until the response began.", ("method", "route"))
        yield self._lookups(
            _CACHE,
            "Reads without credentials, from the response cache (hit) or the application (miss).",
            ("hit", "miss"),
        )
        for name, text in _WRITING.items():
            yield self._histogram(name, text)

    def _ratings(self) -> Metric:
        family = CounterMetricFamily(
            f"movierating_{counters.RATINGS_WRITTEN}",
            "Ratings written, changed or not: one by one, in batches, in uploads.",
            labels=("by",),
        )
        for way in ("one", "list", "upload"):
            family.add_metric((way,), self._totals.get((counters.RATINGS_WRITTEN, way), 0))
        return family

    def _requests(self) -> Metric:
        family = CounterMetricFamily(
            f"movierating_{_REQUESTS}", "Requests handled.", labels=("method", "route", "status")
        )
        for key, total in sorted(self._totals.items()):
            if key[0] == _REQUESTS:
                family.add_metric(key[1:], total)
        return family

    def _lookups(self, name: str, text: str, results: tuple[str, ...]) -> Metric:
        family = CounterMetricFamily(f"movierating_{name}", text, labels=("result",))
        for result in results:
            family.add_metric((result,), self._totals.get((name, result), 0))
        return family

    def _histogram(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Metric:
        family = HistogramMetricFamily(f"movierating_{name}", text, labels=labels)
        size = 1 + len(labels)
        keys = {key[:size] for key in self._totals if key[0] == name} or (set() if labels else {(name,)})
        for key in sorted(keys):
            cumulative = accumulate(self._totals.get((*key, bound), 0) for bound in BUCKET_BOUNDS)
            family.add_metric(
                key[1:], list(zip(BUCKET_BOUNDS, cumulative, strict=True)), self._totals.get((*key, "sum"), 0)
            )
        return family


class _Database(Collector):
    """Collect the size of the database and the time of its newest backup."""

    def __init__(self, database_bytes: int | None, backed_up_at: float) -> None:
        self._bytes, self._backed_up_at = database_bytes, backed_up_at

    def collect(self) -> Iterator[Metric]:
        """Yield each gauge."""
        yield GaugeMetricFamily(
            "movierating_last_backup_timestamp_seconds",
            "Time of the newest valid backup, or 0.",
            value=self._backed_up_at,
        )
        if self._bytes is not None:
            yield GaugeMetricFamily(
                "movierating_database_size_bytes",
                "Size of the database on disk; for SQLite with its write-ahead log.",
                value=self._bytes,
            )


class _Redis(Collector):
    """Collect whether this worker can reach Redis."""

    def __init__(self, up: bool) -> None:
        self._up = up

    def collect(self) -> Iterator[Metric]:
        """Yield the gauge."""
        yield GaugeMetricFamily(
            "movierating_redis_up", "Whether this worker can reach Redis.", value=self._up
        )
