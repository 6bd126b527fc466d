"""Compression: which bodies, for which clients, and what it does to ETags and the response cache."""

import gzip
import re

import pytest
from flask import Response

from movierating.http import compression, response_cache

GZIP = {"Accept-Encoding": "gzip, deflate, br, zstd"}

ACCEPTED = [
    "gzip", "GZIP", "deflate, gzip;q=0.5", "*", "*;q=0.1", "gzip;q=0.001", "gzip, *;q=0", " gzip ; q=1 ,",
    "gzip, identity", "identity;q=0.5, gzip", "identity;q=0, *", "br, gzip;q=0.1",
]  # fmt: skip
# Without gzip, the body is not compressed, even if the client excludes that too.
NOT_ACCEPTED = [
    "", "identity", "br", "deflate", "xgzip", "gzip;q=0", "gzip;q=0.0", "gzip;q=0, *", "*;q=0", "identity;q=0",
    "identity, gzip;q=0.5", "identity, *;q=0.9", "gzip;q=x", "gzip;q=-1", "gzip;q=2", "gzip;q=nan", "gzip;q=0, gzip",
    ";", ",", "\xff", "\x00", "gzip" + " " * 300,
]  # fmt: skip


@pytest.fixture
def movies(add_movie):
    """The address of a list of more than 1 KB."""
    for number in range(10):
        add_movie(title=f"Amélie {number}", imdb_id=f"tt000000{number}")
    return "/v1/movies"


@pytest.mark.parametrize("header", ACCEPTED)
def test_body_is_compressed_for_clients_that_take_gzip(client, movies, header):
    plain, compressed = client.get(movies), client.get(movies, headers={"Accept-Encoding": header})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.data) == plain.data
    assert compressed.headers["Content-Length"] == str(len(compressed.data))
    assert len(compressed.data) < len(plain.data) / 2


@pytest.mark.parametrize("header", NOT_ACCEPTED)
def test_body_is_not_compressed_for_other_clients(client, movies, header):
    plain, response = client.get(movies), client.get(movies, headers={"Accept-Encoding": header})
    assert (response.status_code, response.data) == (200, plain.data)
    assert "Content-Encoding" not in response.headers
    assert response.headers["ETag"] == plain.headers["ETag"]


@pytest.mark.parametrize("size", [1024, 1025])
def test_only_bodies_over_1_kb_are_compressed(app, size):
    app.add_url_rule("/sized", view_func=lambda: Response(b"x" * size, mimetype="text/plain"))
    response = app.test_client().get("/sized", headers=GZIP)
    assert ("Content-Encoding" in response.headers) == ("Vary" in response.headers) == (size > 1024)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/movies", 200),
        ("GET", "/v1/users/me/ratings/export?format=csv", 200),
        ("GET", "/v1/users/me/ratings/export?format=json", 200),
        ("POST", "/v1/users/me/ratings", 422),
        ("GET", "/openapi.json", 200),
        ("GET", "/static/swagger-ui/swagger-ui.css", 200),
        ("GET", "/problems/", 200),
        ("GET", "/metrics", 200),
    ],
)
def test_compressed_bodies_equal_uncompressed_ones(admin, movies, method, path, status):
    invalid = {"ratings": [{"movie_id": number} for number in range(20)]}
    admin.put(f"{movies}/1/rating", json={"value": 8})
    options = {"method": method, "path": path, "json": invalid if method == "POST" else None}
    plain = admin._send(**options, headers={"X-Request-ID": "same"})
    compressed = admin._send(**options, headers={"X-Request-ID": "same", **GZIP})
    assert plain.status_code == compressed.status_code == status
    assert plain.headers["Vary"] == compressed.headers["Vary"] == "Accept-Encoding"
    assert compressed.headers["Content-Encoding"] == "gzip"
    body = gzip.decompress(compressed.data)
    assert body == plain.data or path == "/metrics"
    assert plain.headers.get("Content-Length", str(len(body))) == str(len(body)) or path == "/metrics"
    assert compressed.headers.get("Content-Length") in (None, str(len(compressed.data)))
    changed = {"ETag", "Content-Encoding", "Content-Length", "Date"}
    assert [pair for pair in plain.headers if pair[0] not in changed] == [
        pair for pair in compressed.headers if pair[0] not in changed
    ]


@pytest.mark.parametrize("path", ["/static/swagger-ui/favicon-32x32.png", "/healthz", "/"])
def test_small_bodies_and_redirects_are_not_compressed(client, path):
    response = client.get(path, headers=GZIP)
    assert not {"Content-Encoding", "Vary"} & set(response.headers.keys())


