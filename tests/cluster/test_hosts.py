"""Two hosts with one PostgreSQL and one Redis behave as one service."""

import itertools
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

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
def signed_in(cluster, ids, client_of):
    """`signed_in("ada", 1)` is a client of the second host, of a user who has logged in at the first."""
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


def test_logout_on_one_host_ends_the_session_on_the_other(cluster, signed_in, client_of):
    here = signed_in("ada")
    there = at(client_of, cluster[1], here)
    assert there.send("GET", "/v1/users/me").status == 200
    assert here.send("POST", "/v1/auth/logout").status == 204
    assert there.send("GET", "/v1/users/me").status == 401


def test_token_revoked_on_one_host_is_rejected_by_the_other(signed_in, cluster, client_of):
    ada = signed_in("ada")
    for _ in range(5):
        made = ada.send("POST", "/v1/auth/tokens", {"name": "x", "scope": "read"}).body
        script = client_of(cluster[1], Authorization=f"Bearer {made['token']}")
        assert script.send("GET", "/v1/users/me").status == 200
        assert ada.send("DELETE", f"/v1/auth/tokens/{made['id']}").status == 204
        assert script.send("GET", "/v1/users/me").status == 401


def test_reads_show_what_the_other_host_has_acknowledged(cluster, signed_in, ids, names, client_of):
    """Readers use one host while at the other all users rate one movie, and one user rates many."""
    hot, many = ids[-1], ids[:-1]
    people, ada = [signed_in(name) for name in names], signed_in("ada")
    user_id = ada.send("GET", "/v1/users/me").body["id"]
    acknowledged, ended, stale, reads = Counter(), threading.Event(), [], Counter()

    def counts(body):
        return body["ratings"]["count"]

    watched = [
        ("movie", f"/v1/movies/{hot}", counts),
        ("movie", "/v1/movies?sort=-count&limit=1", lambda body: counts(body["items"][0])),
        ("movie", f"/v1/movies/{hot}/ratings?limit=50", lambda body: len(body["items"])),
        ("person", f"/v1/users/{user_id}", counts),
        ("person", f"/v1/users/{user_id}/ratings?limit=50", lambda body: len(body["items"])),
    ]

    def read(number):
        client = client_of(cluster[1])
        for kind, path, count in itertools.islice(itertools.cycle(watched), number, None):
            if ended.is_set():
                return
            before = acknowledged[kind]
            seen = count(client.send("GET", path).body)
            reads[path] += 1
            if seen < before:
                stale.append((path, before, seen))

    assert people[0].rate(hot, 5).status == 201
    acknowledged["movie"] = 1
    with ThreadPoolExecutor(6) as threads:
        reading = [threads.submit(read, number) for number in range(6)]
        for number, movie_id in enumerate(many, 1):
            assert ada.rate(movie_id, 5).status == 201
            acknowledged["person"] = number
            if number < len(people):
                assert people[number].rate(hot, 5).status == 201
                acknowledged["movie"] = number + 1
        ended.set()
    assert [each.result() for each in reading] == [None] * 6
    assert stale == []
    assert len(reads) == len(watched)
    assert acknowledged == {"movie": ACCOUNTS, "person": MOVIES}


def test_concurrent_writes_on_both_hosts_cause_no_server_error(
    cluster, signed_in, ids, names, client_of, folder, unsound
):
    """Clients rate, send lists, upload files, and delete movies and an account: no response is an unexpected error."""
    people = [signed_in(name) for name in names]
    start = threading.Barrier(WRITERS + 4)
    file = "title,year,value\n" + "".join(
        f"Movie {number},2000,{1 + number % 10}\n" for number in range(MOVIES)
    )

    def rate(number):
        client = at(client_of, cluster[number % 2], people[number % ACCOUNTS])
        start.wait()
        return [client.rate(ids[(number + turn) % MOVIES], 1 + turn % 19 / 2).status for turn in range(TURNS)]

    def send_lists():
        client = signed_in("lister", 1)
        start.wait()
        lists = [
            [{"movie_id": each, "value": 1 + turn} for each in ids[:MOVIES][:: 1 - turn % 2 * 2]]
            for turn in range(8)
        ]
        return [client.send("POST", "/v1/users/me/ratings", {"ratings": each}).status for each in lists]

    def upload():
        client = signed_in("importer")
        start.wait()
        return [client.upload(file.encode(), "on_conflict=replace").status for _ in range(4)]

    def remove_movies():
        boss = signed_in("boss", 1)
        start.wait()
        paths = [f"/v1/movies/{movie_id}?with_ratings=true" for movie_id in ids[:3]]
        return [boss.send("DELETE", path, **{"If-Match": "*"}).status for path in paths]

    def delete_account():
        leaver = signed_in("leaver")
        for movie_id in ids:
            leaver.rate(movie_id, 7)
        start.wait()
        return [leaver.send("POST", "/v1/users/me/delete", {"current_password": PASSWORD}).status]

    with ThreadPoolExecutor(WRITERS + 4) as threads:
        others = {
            work.__name__: threads.submit(work)
            for work in (send_lists, upload, remove_movies, delete_account)
        }
        rating = [threads.submit(rate, number) for number in range(WRITERS)]
        statuses = Counter(itertools.chain.from_iterable(each.result() for each in rating))
        others = {name: set(work.result()) for name, work in others.items()}
    assert set(statuses) <= {200, 201, 404}
    assert others["send_lists"] <= {200, 422}
    # An upload whose movies are deleted while they are matched gets 503.
    assert 200 in others["upload"] <= {200, 503}
    assert (others["remove_movies"], others["delete_account"]) == ({204}, {204})
    assert unsound(folder) == []


def test_host_without_network_returns_503_and_recovers(
    cluster, machines, signed_in, ids, client_of, eventually
):
    if isinstance(machines[0], network.SameMachine):
        pytest.skip("this user may make no network namespaces")
    ada = signed_in("ada")
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
