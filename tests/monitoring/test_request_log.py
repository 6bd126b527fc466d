"""The line that each request logs."""

import json
import subprocess
import sys

from movierating.users import service


def test_request_is_logged_as_one_json_object(lines):
    app, read = lines()
    app.test_client().get("/v1/movies/7?secret=1", headers={"X-Request-ID": "abc"})
    (line,) = read()
    assert line.pop("time").endswith("Z")
    assert line.pop("duration_ms") >= 0
    assert line == {
        "level": "info",
        "logger": "movierating",
        "message": "request",
        "request_id": "abc",
        "method": "GET",
        "route": "/v1/movies/<id:movie_id>",
        "user_id": None,
        "status": 404,
    }


def test_request_line_has_the_user_id(lines):
    app, read = lines()
    with app.app_context():
        account = service.sign_up("ada", "ada@example.org", "correct horse battery", None)
    client = app.test_client()
    tokens = client.post("/v1/auth/login", json={"login": "ada", "password": "correct horse battery"}).json
    client.get("/v1/users/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert [line["user_id"] for line in read()] == [None, account["id"]]


def test_path_without_route_is_not_logged(lines):
    app, read = lines()
    app.test_client().get("/nosuch/eyJhbGciOi")
    assert read()[0]["route"] is None


def test_route_is_logged_instead_of_the_token_in_a_path(lines):
    app, read = lines()
    app.test_client().get("/reset/eyJhbGciOi")
    assert read()[0]["route"] == "/reset/<token>"


def test_stored_response_is_logged_with_its_status(lines):
    app, read = lines()
    client = app.test_client()
    etag = client.get("/v1/movies").headers["ETag"]
    client.get("/v1/movies")
    client.get("/v1/movies", headers={"If-None-Match": etag})
    assert [(line["route"], line["status"]) for line in read()] == [
        ("/v1/movies", status) for status in (200, 200, 304)
    ]


def test_requests_are_logged_at_level_info(lines):
    app, read = lines(LOG_LEVEL="WARNING")
    app.test_client().get("/healthz")
    assert read() == []


def test_two_applications_log_a_request_once(lines, make_app):
    app, read = lines()
    make_app(LOG_FORMAT="json", LOG_LEVEL="INFO")
    app.test_client().get("/healthz")
    assert len(read()) == 1


PROGRAM = """
import threading, time
from movierating.monitoring import counters, logs, request_log

def flush_slowly():
    counting.set()
    if threading.current_thread() is not threading.main_thread():
        threading.main_thread().join()

def append():
    request_log.append(logs.RequestRecord(time.time(), "id", "GET", "/healthz", 200, 0.001, None, None))

counting = threading.Event()
counters.FLUSH_INTERVAL_SECONDS, counters.flush = 0, flush_slowly
logs.configure("json", "INFO")
append()
counting.wait()
append()
"""


def test_requests_during_the_last_write_of_counts_are_logged():
    process = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=180)
    assert process.returncode == 0, process.stderr
    assert [json.loads(line)["route"] for line in process.stderr.splitlines()] == ["/healthz"] * 2
