"""A worker ends after SIGTERM, whatever its main thread does."""

import signal
import subprocess
import sys

import pytest

from movierating.operations.draining import BLOCKED_SECONDS, IDLE_SECONDS

END_SECONDS = 8 * (BLOCKED_SECONDS + IDLE_SECONDS)

WORKER = """
import ctypes, os, signal, time
from movierating.operations.draining import DrainingApplication

def respond(environ, start_response):
    return [time.sleep(4) or b"complete"]

application = DrainingApplication(respond)
signal.signal(signal.SIGTERM, lambda *_: None)
os.kill(os.getpid(), signal.SIGTERM)
# As Granian does, let other threads run before it ends.
time.sleep(0.1)
"""
HANG = "while True: time.sleep(1)"
# PyDLL calls C functions without releasing the interpreter lock, so that no other thread of Python runs.
HANG_WITH_LOCK = "ctypes.PyDLL(None).sleep(60)"
# The thread that ends the process runs no more when Python has begun to end.
HANG_AT_EXIT = "class Hang:\n    def __del__(self, sleep=time.sleep): sleep(60)\nos.hang = Hang()"
LONG_REQUEST = "print(application({}, None)[0].decode(), flush=True)"


def run_worker(ending):
    command = [sys.executable, "-c", f"{WORKER}{ending}"]
    return subprocess.run(command, timeout=END_SECONDS, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("ending", "code"),
    [(HANG, 0), (HANG_WITH_LOCK, -signal.SIGALRM), (HANG_AT_EXIT, -signal.SIGALRM)],
    ids=["waits", "holds the interpreter lock", "hangs at exit"],
)
def test_worker_that_hangs_after_sigterm_ends(ending, code):
    assert run_worker(ending).returncode == code


def test_request_that_takes_longer_than_the_timer_is_completed():
    assert run_worker(LONG_REQUEST).stdout == "complete\n"
