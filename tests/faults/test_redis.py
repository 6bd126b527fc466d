"""Two services and one Redis, which goes, gets stuck and comes back under load."""

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

SECRET = "hunter2-and-some-more"
OK, DEGRADED = {"status": "ok"}, {"status": "degraded", "degraded": ["redis"]}
FIVE_A_MINUTE = [401] * 5 + [429]


@pytest.fixture(scope="module")
def guarded(start_redis):
    """A Redis with a password, for this file alone."""
    return start_redis("--requirepass", SECRET)


@pytest.fixture(scope="module")
def start(serve, guarded, copied, empty_instance, tmp_path_factory):
    """`start()` is a service with an instance folder of its own and that Redis."""

    def begin():
        settings = {
            "REDIS_URL": guarded.url.replace("//", f"//:{SECRET}@"),
            "SECRET_KEY": "k" * 32,
            "RATELIMIT_ENABLED": "true",
            "TRUSTED_PROXIES": "1",
            "LOG_FORMAT": "json",
        }
        return serve(copied(empty_instance, tmp_path_factory.mktemp("one") / "instance"), **settings)

    return begin


@pytest.fixture(scope="module")
def services(start):
    return [start(), start()]


@pytest.fixture
def logins(client_of):
    """The statuses of six logins to an account that is not there, at one service after the other."""
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
    """What `/readyz` says of a service that is ready."""

    def ask(service):
        answer = client_of(service).send("GET", "/readyz")
        assert answer.status == 200
        return answer.body

    return ask


def turns(service):
    """What the log tells of Redis."""
    log = (service.folder.parent / "service.log").read_text()
    assert SECRET not in log
    messages = [json.loads(line)["message"] for line in log.splitlines()]
    return [message.split(";")[0] for message in messages if message.startswith("Redis")]


def test_services_share_their_limits(services, logins, readiness):
    assert logins("ada", *services) == FIVE_A_MINUTE
    assert [readiness(service) for service in services] == [OK, OK]


@pytest.fixture
def load(services, client_of):
    """Requests that are limited and others, as long as the test takes; no service may ever fail."""
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
def test_without_redis_each_service_goes_on_for_itself(
    services, guarded, load, logins, readiness, eventually, trouble
):
    before = [turns(service) for service in services]
    with getattr(guarded, trouble)():
        for service in services:
            eventually(lambda service=service: readiness(service) == DEGRADED)
            assert logins(f"bob-{trouble}", service) == FIVE_A_MINUTE
    for service in services:
        eventually(lambda service=service: readiness(service) == OK)
    assert logins(f"carol-{trouble}", *services) == FIVE_A_MINUTE
    for service, earlier in zip(services, before, strict=True):
        assert turns(service)[len(earlier) :] == ["Redis is unavailable", "Redis is available again"]


def test_a_service_starts_without_redis_and_finds_it(start, guarded, logins, readiness, eventually):
    with guarded.gone():
        service = start()
        assert readiness(service) == DEGRADED
        assert logins("dora", service) == FIVE_A_MINUTE
        assert turns(service) == ["Redis is unavailable"]
    eventually(lambda: readiness(service) == OK)
    assert logins("dora", service) == FIVE_A_MINUTE
