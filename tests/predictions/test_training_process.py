"""Training in a process: by command, beside a service, killed, on a full disk; and no numpy in workers."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from filelock import FileLock
from sqlalchemy import update

from movierating.movies.models import Movie
from movierating.operations import prediction_training
from movierating.predictions import model_store
from movierating.predictions.model_file import MODEL_FORMAT
from movierating.predictions.training import reading, run
from movierating.predictions.training_status import read_status
from movierating.storage import database
from movierating.storage.database import write
from predictions import instances

COMMAND = [sys.executable, "-m", "movierating.predictions.training"]


@pytest.fixture
def instance(trained_template, copied, tmp_path):
    """An instance folder with ratings and a model."""
    return copied(trained_template, tmp_path / "instance")


@pytest.fixture
def app(instance, make_app):
    """The application on this instance, in its context."""
    app = make_app()
    with app.app_context():
        yield app


@pytest.mark.usefixtures("app")
def test_ratings_and_facts_are_read():
    whole = reading.read_training_data(database.read())
    assert len(whole.by_user.others) == instances.USERS * 25
    assert len(whole.features) == len(whole.movie_ids)
    assert whole.features[1].genres == ["Comedy"]
    assert (whole.features[1].year, whole.features[1].language) == (1961, "en")


def test_training_follows_from_the_ratings_alone(app, instance):
    path = model_store.get_model_path(instance)
    contents = []
    for _ in range(2):
        instances.train(app)
        contents.append(model_store.open_model(path).get_array("moments").tobytes())
    assert contents[0] == contents[1]


def test_training_continues_from_the_earlier_model(app, instance):
    path = model_store.get_model_path(instance)
    first = model_store.open_model(path)
    instances.train(app, cold=False)
    second = model_store.open_model(path)
    assert second.version != first.version
    assert second.cold_trained_at == first.cold_trained_at
    instances.train(app)
    assert model_store.open_model(path).cold_trained_at > first.cold_trained_at


def read_files(instance):
    """Return the contents of the files of predictions, by their names."""
    return {path.name: path.read_bytes() for path in instance.glob("*predictions-*")}


@pytest.mark.parametrize("write", ["write_people", "write_model"])
def test_earlier_model_and_its_people_stay_if_the_disk_is_full(app, instance, monkeypatch, write):
    before = read_files(instance)
    assert len(before) == 2

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, write, fail)
    with pytest.raises(OSError, match="No space"):
        instances.train(app)
    assert read_files(instance) == before
    assert not read_status(database.read()).is_due()


def test_people_of_the_earlier_model_stay_until_the_next_training(app, instance):
    for _ in range(2):
        earlier = model_store.find_model(database.read())
        (instance / f".predictions-{MODEL_FORMAT}-people-killed.bin.draft").touch()
        instances.train(app)
        model = model_store.find_model(database.read())
        assert model.version != earlier.version
        assert all(model_store.find_people(each) for each in (earlier, model))
        assert len(read_files(instance)) == 3


def test_training_is_due_if_the_people_of_the_model_cannot_be_used(app, instance):
    assert not read_status(database.read()).is_due()
    path = model_store.get_people_path(instance, model_store.find_model(database.read()).version)
    path.write_bytes(path.read_bytes()[:-100])
    assert read_status(database.read()).is_due()
    path.unlink()
    assert read_status(database.read()).is_due()
    instances.train(app)
    assert not read_status(database.read()).is_due()


@pytest.fixture
def command(run, instance):
    """`command("train")` runs `movierating predictions train`."""
    return lambda *arguments, **settings: run("predictions", *arguments, **settings)


def test_command_trains_and_prints_status(command, instance):
    path = model_store.get_model_path(instance)
    path.unlink()
    assert "There is no model.\n" in command("status").stdout
    trained = command("train")
    assert (trained.returncode, trained.stderr) == (0, "")
    assert "on 350 ratings of 14 users" in trained.stdout
    assert "Training is not due." in trained.stdout
    assert command("status").stdout == trained.stdout
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_command_says_why_it_cannot_train(command, instance):
    off = command("train", PREDICTIONS="off")
    assert (off.returncode, off.stderr) == (
        1,
        "Error: Predictions are off; set MOVIERATING_PREDICTIONS to on.\n",
    )
    with FileLock(instance / ".predictions.lock"):
        busy = command("train")
    assert (busy.returncode, busy.stderr) == (
        1,
        "Error: Another process is training; try again when it has finished.\n",
    )


@pytest.mark.usefixtures("app")
def test_training_that_fails_says_why_in_one_line(command):
    write(lambda connection: connection.execute(update(Movie).values(genres="broken")))
    database.close()
    failed = command("train")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.count("\n") == 1
    assert "Traceback" not in failed.stderr
    assert failed.stderr.startswith("Error: JSONDecodeError: ")


def test_training_ends_with_the_process_that_started_it(instance, environ):
    with subprocess.Popen(COMMAND, env=environ(instance), stdin=subprocess.PIPE) as process:
        process.stdin.close()
        assert process.wait(30) == 1


def test_killed_training_leaves_the_earlier_model(instance, environ, command):
    path = model_store.get_model_path(instance)
    before = path.read_bytes()
    with subprocess.Popen(COMMAND, env=environ(instance), stdin=subprocess.PIPE) as process:
        time.sleep(0.5)
        process.kill()
    # A fast machine may have completed it.
    assert path.read_bytes() == before or model_store.open_model(path)
    # What a process that was killed later leaves behind.
    path.with_name(f".{path.name}.draft").write_bytes(b"half")
    assert command("train").returncode == 0
    assert path.read_bytes() != before


def test_training_is_ended_at_its_deadline_and_leaves_the_earlier_model(instance, environ, monkeypatch):
    for name, value in environ(instance).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(prediction_training, "TRAINING_TIMEOUT_SECONDS", 0.2)
    before = read_files(instance)
    exit_code, _ = prediction_training.run_training(instance, threading.Event(), cold=True)
    assert exit_code == -signal.SIGTERM
    assert read_files(instance) == before


def test_training_gives_way_to_other_processes(instance, environ, eventually):
    with subprocess.Popen(COMMAND, env=environ(instance), stdin=subprocess.PIPE) as process:
        own = os.getpriority(os.PRIO_PROCESS, 0)
        eventually(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == min(own + 10, 19))
        process.kill()


def test_service_trains_when_it_is_due(serve, instance, eventually):
    path = model_store.get_model_path(instance)
    path.unlink()
    service = serve(instance)
    eventually(path.exists, seconds=60)
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=30) as response:
        metrics = response.read().decode()
    assert "movierating_prediction_ratings_behind 0.0" in metrics
    assert "movierating_failed_trainings_total 0.0" in metrics
    assert service.stop() == 0
