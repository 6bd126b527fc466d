"""Two hosts with one PostgreSQL and one Redis behave as one service."""

import itertools
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

import network

PASSWORD = "correct horse battery"
WRITERS, TURNS, ACCOUNTS, MOVIES = 64, 15, 16, 20


@pytest.fixture(scope="module")
def folder(cluster):
    return cluster[0].folder


@pytest.fixture(scope="module")
def names():
    return [f"person{number}" for number in range(ACCOUNTS)]


@pytest.fixture(scope="module")
def ids(folder, populate, names, environ):
    ids = populate(folder, *names, "ada", "leaver", "importer", "lister", "boss", count=MOVIES + 1)
    command = [sys.executable, "-m", "movierating", "user", "promote", "boss"]
    subprocess.run(command, env=environ(folder), check=True, stdout=subprocess.DEVNULL)
    return ids


@pytest.fixture
def logged_in(cluster, ids, client_of):
    """`logged_in("ada", 1)` is a client of the second host, of a user who has logged in at the first."""
    numbers = itertools.count(1)

    def make(name, host=0):
        # So many logins are made from one address alone.
        elsewhere = {"X-Forwarded-For": f"192.0.2.{next(numbers)}"}
        at_first = client_of(cluster[0], name, **elsewhere)
        return client_of(cluster[host], **at_first.headers)

    return make


def at(client_of, service, client):
    """Return a client of the same user at another host."""
    return client_of(service, **client.headers)


def test_logout_on_one_host_ends_the_session_on_the_other(cluster, logged_in, client_of):
    here = logged_in("ada")
    there = at(client_of, cluster[1], here)
    assert there.send("GET", "/v1/users/me").status == 200
    assert here.send("POST", "/v1/auth/logout").status == 204
    assert there.send("GET", "/v1/users/me").status == 401


def test_token_revoked_on_one_host_is_rejected_by_the_other(logged_in, cluster, client_of):
    ada = logged_in("ada")
    for _ in range(5):
        made = ada.send("POST", "/v1/auth/tokens", {"name": "x", "scope": "read"}).body
        script = client_of(cluster[1], Authorization=f"Bearer {made['token']}")
        assert script.send("GET", "/v1/users/me").status == 200
        assert ada.send("DELETE", f"/v1/auth/tokens/{made['id']}").status == 204
        assert script.send("GET", "/v1/users/me").status == 401


def count_ratings(body):
    return body["ratings"]["count"]


def read_in_turn(client, addresses, acknowledged, ended):
    """Read addresses until `ended`; return the number of reads of each, and those that show too few ratings.

    An address is a kind, a path and a function of the body that counts ratings: at least as many must be shown as were
    `acknowledged` before the request, by the kind.
    """
    reads, stale, in_turn = Counter(), [], itertools.cycle(addresses)
    while not ended.is_set():
        kind, path, count = next(in_turn)
        before = acknowledged[kind]
        seen = count(client.send("GET", path).body)
        reads[path] += 1
        if seen < before:
            stale.append((path, before, seen))
    return reads, stale


def rate_by_turns(hot, many, people, ada, acknowledged):
    """Ada rates many movies, and between them all people one; count what the service has acknowledged."""
    for number, movie_id in enumerate(many, 1):
        assert ada.rate(movie_id, 5).status == 201
        acknowledged["person"] = number
        if number < len(people):
            assert people[number].rate(hot, 5).status == 201
            acknowledged["movie"] = number + 1


def test_reads_show_what_the_other_host_has_acknowledged(cluster, logged_in, ids, names, client_of):
    hot, many = ids[-1], ids[:-1]
    people, ada = [logged_in(name) for name in names], logged_in("ada")
    user_id = ada.send("GET", "/v1/users/me").body["id"]
    addresses = [
        ("movie", f"/v1/movies/{hot}", count_ratings),
        ("movie", "/v1/movies?sort=-count&limit=1", lambda body: count_ratings(body["items"][0])),
        ("movie", f"/v1/movies/{hot}/ratings?limit=50", lambda body: len(body["items"])),
        ("person", f"/v1/users/{user_id}", count_ratings),
        ("person", f"/v1/users/{user_id}/ratings?limit=50", lambda body: len(body["items"])),
    ]
    assert people[0].rate(hot, 5).status == 201
    acknowledged, ended = Counter(movie=1), threading.Event()
    with ThreadPoolExecutor(6) as threads:
        reading = [
            threads.submit(
                read_in_turn, client_of(cluster[1]), addresses[n:] + addresses[:n], acknowledged, ended
            )
            for n in range(6)
        ]
        try:
            rate_by_turns(hot, many, people, ada, acknowledged)
        finally:
            ended.set()
    results = [each.result() for each in reading]
    assert [stale for _, stale in results] == [[]] * 6
    assert set().union(*(reads for reads, _ in results)) == {path for _, path, _ in addresses}
    assert acknowledged == {"movie": ACCOUNTS, "person": MOVIES}


