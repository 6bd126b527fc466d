"""Training beside the service: failures are counted, logged and retried later."""

import threading

import pytest

from movierating.monitoring import counters
from movierating.operations import prediction_training
from movierating.predictions.training_status import BUSY
from movierating.storage import database
from movierating.storage.sqlite.instance_lock import InstanceLock, LockHeld

FAILED = (counters.FAILED_TRAININGS,)


@pytest.fixture
def train(app, tmp_path, monkeypatch):
    """`train(1, "no space")` runs a training that ends so, and returns the seconds to wait after it."""

    def run(exit_code, message="", stopped=False):
        stopping = threading.Event()
        if stopped:
            stopping.set()
        monkeypatch.setattr(prediction_training, "run_training", lambda *_: (exit_code, message))
        return prediction_training._train(tmp_path, stopping)

    return run


@pytest.mark.parametrize("exit_code", [1, -9])
def test_failed_training_is_counted_logged_and_retried_later(train, caplog, exit_code):
    before = counters.read_totals().get(FAILED, 0)
    assert train(exit_code, "no space") == prediction_training.RETRY_INTERVAL_SECONDS
    assert counters.read_totals()[FAILED] == before + 1
    assert [record.fields for record in caplog.records] == [{"exit_code": exit_code, "reason": "no space"}]


@pytest.mark.parametrize("end", [{"exit_code": 0}, {"exit_code": BUSY}, {"exit_code": -15, "stopped": True}])
def test_success_another_training_and_the_end_of_the_service_are_not_counted_as_failures(train, end):
    before = counters.read_totals().get(FAILED, 0)
    assert train(**end) < prediction_training.RETRY_INTERVAL_SECONDS
    assert counters.read_totals().get(FAILED, 0) == before


def test_training_continues_after_an_unexpected_error(app, monkeypatch, caplog):
    checks = []

    def fail(_):
        checks.append(None)
        raise KeyError("cold_trained_at")

    class Stopping(threading.Event):
        def wait(self, _):
            return len(checks) == 2

    monkeypatch.setattr(prediction_training, "_is_due", fail)
    prediction_training._run(app, Stopping())
    assert [record.fields["reason"] for record in caplog.records] == ["KeyError: 'cold_trained_at'"] * 2


def test_nothing_is_due_without_ratings(app):
    assert not prediction_training._is_due(app)


@pytest.mark.sqlite
def test_check_whether_a_training_is_due_does_not_unlock_the_instance(app):
    database.hold_instance()
    prediction_training._is_due(app)
    with pytest.raises(LockHeld):
        InstanceLock(database.get_sqlite_file(), exclusive=True)
