"""The end of a worker that is idle after SIGTERM."""

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.any_database]

PROGRAM = """
import os, signal, time
from movierating.monitoring import logs, request_log
from movierating.operations.draining import DrainingApplication

request_log.FLUSH_INTERVAL_SECONDS = 60.0
logs.configure("json", "INFO")
signal.signal(signal.SIGTERM, lambda *_: None)
DrainingApplication(lambda environ, start_response: [])
request_log.append(logs.RequestRecord(time.time(), "id", "GET", "/healthz", 200, 0.001, None, None))
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(600)
"""


def test_requests_that_wait_to_be_logged_are_logged_before_the_exit():
    process = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=180)
    assert process.returncode == 0, process.stderr
    assert [json.loads(line)["route"] for line in process.stderr.splitlines()] == ["/healthz"]
