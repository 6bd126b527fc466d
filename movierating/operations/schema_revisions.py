"""The revision of a database's schema, and its migration to the newest with Alembic.

Alembic takes 11 MB of memory and a tenth of a second to import, so workers find the revisions without it.
"""

import functools
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine, column, inspect, select, table

from movierating.storage.database import db

MIGRATIONS_FOLDER = Path(__file__).parents[1] / "migrations"

_VERSION = table("alembic_version", column("version_num"))


def init_migrate(app: Flask) -> None:
    """Bind Flask-Migrate to `app`, for the command group `db`."""
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(MIGRATIONS_FOLDER))


def get_current_revision(engine: Engine | None = None) -> str | None:
    """Return the revision of the database of `engine`, by default the application's; None before any migration."""
    with (engine or db.engine).connect() as connection:
        if not inspect(connection).has_table(_VERSION.name):
            return None
        revision: str | None = connection.scalar(select(_VERSION.c.version_num))
        return revision


@functools.cache
def _list_revisions() -> list[str]:
    """Return the revisions of this code, the oldest first: the numbers with which the migrations' files begin."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS_FOLDER / "versions").glob("[0-9]*.py"))


def get_newest_revision() -> str:
    """Return the revision that this code needs."""
    return _list_revisions()[-1]


def is_known_revision(revision: str | None) -> bool:
    """Return True if this code has that revision, or for None; an unknown one is newer."""
    return revision is None or revision in _list_revisions()


def upgrade_schema(engine: Engine) -> None:
    """Migrate the database of `engine` to the newest revision in one transaction. Raise what a migration raises."""
    from alembic import command
    from alembic.config import Config

    configuration = Config(attributes={"engine": engine})
    # Options are written as in a file of `configparser`.
    configuration.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    command.upgrade(configuration, "head")
