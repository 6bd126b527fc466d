"""Imports and exports of a running service: size limits, clients that disconnect, and concurrent requests."""

import http.client
import io
import itertools
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

import postgres
from movierating.ratings.bulk import set_ratings
from movierating.storage.database import write
from movierating.users import service as users
from service_process import wait_until

PASSWORD = "correct horse battery"
IMPORT, EXPORT = "/v1/users/me/ratings/import", "/v1/users/me/ratings/export"


class Caller:
    """A user who is signed in at a service."""

    def __init__(self, service, login):
        self.address = service.url.removeprefix("http://")
        self.headers = {}
        body = json.dumps({"login": login, "password": PASSWORD})
        _, response = self.send("POST", "/v1/auth/login", body, **{"Content-Type": "application/json"})
        self.headers = {"Authorization": f"Bearer {json.loads(response)['access_token']}"}

    def send(self, method, path, body=None, **headers):
        """The status and body of an response."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, body, {**self.headers, **headers})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def upload(self, content, pieces=False):
        """The status and JSON of an import; in pieces, the length is not told."""
        boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(content), "x")})
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        status, response = self.send(
            "POST", IMPORT, iter([body[:100], body[100:]]) if pieces else body, **headers
        )
        return status, json.loads(response)

    def upload_body(self, content, pieces=False):
        """The status and JSON of an import whose body is the file."""
        body = iter([content[:10], content[10:]]) if pieces else content
        status, response = self.send("POST", IMPORT, body, **{"Content-Type": "text/csv"})
        return status, json.loads(response)

    def leave(self, path):
        """Ask for something, disconnect when the response begins, and return its first bytes."""
        host, port = self.address.split(":")
        with socket.socket() as client:
            # A larger buffer would take in the whole response.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((host, int(port)))
            client.sendall(
                f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {self.headers['Authorization']}\r\n\r\n".encode()
            )
            return client.recv(100)


@pytest.fixture
def ada(app):
    """The id of an account that can sign in."""
    return users.sign_up("ada", "ada@example.org", PASSWORD, None)["id"]


def test_upload_with_or_without_a_length_may_be_as_large_as_the_limit(ada, serve, tmp_path):
    caller = Caller(serve(tmp_path / "instance", MAX_UPLOAD_BYTES="4096"), "ada")
    for upload, pieces in itertools.product((caller.upload, caller.upload_body), (False, True)):
        assert upload(b"title,value\nEmma,5\n", pieces)[0] == 200
        status, response = upload(b"title,value\n" + b"\n" * 8192, pieces)
        assert (status, response["status"]) == (413, 413)
    for pieces in (False, True):
        limit = b"title,value\nEmma,5\n".ljust(4096, b"\n")
        assert caller.upload_body(limit, pieces)[0] == 200
        assert caller.upload_body(limit + b"\n", pieces)[0] == 413
    assert caller.upload(b"title,value\nEmma,5\n")[1]["unmatched"]


def open_databases(service):
    """How often the service has the database open."""
    if postgres.WANTED:
        with psycopg.connect(postgres.database_of(service.folder)) as connection:
            count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'movierating' AND datname = %s"
            return connection.execute(count, [connection.info.dbname]).fetchone()[0]
    process = service.process
    family = [
        process.pid,
        *map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()),
    ]
    return sum(
        os.path.realpath(file).endswith(".sqlite3") and "metrics" not in os.path.realpath(file)
        for pid in family
        for file in Path(f"/proc/{pid}/fd").iterdir()
    )


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux tells which files are open")
def test_abandoned_downloads_leave_no_database_open(ada, add_many, serve, tmp_path):
    rated = [(movie_id, 5, movie_id) for movie_id in add_many(20_000)]
    write(lambda connection: set_ratings(connection, ada, rated, "newer"))
    service = serve(tmp_path / "instance")
    caller = Caller(service, "ada")
    for _ in range(60):
        # Until the service finds out that earlier clients have left, it may respond 503.
        wait_until(lambda: caller.leave(EXPORT).startswith(b"HTTP/1.1 200"))
    wait_until(lambda: open_databases(service) <= 40)
    responses = []
    wait_until(lambda: responses.append(caller.send("GET", EXPORT)) or responses[-1][0] == 200)
    assert responses[-1][1].count(b"\r\n") == 20_001


def test_others_are_served_while_an_import_runs(ada, add_many, serve, tmp_path):
    users.sign_up("bob", "bob@example.org", PASSWORD, None)
    movies = add_many(5000)
    service = serve(tmp_path / "instance")
    caller, other = Caller(service, "ada"), Caller(service, "bob")
    years = itertools.count(1950)

    def make_file():
        """A file whose ratings are newer than those of the last one."""
        year = next(years)
        lines = [f"tt{9000000 + number},5,{year}-01-01" for number in range(1, 5001)]
        return "\n".join(["imdb_id,value,rated_at", *lines]).encode()

    def count_served():
        with ThreadPoolExecutor(1) as pool:
            running, served = pool.submit(caller.upload, make_file()), 0
            while not running.done():
                assert other.send("GET", "/v1/movies?limit=1")[0] == 200
                served += not running.done()
        status, report = running.result()
        assert (status, report["created"] + report["updated"]) == (200, 5000)
        return served

    # On a busy machine an import may end before its reader gets a turn.
    wait_until(lambda: count_served() > 2)
    rate = json.dumps({"value": 8})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(caller.upload, make_file())
        for movie_id in movies[:5]:
            response = other.send(
                "PUT", f"/v1/movies/{movie_id}/rating", rate, **{"Content-Type": "application/json"}
            )
            assert response[0] == 201
        assert running.result()[1]["updated"] == 5000
