"""Count requests, and render all metrics in the text format of Prometheus."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from movierating.monitoring import counters
from movierating.monitoring.counters import BUCKET_BOUNDS
from movierating.monitoring.logs import RequestRecord

MEDIA_TYPE = CONTENT_TYPE_LATEST

_REQUESTS, _SECONDS, _CACHE = "http_requests", "http_request_duration_seconds", "cache_lookups"
_EVENTS = {
    counters.FAILED_LOGINS: "Logins with a wrong name or password.",
    counters.FAILED_TRAININGS: "Trainings of predicted ratings that failed.",
    counters.SIGN_UPS: "Accounts created.",
}
_GAUGES = {
    "last_backup_timestamp_seconds": "Time of the newest valid backup, or 0.",
    "database_size_bytes": "Size of the database, for SQLite with its write-ahead log.",
    "redis_up": "Whether this worker can reach Redis.",
    "prediction_model_age_seconds": "Seconds since the model of predicted ratings was trained, with a model.",
    "prediction_ratings_behind": "Difference between the numbers of ratings now and in the model (without one, 0).",
    "prediction_training_seconds": "Duration of the model's training, with a model.",
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


def render(gauges: Mapping[str, float | None]) -> bytes:
    """Return all metrics as MEDIA_TYPE; `gauges` has values by the names in _GAUGES, and None is left out.

    Raise sqlite3.Error if the counters can't be read.
    """
    families = list(_collect_totals(counters.read_totals()))
    for name, value in gauges.items():
        if value is not None:
            families.append(GaugeMetricFamily(f"movierating_{name}", _GAUGES[name], value=value))
    return generate_latest(_Families(families))


class _Families(Collector):
    """Metric families as the collector that `generate_latest` takes."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """Return the families."""
        return self._families


_Totals = Mapping[tuple[str, ...], float]


def _collect_totals(totals: _Totals) -> Iterator[Metric]:
    for name, text in _EVENTS.items():
        yield _make_counter(totals, name, text, (), [()])
    text = "Ratings written, changed or not: one by one, in batches, in uploads."
    yield _make_counter(totals, counters.RATINGS_WRITTEN, text, ("by",), [("one",), ("list",), ("upload",)])
    requests = sorted(key[1:] for key in totals if key[0] == _REQUESTS)
    yield _make_counter(totals, _REQUESTS, "Requests handled.", ("method", "route", "status"), requests)
    routes = sorted({key[1:3] for key in totals if key[0] == _SECONDS})
    yield _make_histogram(totals, _SECONDS, "Seconds until the response began.", ("method", "route"), routes)
    text = "Reads without credentials, from the response cache (hit) or the application (miss)."
    yield _make_counter(totals, _CACHE, text, ("result",), [("hit",), ("miss",)])
    for name, text in _WRITING.items():
        yield _make_histogram(totals, name, text, (), [()])


def _make_counter(
    totals: _Totals, name: str, text: str, labels: Sequence[str], values: Iterable[tuple[str, ...]]
) -> Metric:
    """Return a counter with the totals of `name` for the given values of its labels."""
    family = CounterMetricFamily(f"movierating_{name}", text, labels=labels)
    for key in values:
        family.add_metric(key, totals.get((name, *key), 0))
    return family


def _make_histogram(
    totals: _Totals, name: str, text: str, labels: Sequence[str], values: Iterable[tuple[str, ...]]
) -> Metric:
    """Return a histogram with the totals of `name` for the given values of its labels."""
    family = HistogramMetricFamily(f"movierating_{name}", text, labels=labels)
    for key in values:
        cumulative = accumulate(totals.get((name, *key, bound), 0) for bound in BUCKET_BOUNDS)
        buckets = list(zip(BUCKET_BOUNDS, cumulative, strict=True))
        family.add_metric(key, buckets, totals.get((name, *key, "sum"), 0))
    return family
