"""The Redis client: calls, outages and recovery."""

import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest
from redis import Redis

from movierating.limits import redis_client
from movierating.limits.redis_client import RedisClient, RedisUnavailable

pytestmark = pytest.mark.any_database

SECRET = "hunter2-and-some-more"


@pytest.fixture
def connect(wait_for_redis):
    """`connect(url)` returns a RedisClient, and closes it at the end."""
    with ExitStack() as clients:
        yield lambda url: clients.enter_context(closing(RedisClient(url)))


@pytest.fixture
def client(connect, redis):
    return connect(redis.url)


@pytest.fixture
def read_log(caplog):
    """`read_log()` returns the logged messages with their fields."""
    caplog.set_level(logging.INFO)
    return lambda: [(record.getMessage(), record.fields) for record in caplog.records]


@pytest.mark.parametrize("outage", ["gone", "stuck"])
def test_outage_and_recovery_are_logged_once(connect, redis, read_log, eventually, monkeypatch, outage):
    monkeypatch.setattr(redis_client, "REDIS_TIMEOUT_SECONDS", 2)
    client = connect(redis.url)
    assert client.is_available()
    with getattr(redis, outage)():
        with ThreadPoolExecutor(8) as threads:
            assert not any(threads.map(lambda _: client.is_available(), range(64)))
        assert [message for message, _ in read_log()] == [
            "Redis is unavailable; the service continues without it"
        ]
    eventually(client.is_available)
    eventually(lambda: len(read_log()) == 2)
    assert read_log()[1] == ("Redis is available again", {"address": f"127.0.0.1:{redis.port}"})


def test_no_command_runs_during_an_outage(client, redis):
    calls = []
    with redis.gone():
        assert not client.is_available()
        with pytest.raises(RedisUnavailable):
            client.call(lambda: calls.append("command"))
    assert calls == []


def test_error_of_a_command_is_raised(client):
    with pytest.raises(ZeroDivisionError):
        client.call(lambda: 1 // 0)
    assert client.is_available()


@pytest.mark.parametrize(
    "options", [("--maxmemory", "1"), ("--replicaof", "127.0.0.1 1")], ids=["full", "replica"]
)
def test_server_that_rejects_writes_is_unavailable(connect, start_redis, options):
    redis = start_redis(*options)
    client = connect(redis.url)
    assert Redis(connection_pool=client.pool).ping()
    assert not client.is_available()


@pytest.mark.parametrize(
    "options",
    [("--requirepass", "another"), ("--requirepass", SECRET, "--rename-command", "AUTH", "")],
    ids=["wrong password", "server that quotes the password"],
)
def test_a_password_is_never_logged(connect, start_redis, read_log, caplog, options):
    redis = start_redis(*options)
    client = connect(redis.url.replace("//", f"//:{SECRET}@"))
    assert not client.is_available()
    assert len(read_log()) == 1
    assert SECRET not in repr([vars(record) for record in caplog.records])


def test_password_of_the_url_is_used(connect, start_redis):
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
def test_outage_is_logged_with_address_and_reason(
    connect, redis, read_log, monkeypatch, url, address, reason
):
    # Without TLS the server does not respond.
    monkeypatch.setattr(redis_client, "REDIS_TIMEOUT_SECONDS", 2)
    assert not connect(url.format(port=redis.port)).is_available()
    ((_, fields),) = read_log()
    assert fields["address"] == address.format(port=redis.port)
    assert reason is None or fields["reason"] == reason


def test_server_of_another_protocol_is_unavailable(connect, free_port):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as listener:

        def respond():
            with listener.accept()[0] as connection:
                connection.recv(100)
                connection.sendall(b"$no number\r\n")

        server = threading.Thread(target=respond)
        server.start()
        assert not connect(f"redis://127.0.0.1:{port}").is_available()
        server.join()


def test_name_lookup_has_a_timeout(connect, read_log, monkeypatch):
    monkeypatch.setattr(redis_client, "REDIS_TIMEOUT_SECONDS", 0.1)
    lookup_ends = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: lookup_ends.wait())
    assert not connect("redis://redis.example").is_available()
    lookup_ends.set()
    assert read_log()[0][1]["reason"] == "the name lookup timed out"


def test_timeout_of_the_url_is_ignored(connect):
    pool = connect("redis://127.0.0.1?socket_timeout=60").pool
    assert pool.connection_kwargs["socket_timeout"] == redis_client.REDIS_TIMEOUT_SECONDS
