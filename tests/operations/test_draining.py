"""The end of a worker that is idle after SIGTERM."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from movierating.operations.draining import IDLE_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.any_database]

PROGRAM = """
import os, signal, time
from pathlib import Path
from movierating.monitoring import counters, logs, request_log
from movierating.operations.draining import DrainingApplication

request_log.FLUSH_INTERVAL_SECONDS = 60.0
counters.set_file(Path("metrics.sqlite3"))
logs.configure("json", "INFO")
signal.signal(signal.SIGTERM, lambda *_: None)
DrainingApplication(lambda environ, start_response: [])
request_log.append(logs.RequestRecord(time.time(), "id", "GET", "/healthz", 200, 0.001, None, None))
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(600)
"""


def test_requests_that_wait_to_be_logged_are_logged_and_counted_before_the_exit(tmp_path):
    command = [sys.executable, "-c", PROGRAM]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180)
    assert process.returncode == 0, process.stderr
    assert [json.loads(line)["route"] for line in process.stderr.splitlines()] == ["/healthz"]
    with closing(sqlite3.connect(tmp_path / "metrics.sqlite3")) as metrics:
        counts = dict(metrics.execute("SELECT key, total FROM counts WHERE key LIKE '%/healthz%'"))
    assert 1 in counts.values()


MISSED_SIGNAL_PROGRAM = """
import signal, threading
from movierating.operations.draining import DrainingApplication

handled = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: handled.set())
with_request_in_progress = DrainingApplication(lambda environ, start_response: iter([b""]))
response = with_request_in_progress({}, None)

def signal_this_thread():
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

# Python notes the signal, and the main thread goes on waiting.
threading.Timer(0.5, signal_this_thread).start()
handled.wait()
print("handled")
"""


def test_server_handles_a_sigterm_that_did_not_interrupt_the_main_thread():
    command = [sys.executable, "-c", MISSED_SIGNAL_PROGRAM]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (process.returncode, process.stdout) == (0, "handled\n"), process.stderr


STALLED_PROGRAM = """
import os, signal, time
from movierating.operations.draining import DrainingApplication

signal.signal(signal.SIGTERM, lambda *_: None)
DrainingApplication(lambda environ, start_response: [])
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(0.5)
os.kill(os.getpid(), signal.SIGSTOP)
# Meanwhile a worker receives what clients sent while it was stopped.
time.sleep(0.3)
print("continued", flush=True)
time.sleep(600)
"""


def test_worker_that_was_stopped_does_not_count_this_time_as_idle():
    command = [sys.executable, "-c", STALLED_PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        time.sleep(2 * IDLE_SECONDS)
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "continued\n")
