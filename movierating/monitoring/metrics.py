"""What `/metrics` shows, in Prometheus' text format: requests, their latency, and what happened in the service."""

from collections import Counter, defaultdict
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
    counters.SIGN_UPS: "Accounts opened.",
}
_WRITING = {
    counters.WRITE_WAIT: "Seconds that a write waited for its turn, behind others of its worker and of other ones.",
    counters.WRITE_TRANSACTION: "Seconds that a transaction, which may hold several writes, kept others waiting.",
}
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def count_requests(answers: Iterable[RequestRecord]) -> None:
    """Count answered requests, and where an answer could have been given again whether it was."""
    alike: defaultdict[tuple[str, str | None, int, str | None], list[float]] = defaultdict(list)
    for answered in answers:
        alike[answered.method, answered.route, answered.status, answered.cache].append(answered.seconds)
    fresh: Counter[tuple[str, ...]] = Counter()
    for (method, route, status, cache), seconds in alike.items():
        # A client chooses its method and address, and must not be able to make new series.
        labels = (method if method in _METHODS else "other", route or "none")
        fresh[_REQUESTS, *labels, str(status)] += len(seconds)
        fresh.update(counters.to_histogram((_SECONDS, *labels), seconds))
        if cache:
            fresh[_CACHE, cache] += len(seconds)
    counters.add(fresh)


def render(database_bytes: int | None, backed_up_at: float, redis_up: bool | None) -> bytes:
    """All metrics, as of MEDIA_TYPE, those of the database among them; its size and Redis unless they are None.

    Raises sqlite3.Error where counts can't be read.
    """
    registry = CollectorRegistry()
    registry.register(_Totals(counters.read_totals()))
    registry.register(_Database(database_bytes, backed_up_at))
    if redis_up is not None:
        registry.register(_Redis(redis_up))
    return generate_latest(registry)


class _Totals(Collector):
    """The counters' totals as Prometheus' families of series."""

    def __init__(self, totals: dict[tuple[str, ...], float]) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        """Each family."""
        for name, text in _EVENTS.items():
            yield CounterMetricFamily(f"movierating_{name}", text, value=self._totals.get((name,), 0))
        yield self._ratings()
        yield self._requests()
        yield self._histogram(_SECONDS, "Seconds until the answer began.", ("method", "route"))
        yield self._lookups(
            _CACHE,
            "Reads without credentials, answered from the response cache (hit) or by the application (miss).",
            ("hit", "miss"),
        )
        for name, text in _WRITING.items():
            yield self._histogram(name, text)

    def _ratings(self) -> Metric:
        family = CounterMetricFamily(
            f"movierating_{counters.RATINGS_WRITTEN}",
            "Ratings set, also to what they were: one by one, in lists of them, in uploads.",
            labels=("by",),
        )
        for way in ("one", "list", "upload"):
            family.add_metric((way,), self._totals.get((counters.RATINGS_WRITTEN, way), 0))
        return family

    def _requests(self) -> Metric:
        family = CounterMetricFamily(
            f"movierating_{_REQUESTS}", "Requests answered.", labels=("method", "route", "status")
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
            heights = accumulate(self._totals.get((*key, bound), 0) for bound in BUCKET_BOUNDS)
            family.add_metric(
                key[1:], list(zip(BUCKET_BOUNDS, heights, strict=True)), self._totals.get((*key, "sum"), 0)
            )
        return family


class _Database(Collector):
    """The database's size and its newest backup, as they are now."""

    def __init__(self, database_bytes: int | None, backed_up_at: float) -> None:
        self._bytes, self._backed_up_at = database_bytes, backed_up_at

    def collect(self) -> Iterator[Metric]:
        """Each gauge."""
        yield GaugeMetricFamily(
            "movierating_last_backup_timestamp_seconds",
            "When the newest good backup was made, 0 if none was.",
            value=self._backed_up_at,
        )
        if self._bytes is not None:
            yield GaugeMetricFamily(
                "movierating_database_size_bytes",
                "The database on its disk; of SQLite with its write-ahead log.",
                value=self._bytes,
            )


class _Redis(Collector):
    """Redis, as the worker that was asked sees it."""

    def __init__(self, up: bool) -> None:
        self._up = up

    def collect(self) -> Iterator[Metric]:
        """The gauge."""
        yield GaugeMetricFamily(
            "movierating_redis_up", "Whether Redis answers the worker that was asked.", value=self._up
        )
