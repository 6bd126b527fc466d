"""Log lines: their format, and secrets that are never logged."""

import json
import logging
import sys
import warnings

import pytest
from sqlalchemy import insert

from movierating.auth import password_resets
from movierating.auth.models import User
from movierating.storage.database import write
from movierating.users import service

SECRETS = ["correct horse battery", "wrong horse battery", "ada@example.org", "eyJ", "mr_"]


def test_failure_logs_traceback_and_returns_only_its_id(lines):
    app, read = lines(LOG_LEVEL="ERROR")
    app.add_url_rule("/broken", view_func=lambda: {}["a detail of ours"])
    response = app.test_client().get("/broken")
    (line,) = read()
    assert (line["level"], line["message"], line["route"]) == ("error", "failure", "/broken")
    assert "a detail of ours" in line["traceback"]
    assert response.status_code == 500
    assert response.json["request_id"] == line["request_id"]
    assert "a detail of ours" not in response.text


def test_database_parameters_are_not_logged(lines):
    app, read = lines()
    row = {"username": "lovelace", "email": "lovelace@example.org"}
    app.add_url_rule(
        "/broken", view_func=lambda: write(lambda connection: connection.execute(insert(User), row))
    )
    assert app.test_client().get("/broken").status_code == 500
    failure, _ = read()
    assert "IntegrityError" in failure["traceback"]
    assert "lovelace" not in json.dumps(failure)


def send_one_time_links(app):
    """Create and use one-time links, also wrongly; return their tokens and the passwords."""
    client, password = app.test_client(), "correct horse battery"
    with app.app_context():
        account = service.sign_up("ada", "ada@example.org", password, None, "admin")
    tokens = client.post("/v1/auth/login", json={"login": "ada", "password": password}).json
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    invitation = client.post("/v1/invitations", headers=bearer).json["token"]
    reset = client.post(f"/v1/users/{account['id']}/password-reset", headers=bearer).json["token"]
    for token in (invitation, reset):
        for path in (
            f"/invite/{token}",
            f"/reset/{token}",
            f"/v1/invitations/{token}",
            f"/v1/movies?q={token}",
        ):
            client.get(path)
        new = {"username": "eve", "email": "eve@example.org", "password": password, "invitation": token}
        client.post("/v1/users", json={**new, "username": "ada"})
        client.post("/v1/users", json=new)
        client.post("/v1/auth/password-reset", json={"token": token, "password": "short"})
        client.post("/v1/auth/password-reset", json={"token": token, "password": "another horse battery"})
        client.post("/v1/auth/password-reset", data=token, content_type="application/json")
    return [invitation, reset, password, "another horse battery"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_token_of_a_link_is_ever_logged(lines, log, log_format):
    app, _ = lines(LOG_LEVEL="DEBUG", LOG_FORMAT=log_format)
    secrets = send_one_time_links(app)
    text = log()
    assert "route=/v1/auth/password-reset" in text or '"route":"/v1/auth/password-reset"' in text
    assert [secret for secret in secrets if secret in text] == []


def test_traceback_of_a_failed_use_of_a_link_contains_no_token(lines, log, monkeypatch):
    app, _ = lines(LOG_LEVEL="DEBUG")

    def fail(connection, user_id):
        connection.exec_driver_sql("SELECT no_such_column")

    monkeypatch.setattr(password_resets, "revoke_all", fail)
    secrets = send_one_time_links(app)
    text = log()
    assert "no_such_column" in text
    assert [secret for secret in secrets if secret in text] == []


def send_secrets(client):
    """Send requests with secrets; some fail."""
    account = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}
    client.post("/v1/users", json=account)
    client.post("/v1/users", json=account)
    client.post("/v1/users", json={**account, "email": "ada@example.org ada@example.org"})
    client.post("/v1/auth/login", json={"login": "ada@example.org", "password": "wrong horse battery"})
    client.post(
        "/v1/auth/login", data="ada@example.org correct horse battery", content_type="application/json"
    )
    tokens = client.post(
        "/v1/auth/login", json={"login": "ada@example.org", "password": account["password"]}
    ).json
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    personal = client.post(
        "/v1/auth/tokens", json={"name": "ada@example.org", "scope": "read"}, headers=bearer
    )
    client.get("/v1/users/me", headers={"Authorization": f"Bearer {personal.json['token']}"})
    client.get("/v1/users?q=ada@example.org", headers=bearer)
    client.get(f"/v1/movies?access_token={tokens['access_token']}")
    client.get("/ada@example.org/mr_abc")
    client.get("/v1/movies", headers={"X-Request-ID": "ada@example.org", "Cookie": tokens["refresh_token"]})
    client.post("/v1/auth/refresh", headers={"Authorization": f"Bearer {tokens['refresh_token']}"})
    client.post("/v1/auth/refresh", headers={"Authorization": f"Bearer {tokens['refresh_token']}"})
    client.patch(
        "/v1/users/me",
        json={"password": account["password"], "current_password": "wrong horse battery"},
        headers=bearer,
    )


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("limited", ["true", "false"])
def test_no_password_token_or_email_is_ever_logged(lines, log, log_format, limited):
    app, _ = lines(LOG_LEVEL="DEBUG", LOG_FORMAT=log_format, RATELIMIT_ENABLED=limited)
    send_secrets(app.test_client())
    text = log()
    assert len(text.splitlines()) >= 15
    assert [secret for secret in SECRETS if secret in text] == []


def test_lines_on_a_terminal_are_text(log, make_app, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    make_app(LOG_LEVEL="INFO").test_client().get("/healthz", headers={"X-Request-ID": "abc"})
    (line,) = log().splitlines()
    assert " INFO    request request_id=abc method=GET route=/healthz status=200 duration_ms=" in line
    assert "user_id" not in line


def test_lines_in_a_pipe_are_json(log, make_app):
    make_app(LOG_LEVEL="INFO").test_client().get("/healthz")
    assert json.loads(log())["route"] == "/healthz"


def test_traceback_on_a_terminal_is_text(log, make_app):
    app = make_app(LOG_FORMAT="console")
    app.add_url_rule("/broken", view_func=lambda: 1 / 0)
    app.test_client().get("/broken")
    assert "ZeroDivisionError: division by zero" in log().splitlines()[-1]


def test_logs_of_libraries_are_json(lines):
    _, read = lines()
    logging.getLogger("_granian").error("worker\nis gone")
    logging.getLogger("_granian").info("chatter")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("mind the gap", stacklevel=1)
    first, second = read()
    assert (first["logger"], first["message"]) == ("_granian", "worker\nis gone")
    assert "mind the gap" in second["message"]


def test_development_server_logs_no_query(lines):
    _, read = lines()
    logging.getLogger("werkzeug").warning('127.0.0.1 - - [now] "GET /v1/users?q=ada@example.org" 200')
    logging.getLogger("werkzeug").warning(" * Running on http://127.0.0.1:5000")
    assert [line["message"] for line in read()] == [" * Running on http://127.0.0.1:5000"]
