"""Answers made by one process and given by another: the same, never older than the database, and nobody else's."""

import pytest
from sqlalchemy import text

import postgres
from movierating import shared_answers
from movierating.limits.redis_client import RedisServer
from movierating.monitoring import counters, request_log
from movierating.shared_answers import Found, SharedAnswers
from movierating.shared_cache import SharedCache

SECRET = "k" * 32
ADDRESS, STAMP = ("/v1/movies/1", "", ""), ("database", 1, 2)
ANSWER = Found(
    [("Content-Type", "application/json"), ("ETag", '"x"')], b'{"id":1}\n\0\xff', "/v1/movies/<id>"
)


@pytest.fixture
def server(redis, tmp_path):
    redis.send("FLUSHALL")
    counters.keep_in(tmp_path / "metrics.sqlite3")
    server = RedisServer(redis.url)
    yield server
    server.close()


@pytest.fixture
def host(server):
    """`host(secret, kind)` is one of several, alike unless told otherwise."""

    def make(secret=SECRET, kind=("1.0", [])):
        return SharedAnswers(SharedCache(server), secret, kind)

    return make


def test_what_one_host_made_another_one_finds(host):
    assert host().get(ADDRESS, STAMP) is None
    host().put(ADDRESS, STAMP, ANSWER)
    assert host().get(ADDRESS, STAMP) == ANSWER


@pytest.mark.parametrize(
    ("other", "address", "stamp"),
    [
        ({"secret": "l" * 32}, ADDRESS, STAMP),
        ({"kind": ("1.1", [])}, ADDRESS, STAMP),
        ({}, ("/v1/movies/1", "a=b", ""), STAMP),
        ({}, ("/v1/movies/1", "", "/films"), STAMP),
        ({}, ("/v1/movies/\xff'", "", ""), STAMP),
        ({}, ADDRESS, ("database", 1, 3)),
        ({}, ADDRESS, ("another", 1, 2)),
        ({}, ADDRESS, (None, 1, 2)),
        ({}, ADDRESS, None),
    ],
    ids=["secret", "version", "query", "mount", "path", "stamp", "database", "no database", "no stamp"],
)
def test_what_depends_on_anything_else_is_not_found(host, other, address, stamp):
    host().put(ADDRESS, STAMP, ANSWER)
    assert host(**other).get(address, stamp) is None


def test_what_has_no_known_database_or_is_large_is_not_put(host, redis, monkeypatch):
    for stamp in (None, (None, 1, 2)):
        host().put(ADDRESS, stamp, ANSWER)
    monkeypatch.setattr(shared_answers, "MOST_BYTES", len(ANSWER.body) - 1)
    host().put(ADDRESS, STAMP, ANSWER)
    assert redis.send("DBSIZE") == b":0\r\n"


def test_where_little_is_found_only_a_sample_is_looked_for(host, redis):
    """A movie's stamp has more parts than a list's, and is judged for itself."""
    of_host = host()
    paths = [(f"/v1/movies?q={number}", "", "") for number in range(400)]
    for number, path in enumerate(paths):
        of_host.get(path, ("database", number))
    redis.send("FLUSHALL")
    for path in paths:
        of_host.put(path, ("database", 0), ANSWER)
    assert 5 < int(redis.send("DBSIZE")[1:]) < 100
    assert 5 < sum(of_host.get(path, ("database", 0)) is not None for path in paths) < 100
    of_host.put(ADDRESS, STAMP, ANSWER)
    assert of_host.get(ADDRESS, STAMP) == ANSWER


def test_where_much_is_found_again_all_is_looked_for(host):
    of_host, paths = host(), [(f"/v1/movies?q={number}", "", "") for number in range(800)]
    for path in paths[:400]:
        of_host.get(path, STAMP)
    for _ in range(20):
        for path in paths:
            of_host.put(path, STAMP, ANSWER)
            of_host.get(path, STAMP)
    assert [path for path in paths if of_host.get(path, STAMP) != ANSWER] == []


class Dishonest:
    """A cache that gives whatever it wants."""

    def __init__(self, spoil):
        self._spoil, self._kept = spoil, {}

    def put(self, key, value, _seconds):
        self._kept[key] = value

    def get(self, _key):
        return self._spoil(list(self._kept.values()))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: b"",
        lambda values: b"\0" * 16,
        lambda values: b"\0" * 16 + b"2\n[]",
        lambda values: b"x" * 1000,
        lambda values: values[0][:-1],
        lambda values: values[0] + b"x",
        lambda values: bytes([values[0][0] ^ 1]) + values[0][1:],
        lambda values: values[0][:-1] + bytes([values[0][-1] ^ 1]),
        lambda values: values[1],
    ],
    ids=["empty", "nothing", "short", "long", "cut", "longer", "other seal", "other body", "other address"],
)
def test_what_is_not_whole_or_belongs_elsewhere_is_no_answer(spoil):
    of_host = SharedAnswers(Dishonest(spoil), SECRET, ())
    of_host.put(ADDRESS, STAMP, ANSWER)
    of_host.put(("/v1/movies/2", "", ""), STAMP, ANSWER)
    assert of_host.get(ADDRESS, STAMP) is None


