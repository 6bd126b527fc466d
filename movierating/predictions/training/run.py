"""One training: read the ratings, fit the model, replace the files."""

import secrets
import time
from pathlib import Path
from typing import Any

from movierating import clock
from movierating.predictions.model_file import ModelFile, write_model
from movierating.predictions.model_store import (
    get_model_path,
    get_people_path,
    identify_database,
    remove_other_people,
)
from movierating.predictions.nearest_people import write_people
from movierating.predictions.training.fitting import train
from movierating.predictions.training.reading import read_training_data
from movierating.predictions.training.result import TrainedModel
from movierating.predictions.training_status import MIN_USERS, read_status
from movierating.storage import database


class TrainingError(Exception):
    """There is too little to train on; the message is one line."""


def train_instance(instance: Path, *, cold: bool) -> None:
    """Train the model of an instance folder: from the earlier model, or from nothing if it is old or with `cold`.

    Raise TrainingError, and OSError if the files can't be written; then the earlier model stays.
    """
    started_at, started = clock.now(), time.monotonic()
    status = read_status(database.read())
    _require_users(status.users)
    start = None if cold else status.find_start()
    data = read_training_data(database.read())
    database_id = identify_database(database.read())
    # Others may restore a backup while the model is fitted.
    database.close()
    _require_users(len(data.user_ids))
    trained = train(data, warm=start)
    header = {
        **trained.header,
        **_describe_start(start, started_at, len(data.by_user.others)),
        "version": secrets.token_hex(8),
        "trained_at": started_at,
        "database": database_id,
        "training_seconds": round(time.monotonic() - started, 2),
    }
    _replace_files(instance, header, trained, status.model)


def _require_users(count: int) -> None:
    if count < MIN_USERS:
        raise TrainingError(f"a model needs {MIN_USERS} users with ratings; the instance has {count}")


def _replace_files(
    instance: Path, header: dict[str, Any], trained: TrainedModel, earlier: ModelFile | None
) -> None:
    """Write the people, then the model, so that a model always has its people; keep the earlier model if that fails."""
    versions = [earlier.version] if earlier else []
    try:
        write_people(get_people_path(instance, header["version"]), header["version"], trained.people)
        write_model(get_model_path(instance), header, trained.arrays)
        # Requests that have begun with the earlier model read its people: these stay until the next training.
        versions.append(header["version"])
    finally:
        remove_other_people(instance, versions)


def _describe_start(start: ModelFile | None, now: int, rating_count: int) -> dict[str, int]:
    """Return the time of the last training from nothing, and its number of ratings."""
    if start is None:
        return {"cold_trained_at": now, "cold_rating_count": rating_count}
    return {"cold_trained_at": start.cold_trained_at, "cold_rating_count": start.cold_rating_count}