@pytest.mark.parametrize("name", ["docs.css", "swagger-ui/favicon-32x32.png", "swagger-ui/swagger-ui.css"])
@pytest.mark.parametrize("coding", [{}, GZIP], ids=["identity", "gzip"])
def test_static_file_returns_304_for_its_etag(client, name, coding):
    tag = client.get(f"/static/{name}", headers=coding).headers["ETag"]
    response = client.get(f"/static/{name}", headers={**coding, "If-None-Match": tag})
    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", tag)
    assert client.get(f"/static/{name}", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("coding", [{}, GZIP], ids=["identity", "gzip"])
def test_weak_etag_of_a_page_stays_weak(app, coding):
    def view():
        response = Response("x" * 5000, mimetype="text/html")
        response.set_etag("tag", weak=True)
        return response

    app.add_url_rule("/page", view_func=view)
    client = app.test_client()
    assert client.get("/page", headers=coding).headers["ETag"] == 'W/"tag"'
    assert client.get("/page", headers={**coding, "If-None-Match": 'W/"tag"'}).status_code == 304


@pytest.mark.parametrize("mimetype", ["application/zip", "image/png"])
def test_zip_or_image_is_not_compressed_again(app, mimetype):
    app.add_url_rule("/file", view_func=lambda: Response(b"x" * 5000, mimetype=mimetype))
    assert "Content-Encoding" not in app.test_client().get("/file", headers=GZIP).headers


def test_compressed_stream_closes_what_it_reads(app):
    closed = []

    def read():
        try:
            yield b"x" * 5000
            yield b""
            yield b"y" * 5000
        finally:
            closed.append("blocks")

    def view():
        response = Response(read(), mimetype="text/csv", headers={"Content-Length": "10000"})
        response.call_on_close(lambda: closed.append("slot"))
        return response

    app.add_url_rule("/stream", view_func=view)
    response = app.test_client().get("/stream", headers=GZIP)
    assert gzip.decompress(response.data) == b"x" * 5000 + b"y" * 5000
    assert "Content-Length" not in response.headers
    response.close()
    assert closed == ["blocks", "slot"]


READS = ["/v1/movies", "/v1/movies/{movie}", "/openapi.json", "/static/swagger-ui/swagger-ui.css"]


@pytest.fixture(params=READS)
def address(request, movies, add_titles, add_movie):
    """A resource of more than 1 KB."""
    movie = add_movie()
    add_titles(movie, *(f"Title {number} of this movie in a language" for number in range(40)))
    return request.param.format(movie=movie)


def test_etag_is_weak_if_the_body_is_compressed(client, address):
    plain, compressed = client.get(address), client.get(address, headers=GZIP)
    assert re.fullmatch(r'"[!#-~]+"', plain.headers["ETag"])
    assert compressed.headers["ETag"] == f"W/{plain.headers['ETag']}"


@pytest.mark.parametrize("coding", [{}, GZIP], ids=["identity", "gzip"])
@pytest.mark.parametrize("known", ["{tag}", "W/{tag}", '"other", W/{tag}', "*"])
def test_304_is_sent_for_the_weak_and_the_strong_tag(client, address, coding, known):
    tag = client.get(address).headers["ETag"]
    headers = {**coding, "If-None-Match": known.format(tag=tag)}
    first, again = client.get(address, headers=headers), client.get(address, headers=headers)
    whole = client.get(address, headers=coding)
    stored = client.get(address, headers=headers)
    for response in (first, again, stored):
        assert (response.status_code, response.data) == (304, b"")
        assert not {"Content-Encoding", "Content-Length", "Content-Type"} & set(response.headers.keys())
        for name in ("ETag", "Vary", "Cache-Control"):
            assert response.headers[name] == whole.headers[name]


def test_head_has_the_headers_of_a_compressed_get(client, address):
    for _ in range(2):
        head = client.head(address, headers=GZIP)
        whole = client.get(address, headers=GZIP)
        assert head.data == b""
        for name in ("ETag", "Vary", "Content-Encoding", "Content-Length", "Content-Type"):
            assert head.headers[name] == whole.headers[name]


def test_range_is_ignored(client, address):
    whole = client.get(address, headers=GZIP)
    for coding in ({}, GZIP):
        response = client.get(
            address, headers={**coding, "Range": "bytes=10-20", "If-Range": whole.headers["ETag"]}
        )
        assert response.status_code == 200
        assert "Accept-Ranges" not in response.headers
    assert response.data == whole.data


def test_compressed_response_is_stored_beside_the_plain_one(client, movies):
    stored = client.application.wsgi_app._responses
    plain, compressed = client.get(movies), client.get(movies, headers=GZIP)
    assert [len(each.body) for each in stored.values()] == [len(plain.data), len(compressed.data)]
    for header in ("gzip", "br, gzip", "identity", "br"):
        response = client.get(movies, headers={"Accept-Encoding": header})
        assert response.data == (compressed if "gzip" in header else plain).data
    assert len(stored) == 2


def test_compressed_responses_count_towards_the_size_of_the_cache(client, movies, monkeypatch):
    monkeypatch.setattr(response_cache, "MAX_CACHE_BYTES", 20_000)
    for limit in range(1, 50):
        for coding in ({}, GZIP):
            client.get(f"{movies}?limit={limit}", headers=coding)
    cache = client.application.wsgi_app
    assert cache._bytes == sum(each.get_size(key) for key, each in cache._responses.items())
    assert 0 < cache._bytes <= 20_000


def test_next_compressed_read_shows_a_change(client, member, movies):
    before = client.get(movies, headers=GZIP)
    member.put(f"{movies}/1/rating", json={"value": 8})
    after = client.get(movies, headers={**GZIP, "If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.data != before.data


def test_weak_tag_of_a_compressed_movie_works_as_if_match(admin, add_movie, monkeypatch):
    monkeypatch.setattr(compression, "MAX_UNCOMPRESSED_BYTES", 1)
    path = f"/v1/movies/{add_movie()}"
    tag = admin.get(path, headers=GZIP).headers["ETag"]
    assert tag.startswith('W/"')
    changed = admin.patch(path, json={"title": "New"}, headers={**GZIP, "If-Match": tag})
    assert (changed.status_code, changed.headers["Content-Encoding"]) == (200, "gzip")
    assert admin.patch(path, json={"title": "Old"}, headers={"If-Match": tag}).status_code == 412
    assert (
        admin.patch(path, json={"title": "Old"}, headers={"If-Match": changed.headers["ETag"]}).status_code
        == 200
    )


def test_cors_adds_to_vary(make_app):
    client = make_app(CORS_ORIGINS="https://films.example").test_client()
    for headers in ({}, GZIP, {**GZIP, "Origin": "https://films.example"}):
        vary = client.get("/openapi.json", headers=headers).headers["Vary"]
        assert {name.strip() for name in vary.split(",")} == {"Accept-Encoding", "Origin"}
