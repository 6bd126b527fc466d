"""The response cache: unchanged responses are stored, and no response is older than an acknowledged write."""

import json
import threading
import urllib.request
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from movierating.http import response_cache
from movierating.movies import service as movies
from movierating.storage import database
from movierating.storage.database import write


@pytest.fixture
def handled(app, monkeypatch):
    """The paths of the reads that reach the application."""
    paths = []
    inner = app.wsgi_app._application

    def handle(environ, start_response):
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            paths.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    monkeypatch.setattr(app.wsgi_app, "_application", handle)
    return paths


READS = [
    "/v1/movies/{movie}",
    "/v1/movies?sort=-count",
    "/v1/users/{user}/ratings",
    "/v1/genres",
    "/v1/users/{user}",
]


@pytest.fixture(params=READS)
def address(request, member, add_movie):
    """A public resource."""
    return request.param.format(movie=add_movie(), user=member.id)


def test_unchanged_response_is_made_once(client, handled, address):
    first, second = client.get(address), client.get(address)
    assert len(handled) == 1
    assert (second.status_code, second.data) == (first.status_code, first.data)
    other_id = {**first.headers, "X-Request-ID": second.headers["X-Request-ID"]}
    assert dict(second.headers) == other_id != dict(first.headers)


@pytest.mark.parametrize("tags", ["{tag}", 'W/{tag}, "other"', "*"])
def test_304_of_a_stored_response_equals_the_application_s(client, handled, address, tags):
    tag = client.get(address).headers["ETag"]
    known = {"If-None-Match": tags.format(tag=tag), "X-Request-ID": "same"}
    stored = client.get(address, headers=known)
    client.application.wsgi_app._responses.clear()
    # A HEAD is never stored.
    made = client.head(address, headers=known)
    assert len(handled) == 2
    assert (stored.status_code, stored.data) == (made.status_code, made.data) == (304, b"")
    assert dict(stored.headers) == dict(made.headers)
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_revalidation_stores_the_changed_response(client, handled, address):
    known = {"If-None-Match": client.get(address).headers["ETag"]}
    touch()
    responses = [client.get(address, headers=known) for _ in range(2)]
    assert [response.status_code for response in responses] == [304, 304]
    assert len(handled) == 2


def test_head_uses_the_stored_response_of_get(client, handled, address):
    whole, head = client.get(address), client.head(address)
    assert len(handled) == 1
    assert head.data == b""
    assert head.headers["Content-Length"] == str(len(whole.data))


def touch():
    """Commit a write that invalidates every response and changes none."""
    write(lambda connection: connection.execute(text("UPDATE milestone SET reached_at = reached_at + 1")))


def rate_many(movie, person):
    person.post("/v1/users/me/ratings", json={"ratings": [{"movie_id": movie, "value": 3}]})


OF_MOVIE = ["/v1/movies/{movie}", "/v1/movies", "/v1/users/{user}/ratings"]
OF_RATERS = ["/v1/movies/{movie}/ratings", "/v1/users/{user}"]


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        (
            lambda movie, person: person.put(f"/v1/movies/{movie}/rating", json={"value": 8}),
            OF_MOVIE + OF_RATERS,
        ),
        (lambda movie, person: person.delete(f"/v1/movies/{movie}/rating"), OF_MOVIE + OF_RATERS),
        (rate_many, OF_MOVIE + OF_RATERS),
        (lambda movie, _: movies.update_movie(movie, None, {"title": "Another"}), OF_MOVIE),
    ],
    ids=["rate", "delete", "batch", "edit"],
)
def test_next_read_shows_a_change(client, member, add_movie, change, paths):
    movie = add_movie()
    member.put(f"/v1/movies/{movie}/rating", json={"value": 5})
    addresses = [path.format(movie=movie, user=member.id) for path in paths]
    before = [client.get(address).data for address in addresses]
    change(movie, member)
    after = [client.get(address).data for address in addresses]
    client.application.wsgi_app._responses.clear()
    assert after == [client.get(address).data for address in addresses]
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_next_read_shows_a_raters_new_name(client, member, add_movie):
    movie = add_movie()
    member.put(f"/v1/movies/{movie}/rating", json={"value": 5})
    address = f"/v1/movies/{movie}/ratings"
    client.get(address)
    member.patch("/v1/users/me", json={"display_name": "Someone Else"})
    assert client.get(address).json["items"][0]["user"]["display_name"] == "Someone Else"


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "address", ["/v1/movies/{movie}/ratings", "/v1/users/{user}", "/v1/users/{user}/ratings"]
)
def test_rating_by_another_user_keeps_stored_responses(client, handled, member, admin, add_movie, address):
    movie, other = add_movie(), add_movie()
    member.put(f"/v1/movies/{movie}/rating", json={"value": 5})
    address = address.format(movie=movie, user=member.id)
    client.get(address)
    handled.clear()
    admin.put(f"/v1/movies/{other}/rating", json={"value": 8})
    client.get(address)
    assert handled == []


def test_rating_of_another_movie_keeps_stored_responses(client, handled, member, add_movie):
    movie, other = add_movie(), add_movie()
    client.get(f"/v1/movies/{movie}")
    member.put(f"/v1/movies/{other}/rating", json={"value": 8})
    handled.clear()
    client.get(f"/v1/movies/{movie}")
    assert handled == []


