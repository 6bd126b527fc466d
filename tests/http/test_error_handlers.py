"""Errors of any layer become problem details, and failures of the service are logged."""

import json
import logging

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import ImATeapot

from movierating.errors import Unavailable
from movierating.monitoring import logs

SECRET = "the password is hunter2"


@pytest.fixture
def records():
    """The log records of the test."""
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logs.logger.addHandler(handler)
    yield records
    logs.logger.removeHandler(handler)


@pytest.fixture
def failing(app):
    """`failing(error)` returns the response of an operation that raises it."""

    def send(error, **kwargs):
        def fail():
            raise error

        app.add_url_rule("/failing", view_func=fail)
        return app.test_client().get("/failing", **kwargs)

    return send


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1", "/v1/", "/v1/nowhere", "/%00", "/v1/movies/%2e%2e", "/static/../x"]
)
def test_unknown_path_returns_404_that_does_not_repeat_it(client, problem, path):
    assert path not in problem(client.get(path), 404)["detail"]


def test_internal_error_is_logged_and_the_client_gets_only_its_request_id(failing, problem, records):
    body = problem(failing(ZeroDivisionError(SECRET), headers={"X-Request-ID": "mine"}), 500)
    assert SECRET not in json.dumps(body)
    assert "ZeroDivision" not in json.dumps(body)
    assert body["request_id"] == "mine"
    [failure] = [record for record in records if record.exc_info]
    line = json.loads(logs.JsonFormatter().format(failure))
    assert "ZeroDivisionError" in line["traceback"]
    assert line["request_id"] == "mine"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (IntegrityError("SELECT", {}, Exception(SECRET)), 500),
        (OperationalError("SELECT", {}, Exception(SECRET)), 503),
        (Unavailable("Not ready."), 503),
        (ImATeapot(), 418),
    ],
)
def test_error_of_any_layer_becomes_problem_details(failing, problem, error, status):
    response = failing(error)
    assert SECRET not in problem(response, status)["detail"]
    assert ("Retry-After" in response.headers) == (status == 503)


def test_401_names_the_scheme(client, problem):
    response = client.get("/v1/users/me")
    problem(response, 401)
    assert response.headers["WWW-Authenticate"] == "Bearer"
