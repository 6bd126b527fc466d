"""The Redis client: calls, outages and recovery."""

import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from movierating.limits.redis_client import REDIS_TIMEOUT_SECONDS, RedisClient, RedisUnavailable

SECRET = "hunter2-and-some-more"


@pytest.fixture
def connect():
    """`connect(url)` is a RedisClient there."""
    made = []

    def make(url):
        made.append(RedisClient(url))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def server(connect, redis):
    return connect(redis.url)


@pytest.fixture
def said(caplog):
    """The lines that were logged, and with what facts."""
    caplog.set_level(logging.INFO)
    return lambda: [(record.getMessage(), record.fields) for record in caplog.records]


@pytest.mark.parametrize("trouble", ["gone", "stuck"])
def test_outage_and_recovery_are_logged_once(server, redis, said, eventually, trouble):
    assert server.is_available()
    with getattr(redis, trouble)():
        with ThreadPoolExecutor(8) as threads:
            assert not any(threads.map(lambda _: server.is_available(), range(64)))
        assert [message for message, _ in said()] == [
            "Redis is unavailable; the service continues without it"
        ]
    eventually(server.is_available)
    eventually(lambda: len(said()) == 2)
    assert said()[1] == ("Redis is available again", {"address": f"127.0.0.1:{redis.port}"})


def test_no_command_runs_during_an_outage(server, redis):
    asked = []
    with redis.gone():
        assert not server.is_available()
        with pytest.raises(RedisUnavailable):
            server.call(lambda: asked.append("question"))
    assert asked == []


def test_error_of_a_command_is_raised(server):
    with pytest.raises(ZeroDivisionError):
        server.call(lambda: 1 // 0)
    assert server.is_available()


@pytest.mark.parametrize(
    "refusal", [("--maxmemory", "1"), ("--replicaof", "127.0.0.1 1")], ids=["full", "replica"]
)
def test_server_that_rejects_writes_is_unavailable(connect, start_redis, refusal):
    redis = start_redis(*refusal)
    server = connect(redis.url)
    assert Redis(connection_pool=server.pool).ping()
    assert not server.is_available()


@pytest.mark.parametrize(
    "options",
    [("--requirepass", "another"), ("--requirepass", SECRET, "--rename-command", "AUTH", "")],
    ids=["wrong password", "a server that quotes it"],
)
def test_a_password_is_never_logged(connect, start_redis, said, caplog, options):
    redis = start_redis(*options)
    server = connect(redis.url.replace("//", f"//:{SECRET}@"))
    assert not server.is_available()
    assert len(said()) == 1
    assert SECRET not in repr([vars(record) for record in caplog.records])


def test_a_password_is_used(connect, start_redis):
    assert connect(start_redis("--requirepass", SECRET).url.replace("//", f"//:{SECRET}@")).is_available()


@pytest.mark.parametrize(
    ("url", "address", "reason"),
    [
        ("redis://127.0.0.1:1/3", "127.0.0.1:1", "Connection refused"),
        ("redis+unix:///nowhere/redis.sock", "/nowhere/redis.sock", "No such file or directory"),
        ("redis://redis.invalid", "redis.invalid:6379", None),
        ("rediss://127.0.0.1:{port}", "127.0.0.1:{port}", None),
    ],
)
def test_outage_is_logged_with_address_and_reason(connect, redis, said, url, address, reason):
    assert not connect(url.format(port=redis.port)).is_available()
    ((_, facts),) = said()
    assert facts["address"] == address.format(port=redis.port)
    assert reason is None or facts["reason"] == reason


def test_server_of_another_protocol_is_unavailable(connect, free_port):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as listener:

        def response():
            with listener.accept()[0] as connection:
                connection.recv(100)
                connection.sendall(b"$no number\r\n")

        other = threading.Thread(target=response)
        other.start()
        assert not connect(f"redis://127.0.0.1:{port}").is_available()
        other.join()


def test_name_lookup_has_a_timeout(connect, said, monkeypatch):
    waits = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: waits.wait())
    assert not connect("redis://redis.example").is_available()
    waits.set()
    assert said()[0][1]["reason"] == "the name lookup timed out"


def test_timeout_of_the_url_is_ignored(connect):
    pool = connect("redis://127.0.0.1?socket_timeout=60").pool
    assert pool.connection_kwargs["socket_timeout"] == REDIS_TIMEOUT_SECONDS
