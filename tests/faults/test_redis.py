"""Two services with one Redis, which stops, hangs and comes back under load."""

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

SECRET = "hunter2-and-some-more"
OK, DEGRADED = {"status": "ok"}, {"status": "degraded", "degraded": ["redis"]}
FIVE_A_MINUTE = [401] * 5 + [429]


@pytest.fixture(scope="module")
def redis_server(start_redis):
    """A Redis with a password, for this module."""
    return start_redis("--requirepass", SECRET)


@pytest.fixture(scope="module")
def start(serve, redis_server, copied, empty_instance, tmp_path_factory):
    """`start()` starts a service with its own instance folder and that Redis."""

    def start_service():
        settings = {
            "REDIS_URL": redis_server.url.replace("//", f"//:{SECRET}@"),
            "SECRET_KEY": "k" * 32,
            "RATELIMIT_ENABLED": "true",
            "TRUSTED_PROXIES": "1",
            "LOG_FORMAT": "json",
        }
        return serve(copied(empty_instance, tmp_path_factory.mktemp("one") / "instance"), **settings)

    return start_service


@pytest.fixture(scope="module")
def services(start):
    return [start(), start()]


@pytest.fixture
def logins(client_of):
    """`logins("ada", *services)` returns the statuses of six failed logins, made at the services in turn."""
    addresses = itertools.count(1)

    def attempt(name, *services):
        clients = itertools.cycle([client_of(service) for service in services])
        body = {"login": name, "password": "wrong horse battery"}
        return [
            next(clients)
            .send("POST", "/v1/auth/login", body, **{"X-Forwarded-For": f"192.0.2.{next(addresses)}"})
            .status
            for _ in FIVE_A_MINUTE
        ]

    return attempt


@pytest.fixture
def readiness(client_of):
    """`readiness(service)` returns the body of `/readyz`, which must be 200."""

    def ask(service):
        response = client_of(service).send("GET", "/readyz")
        assert response.status == 200
        return response.body

    return ask


def list_redis_messages(service):
    """Return the log messages about Redis."""
    log = (service.folder.parent / "service.log").read_text()
    assert SECRET not in log
    messages = [json.loads(line)["message"] for line in log.splitlines()]
    return [message.split(";")[0] for message in messages if message.startswith("Redis")]


@pytest.fixture
def share_limits(services, logins, eventually):
    """`share_limits(*services)` waits until the services count together.

    A service to which Redis does not reply in a quarter of a second counts for itself, for a second at least. On a busy
    machine that may happen, so another account is tried then.
    """
    names = (f"shared{number}" for number in itertools.count())
    return lambda *services: eventually(lambda: logins(next(names), *services) == FIVE_A_MINUTE)


def test_services_share_their_limits(services, share_limits, readiness, eventually):
    share_limits(*services)
    eventually(lambda: [readiness(service) for service in services] == [OK, OK])


@pytest.fixture
def load(services, client_of):
    """Send limited and other requests during the test; none may fail."""
    ended = threading.Event()

    def call(client):
        statuses = set()
        while not ended.is_set():
            statuses.add(client.send("POST", "/v1/auth/refresh").status)
            statuses.add(client.send("GET", "/v1/movies").status)
        return statuses

    with ThreadPoolExecutor(8) as threads:
        called = [threads.submit(call, client_of(services[number % 2])) for number in range(8)]
        yield
        ended.set()
    assert {200, 429} <= set().union(*(each.result() for each in called)) <= {200, 401, 429}


@pytest.mark.parametrize("trouble", ["gone", "stuck"])
def test_without_redis_each_service_counts_for_itself(
    services, redis_server, load, logins, share_limits, readiness, eventually, trouble
):
    before = [list_redis_messages(service) for service in services]
    with getattr(redis_server, trouble)():
        for service in services:
            eventually(lambda service=service: readiness(service) == DEGRADED)
            assert logins(f"bob-{trouble}", service) == FIVE_A_MINUTE
    for service in services:
        eventually(lambda service=service: readiness(service) == OK)
    share_limits(*services)
    for service, earlier in zip(services, before, strict=True):
        messages = list_redis_messages(service)
        # One of each; a busy machine may have had other outages.
        alternating = itertools.cycle(["Redis is unavailable", "Redis is available again"])
        assert messages == list(itertools.islice(alternating, len(messages)))
        assert len(messages) >= len(earlier) + 2


def test_service_starts_without_redis_and_connects_later(
    start, redis_server, logins, services, share_limits, readiness, eventually
):
    with redis_server.gone():
        service = start()
        assert readiness(service) == DEGRADED
        assert logins("dora", service) == FIVE_A_MINUTE
        assert list_redis_messages(service) == ["Redis is unavailable"]
    eventually(lambda: readiness(service) == OK)
    share_limits(service, services[0])