def rate_movies(client, ids, first):
    """Rate one movie after another from the one at `first`; return the statuses."""
    return {client.rate(ids[(first + turn) % MOVIES], 1 + turn % 19 / 2).status for turn in range(TURNS)}


def send_lists(client, ids):
    """Rate all movies in a list, eight times in alternating order; return the statuses."""
    lists = [
        [{"movie_id": each, "value": 1 + turn} for each in ids[:MOVIES][:: 1 - turn % 2 * 2]]
        for turn in range(8)
    ]
    return {client.send("POST", "/v1/users/me/ratings", {"ratings": each}).status for each in lists}


def upload_files(client):
    """Upload ratings of all movies four times; return the statuses."""
    rows = [f"Movie {number},2000,{1 + number % 10}\n" for number in range(MOVIES)]
    file = ("title,year,value\n" + "".join(rows)).encode()
    return {client.upload(file, "on_conflict=replace").status for _ in range(4)}


def delete_movies(client, ids):
    """Delete three movies with their ratings; return the statuses."""
    paths = [f"/v1/movies/{movie_id}?with_ratings=true" for movie_id in ids[:3]]
    return {client.send("DELETE", path, **{"If-Match": "*"}).status for path in paths}


def delete_account(client):
    """Delete the client's account; return the status."""
    return {client.send("POST", "/v1/users/me/delete", {"current_password": PASSWORD}).status}


def run_at_once(*calls):
    """Run each call in a thread of its own, all at the same time; return their results."""
    barrier = threading.Barrier(len(calls))

    def start(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(start, calls))


def test_concurrent_writes_on_both_hosts_cause_no_server_error(
    cluster, logged_in, ids, names, client_of, folder, unsound
):
    """Clients rate, send lists, upload files, and delete movies and an account: no response is an unexpected error."""
    people = [logged_in(name) for name in names]
    leaver = logged_in("leaver")
    for movie_id in ids:
        leaver.rate(movie_id, 7)
    raters = [at(client_of, cluster[number % 2], people[number % ACCOUNTS]) for number in range(WRITERS)]
    listed, uploaded, deleted, closed, *rated = run_at_once(
        partial(send_lists, logged_in("lister", 1), ids),
        partial(upload_files, logged_in("importer")),
        partial(delete_movies, logged_in("boss", 1), ids),
        partial(delete_account, leaver),
        *(partial(rate_movies, client, ids, number) for number, client in enumerate(raters)),
    )
    assert set().union(*rated) <= {200, 201, 404}
    assert listed <= {200, 422}
    # An upload whose movies are deleted while they are matched gets 503.
    assert 200 in uploaded <= {200, 503}
    assert (deleted, closed) == ({204}, {204})
    assert unsound(folder) == []


def test_host_without_network_returns_503_and_recovers(
    cluster, machines, logged_in, ids, client_of, eventually
):
    if isinstance(machines[0], network.SameMachine):
        pytest.skip("this user may make no network namespaces")
    ada = logged_in("ada")
    there = at(client_of, cluster[1], ada)
    with machines[0].cut_off(), ThreadPoolExecutor(12) as threads:
        clients = [ada.again() for _ in range(12)]
        cut = [threads.submit(client.rate, ids[-3], 4) for client in clients]
        assert there.rate(ids[-3], 6).status in (200, 201)
        assert {each.result().status for each in cut} == {503}
        assert there.rate(ids[-3], 7).status == 200
    eventually(lambda: ada.send("GET", "/readyz").status == 200)
    assert (ada.rating_of(ids[-3]), ada.rate(ids[-3], 8).status) == (7, 200)
    for client in clients:
        client.close()