@pytest.fixture
def clients(make_app, server, redis):
    """Clients of two applications with one database and one Redis."""
    return [make_app(REDIS_URL=redis.url, SECRET_KEY=SECRET).test_client() for _ in range(2)]


@pytest.fixture
def app(clients):
    with clients[0].application.app_context():
        yield clients[0].application


def lookups():
    """How many answers were given again, were another process's, and were made."""
    request_log.flush()
    totals = counters.totals()
    return tuple(int(totals.get(("cache_lookups", way), 0)) for way in ("hit", "shared", "miss"))


def addresses(movie_id, user_id):
    return [f"/v1/movies/{movie_id}", "/v1/movies?limit=3&sort=-count", f"/v1/users/{user_id}/ratings"]


@pytest.mark.postgresql
def test_a_process_gives_what_another_has_made(clients, member, add_movie):
    for address in addresses(add_movie(), member.id):
        hit, shared, miss = lookups()
        first, second, third = (client.get(address) for client in (*clients, clients[1]))
        assert lookups() == (hit + 1, shared + 1, miss + 1)
        known = {"X-Request-ID": "same"}
        assert (second.status, second.data) == (first.status, first.data) == (third.status, third.data)
        assert {**second.headers, **known} == {**first.headers, **known}
        counted = "movierating_cache_lookups_total"
        assert f'{counted}{{result="shared"}} {shared + 1}.0' in clients[0].get("/metrics").text


@pytest.mark.postgresql
@pytest.mark.parametrize(("method", "tag", "status"), [("HEAD", None, 200), ("GET", "*", 304)])
def test_who_wants_no_body_gets_none_of_what_is_shared(clients, add_movie, method, tag, status):
    address = f"/v1/movies/{add_movie()}"
    whole = clients[0].get(address)
    brief = clients[1].open(address, method=method, headers={"If-None-Match": tag} if tag else {})
    assert (brief.status_code, brief.data, brief.headers["ETag"]) == (status, b"", whole.headers["ETag"])
    assert lookups() == (0, 1, 1)


@pytest.mark.postgresql
def test_what_was_written_at_one_is_shown_at_the_other(clients, member, add_movie):
    movie_id = add_movie()
    for value in range(1, 6):
        before = [
            client.get(address).data for address in addresses(movie_id, member.id) for client in clients
        ]
        assert member.put(f"/v1/movies/{movie_id}/rating", json={"value": value}).status_code in (200, 201)
        after = [client.get(address).data for address in addresses(movie_id, member.id) for client in clients]
        assert all(old != new for old, new in zip(before, after, strict=True))
        assert after[::2] == after[1::2]


@pytest.mark.postgresql
def test_a_movie_that_was_restored_is_another(clients, add_movie, outside, tmp_path):
    address = f"/v1/movies/{add_movie(title='Old')}"
    for client in clients:
        client.get(address)
    with outside(tmp_path / "instance") as connection:
        connection.execute(text("UPDATE movie SET title = 'New'"))
    assert [client.get(address).json["title"] for client in clients] == ["New", "New"]


@pytest.mark.postgresql
def test_two_databases_share_nothing(clients, make_app, redis, add_movie, copied, tmp_path, environ):
    address = f"/v1/movies/{add_movie()}"
    clients[0].get(address)
    # A copy, of a database to which nobody is connected.
    for client in clients:
        with client.application.app_context():
            from movierating.storage import database

            database.close()
    copied(tmp_path / "instance", tmp_path / "copy")
    other = make_app(
        REDIS_URL=redis.url, SECRET_KEY=SECRET, DATABASE_URL=postgres.database_of(tmp_path / "copy")
    )
    before = lookups()
    assert other.test_client().get(address).status_code == 200
    assert lookups() == (before[0], before[1], before[2] + 1)


@pytest.mark.postgresql
@pytest.mark.parametrize("trouble", ["gone", "stuck"])
def test_without_redis_each_makes_its_own(clients, redis, member, add_movie, trouble):
    movie_id = add_movie()
    with getattr(redis, trouble)():
        for address in addresses(movie_id, member.id):
            assert len({client.get(address).data for client in clients}) == 1
    assert lookups() == (0, 0, 6)
