"""Fixtures of the log."""

import json
import logging

import pytest

from movierating.monitoring import logs, request_log


@pytest.fixture
def log(capsys):
    """`log()` returns the text that was logged since its last call. After a test, logging is as before."""
    root = logging.getLogger()
    handlers, level = root.handlers, logs.logger.level

    def read():
        request_log.flush()
        return capsys.readouterr().err

    yield read
    root.handlers = handlers
    logs.logger.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def lines(log, make_app):
    """`lines(LOG_LEVEL="INFO")` returns an application that logs JSON, and a function that reads its log."""

    def make(**settings):
        app = make_app(**{"LOG_FORMAT": "json", "LOG_LEVEL": "INFO", **settings})
        return app, lambda: [json.loads(line) for line in log().splitlines()]

    return make
