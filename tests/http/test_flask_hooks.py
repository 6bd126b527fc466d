"""Flask's extension points work as Flask documents them: hooks, signals, teardown functions."""

from contextlib import contextmanager

import pytest
from flask import Blueprint, after_this_request, g
from flask.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)

from movierating.http.application import Application
from movierating.storage.database import db

pytestmark = pytest.mark.any_database

SIGNALS = {
    "appcontext_pushed": appcontext_pushed,
    "request_started": request_started,
    "request_finished": request_finished,
    "request_tearing_down": request_tearing_down,
    "appcontext_tearing_down": appcontext_tearing_down,
    "appcontext_popped": appcontext_popped,
}


@pytest.fixture
def app(make_app):
    """An application whose context isn't active yet."""
    return make_app()


@pytest.fixture
def calls():
    """The names of the hooks that ran, in order."""
    return []


@pytest.fixture
def plugin(calls):
    """A blueprint with hooks of its own, and views at `/plugin/…`."""
    blueprint = Blueprint("plugin", __name__, url_prefix="/plugin")

    @blueprint.url_value_preprocessor
    def take_number(endpoint, values):
        calls.append("url_value_preprocessor")
        g.number = values.pop("number", None)

    @blueprint.before_request
    def before():
        calls.append("before_request")

    @blueprint.after_request
    def after(response):
        calls.append("after_request")
        response.headers["X-Plugin"] = "yes"
        return response

    @blueprint.teardown_request
    def teardown(error):
        calls.append("teardown_request")

    @blueprint.get("/<int:number>")
    def show():
        return str(g.number)

    @blueprint.get("/failure")
    def fail():
        raise ZeroDivisionError

    return blueprint


@contextmanager
def connected(signal, receiver):
    """Connect `receiver` to `signal` until the end of the block."""
    signal.connect(receiver)
    yield
    signal.disconnect(receiver)


def test_hooks_of_a_blueprint_run_for_its_requests_only(app, plugin, calls):
    app.register_blueprint(plugin)
    client = app.test_client()
    assert client.get("/v1/movies").status_code == 200
    assert calls == []
    response = client.get("/plugin/7")
    assert (response.text, response.headers["X-Plugin"]) == ("7", "yes")
    assert calls == ["url_value_preprocessor", "before_request", "after_request", "teardown_request"]


def test_a_blueprint_may_respond_before_the_request(app, plugin):
    plugin.before_request(lambda: ("stopped", 418))
    app.register_blueprint(plugin)
    assert app.test_client().get("/plugin/7").status_code == 418


def test_hooks_of_the_application_run_for_every_request(app, calls):
    app.before_request(lambda: calls.append("before_request"))
    app.after_request(lambda response: calls.append("after_request") or response)
    app.teardown_request(lambda _: calls.append("teardown_request"))
    app.teardown_appcontext(lambda _: calls.append("teardown_appcontext"))
    app.url_value_preprocessor(lambda endpoint, values: calls.append("url_value_preprocessor"))
    for method, path in (("GET", "/v1/users/me"), ("POST", "/v1/users")):
        app.test_client().open(path, method=method)
        assert calls == [
            "url_value_preprocessor",
            "before_request",
            "after_request",
            "teardown_request",
            "teardown_appcontext",
        ]
        calls.clear()


def test_after_this_request_runs_once(app):
    @app.get("/marked")
    def mark():
        @after_this_request
        def add_header(response):
            response.headers["X-Marked"] = "yes"
            return response

        return "marked"

    assert app.test_client().get("/marked").headers["X-Marked"] == "yes"
    assert "X-Marked" not in app.test_client().get("/healthz").headers


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_with_a_receiver_is_sent(app, name):
    received = []

    def receive(sender, **values):
        received.append(sender)

    with connected(SIGNALS[name], receive):
        app.test_client().get("/livez")
    assert received == [app]


def test_an_unhandled_exception_sends_a_signal_and_gets_500(app, plugin, problem):
    received = []

    def receive(sender, exception, **values):
        received.append(type(exception))

    app.register_blueprint(plugin)
    with connected(got_request_exception, receive):
        problem(app.test_client().get("/plugin/failure"), 500)
    assert received == [ZeroDivisionError]


def test_the_application_context_removes_the_session_of_the_database(app):
    assert any(function == db._teardown_session for function in app.teardown_appcontext_funcs)


def test_a_subclass_may_override_ensure_sync():
    class Subclass(Application):
        def ensure_sync(self, func):
            return lambda: func() + " wrapped"

    app = Subclass("test")
    app.add_url_rule("/", view_func=lambda: "view")
    assert app.test_client().get("/").text == "view wrapped"