def test_deleted_movie_returns_404(client, admin, add_movie):
    movie = add_movie()
    tag = client.get(f"/v1/movies/{movie}").headers["ETag"]
    assert admin.delete(f"/v1/movies/{movie}", headers={"If-Match": tag}).status_code == 204
    assert client.get(f"/v1/movies/{movie}").status_code == 404


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer x"}, {"Origin": "https://films.example"}], ids=["token", "origin"]
)
def test_requests_with_credentials_or_origin_are_not_stored(client, handled, add_movie, headers):
    address = f"/v1/movies/{add_movie()}"
    client.get(address)
    client.get(address, headers=headers)
    client.get(address, headers=headers)
    assert len(handled) == 3


@pytest.mark.parametrize(
    "path", ["/v1/movies/999", "/v1/movies?limit=0", "/v1/users/me", "/healthz", "/metrics"]
)
def test_only_successful_api_responses_are_stored(client, handled, path):
    client.get(path)
    client.get(path)
    assert len(handled) == 2


def test_query_and_mount_point_are_part_of_the_key(client, add_movie):
    add_movie(title="A")
    add_movie(title="B")
    addresses = ["/v1/movies?limit=1", "/v1/movies?limit=2", "/v1/movies?sort=title&limit=1"]
    assert len({client.get(address).data for address in addresses}) == 3
    links = {
        client.get("/v1/movies?limit=1", environ_overrides={"SCRIPT_NAME": mount}).headers["Link"]
        for mount in ("", "/films")
    }
    assert len(links) == 2


def test_size_is_limited_and_unused_entries_are_evicted_first(client, handled, add_movie, monkeypatch):
    paths = [f"/v1/movies/{add_movie()}" for _ in range(4)]
    monkeypatch.setattr(response_cache, "MAX_CACHE_BYTES", 3 * 2_200)
    for path in (*paths[:3], paths[0], paths[3]):
        client.get(path)
    handled.clear()
    for path in (paths[0], paths[3]):
        client.get(path)
    assert handled == []
    assert client.application.wsgi_app._bytes <= response_cache.MAX_CACHE_BYTES


def test_a_long_query_counts_towards_the_size(client, add_movie, monkeypatch):
    add_movie()
    monkeypatch.setattr(response_cache, "MAX_CACHE_BYTES", 50_000)
    for limit in range(1, 11):
        client.get(f"/v1/movies?limit={limit}" + "&" * 10_000)
    assert 1 <= len(client.application.wsgi_app._responses) <= 4


def test_hits_and_misses_are_counted(client, add_movie):
    add_movie()
    path = "/v1/movies"
    for _ in range(3):
        client.get(path)
    touch()
    client.get(path)
    client.delete(path)
    metrics = client.get("/metrics").text
    assert 'movierating_cache_lookups_total{result="hit"} 2.0' in metrics
    assert 'movierating_cache_lookups_total{result="miss"} 2.0' in metrics
    counted = 'movierating_http_requests_total{method="GET",route="/v1/movies",status="200"} 4.0'
    assert counted in metrics


@contextmanager
def readers(url, seen, number=4):
    """Read a movie in threads; `seen` gets pairs of the acknowledged count and the returned one."""
    acknowledged, stop = [0], threading.Event()

    def read():
        while not stop.is_set():
            before = acknowledged[0]
            with urllib.request.urlopen(url, timeout=10) as response:
                seen.append((before, json.load(response)["ratings"]["count"]))

    threads = [threading.Thread(target=read) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_read_is_never_older_than_an_acknowledged_write_of_another_process(
    serve, instance, app, sign_up, add_movie
):
    movie = add_movie()
    people = [sign_up() for _ in range(40)]
    services = [serve(instance), serve(instance)]
    seen = []
    with readers(f"{services[0].url}/v1/movies/{movie}", seen) as acknowledged:
        for number, person in enumerate(people, 1):
            rate = urllib.request.Request(
                f"{services[1].url}/v1/movies/{movie}/rating",
                b'{"value": 8}',
                {**person.headers, "Content-Type": "application/json"},
                method="PUT",
            )
            with urllib.request.urlopen(rate, timeout=10):
                acknowledged[0] = number
    assert all(service.stop() == 0 for service in services)
    assert len(seen) > len(people)
    assert [pair for pair in seen if pair[1] < pair[0]] == []


@pytest.mark.sqlite
def test_nothing_is_stored_without_shared_memory(client, handled, tmp_path, add_movie):
    address = f"/v1/movies/{add_movie()}"
    database.close()
    versions = tmp_path / "instance" / ".movierating.sqlite3.versions"
    versions.unlink()
    versions.mkdir()
    for _ in range(2):
        assert client.get(address).status_code == 200
    assert len(handled) == 2


@pytest.mark.sqlite
def test_write_recovers_versions_that_a_killed_worker_left_unknown(app, client, member, add_movie):
    movie_id, versions = add_movie(), database._get_database().versions
    versions._mapping.counters[0] |= 1
    # As in the worker that replaces it.
    versions.close()
    client.get("/v1/movies")
    assert database.get_version(None) is None
    member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8})
    assert database.get_version(None) is not None
