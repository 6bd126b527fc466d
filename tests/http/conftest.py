"""Fixtures of the response cache."""

import pytest


@pytest.fixture
def handled(app, monkeypatch):
    """The paths of the reads that reach the application."""
    paths = []
    inner = app.wsgi_app._application

    def handle(environ, start_response):
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            paths.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    monkeypatch.setattr(app.wsgi_app, "_application", handle)
    return paths
