"""The files of the instance's model: where they are, which database they belong to, and the newest one, mapped.

They are derived data in the instance folder, left out of backups: lost or damaged, they are made again.
"""

import functools
import hashlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, func, select

from movierating.monitoring import logs
from movierating.movies.models import DataMigration
from movierating.predictions.array_file import ArrayFileError
from movierating.predictions.model_file import MODEL_FORMAT, ModelFile, open_model
from movierating.predictions.nearest_people import PeopleFile
from movierating.storage.database import db
from movierating.storage.statements import CompiledStatement

T = TypeVar("T")

# A model, its people, and the earlier ones, which other requests may still use.
_MAX_OPEN_FILES = 4

_ENABLED_OPTION = "predictions_enabled"
_FIRST_MIGRATION = CompiledStatement(select(func.min(DataMigration.applied_at).label("applied_at")))


def configure(engine: Engine, *, enabled: bool) -> None:
    """Set whether models are used on the database of `engine`."""
    engine.update_execution_options(**{_ENABLED_OPTION: enabled})


def get_model_path(instance: Path) -> Path:
    """Return the file of the model in an instance folder; another version of this code may have its own."""
    return instance / f"predictions-{MODEL_FORMAT}.bin"


def get_people_path(instance: Path, version: str) -> Path:
    """Return the file of the people of a model, by its version, for nearest neighbours."""
    return instance / f"predictions-{MODEL_FORMAT}-people-{version}.bin"


def remove_other_people(instance: Path, versions: Collection[str]) -> None:
    """Remove the files of people, and what killed trainings left of such, except those of these models."""
    names = {get_people_path(instance, version).name for version in versions}
    # Its draft has a dot before the name, and an ending after it.
    for path in instance.glob(f"*predictions-{MODEL_FORMAT}-people*"):
        if path.name not in names:
            path.unlink()


def identify_database(connection: Connection) -> str:
    """Return a text that differs between databases, also after a restore of another instance's backup."""
    [(created_at,)] = _FIRST_MIGRATION.tuples(connection)
    return hashlib.blake2b(str(created_at).encode(), digest_size=12).hexdigest()


def find_model(connection: Connection) -> ModelFile | None:
    """Return the newest model of this database, None if there is none that can be used, or if models are off."""
    # The connection may be to the replica, whose engine does not have these options.
    options = db.engine.get_execution_options()
    if not options.get(_ENABLED_OPTION, True):
        return None
    model = _open(open_model, get_model_path(options["instance"]))
    if model is None or model.database != identify_database(connection):
        return None
    return model


def find_people(model: ModelFile) -> PeopleFile | None:
    """Return the people of a model, None if their file can't be used."""
    instance = db.engine.get_execution_options()["instance"]
    people = _open(PeopleFile, get_people_path(instance, model.version))
    return people if people is not None and people.version == model.version else None


def _open(open_file: Callable[[Path], T], path: Path) -> T | None:
    """Return what `open_file` returns for the file that is at a path now; None if there is none that can be used."""
    try:
        status = path.stat()
    except OSError:
        return None
    identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    file: T | None = _open_cached(open_file, path, identity)
    return file


@functools.lru_cache(_MAX_OPEN_FILES)
def _open_cached(open_file: Callable[[Path], Any], path: Path, _identity: tuple[int, ...]) -> Any:
    try:
        return open_file(path)
    except ArrayFileError as error:
        logs.logger.warning("predictions can't be made", extra={"fields": {"reason": str(error)}})
        return None
