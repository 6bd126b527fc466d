"""The response cache: which responses are stored, by which key, and how many."""

import pytest
from flask import Response
from sqlalchemy import text

from movierating.http import response_cache
from movierating.storage.database import write

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
    made = client.head(address, headers=known)
    assert len(handled) == 2
    assert (stored.status_code, stored.data) == (made.status_code, made.data) == (304, b"")
    assert dict(stored.headers) == dict(made.headers)
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/movies?sort=-count", "/v1/genres"])
def test_revalidation_stores_the_response_again(client, handled, add_movie, path):
    add_movie()
    known = {"If-None-Match": client.get(path).headers["ETag"]}
    touch()
    responses = [client.get(path, headers=known) for _ in range(2)]
    assert [response.status_code for response in responses] == [304, 304]
    assert len(handled) == 2


def test_head_uses_the_stored_response_of_get(client, handled, address):
    whole, head = client.get(address), client.head(address)
    assert len(handled) == 1
    assert head.data == b""
    assert head.headers["Content-Length"] == str(len(whole.data))


def test_head_is_not_stored(client, handled, address):
    assert client.head(address).data == b""
    assert client.get(address).data != b""
    assert len(handled) == 2


def touch():
    """Commit a write that invalidates every response and changes none."""
    write(
        lambda connection: connection.execute(text("UPDATE data_migration SET applied_at = applied_at + 1"))
    )


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


@pytest.mark.parametrize(
    ("status", "headers"), [(200, {"Set-Cookie": "a=b"}), (200, {"Cache-Control": "no-store"}), (404, {})]
)
def test_response_for_one_client_and_error_are_not_stored(app, client, handled, status, headers):
    tagged = {"ETag": '"1"', **headers}
    app.add_url_rule("/v1/tagged", view_func=lambda: Response("tagged", status, tagged))
    client.get("/v1/tagged")
    client.get("/v1/tagged")
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
