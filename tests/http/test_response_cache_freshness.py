"""A stored response is returned until a write changes what it shows, by any process, and never after."""

import json
import threading
import urllib.request
from contextlib import contextmanager

import pytest

from movierating.movies import service as movies
from movierating.storage import database


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


@contextmanager
def readers(url, seen, number=4):
    """Read a movie, or a list of one, in threads; `seen` gets pairs of the acknowledged and the returned count."""
    acknowledged, stop = [0], threading.Event()

    def read():
        while not stop.is_set():
            before = acknowledged[0]
            with urllib.request.urlopen(url, timeout=60) as response:
                body = json.load(response)
                movie = body["items"][0] if "items" in body else body
                seen.append((before, movie["ratings"]["count"]))

    threads = [threading.Thread(target=read) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    "path", ["/v1/movies/{movie}", "/v1/movies?q=arrival", "/v1/movies?sort=-count&limit=1"]
)
def test_read_is_never_older_than_an_acknowledged_write_of_another_process(
    serve, instance, app, sign_up, add_movie, eventually, path
):
    movie = add_movie(title="Arrival")
    people = [sign_up() for _ in range(20)]
    services = [serve(instance), serve(instance)]
    seen = []
    with readers(services[0].url + path.format(movie=movie), seen) as acknowledged:
        for number, person in enumerate(people, 1):
            rate = urllib.request.Request(
                f"{services[1].url}/v1/movies/{movie}/rating",
                b'{"value": 8}',
                {**person.headers, "Content-Type": "application/json"},
                method="PUT",
            )
            with urllib.request.urlopen(rate, timeout=60):
                acknowledged[0] = number
            # At least one read begins between two writes, however slow the machine is.
            eventually(lambda number=number: any(before == number for before, _ in seen))
    assert all(service.stop() == 0 for service in services)
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
    for counter in (0, 1):
        versions._mapping.counters[counter] |= 1
    client.get("/v1/movies")
    assert database.get_version(None) is None
    member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8})
    assert database.get_version(None) is not None
