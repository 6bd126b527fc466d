"""Run the migrations in one transaction, which holds the write lock from its start.

`schema_revisions.upgrade_schema` names the engine of a database; the commands `db` migrate the application's.
"""

from pathlib import Path

from alembic import context

from movierating.storage.database import db

engine = context.config.attributes.get("engine") or db.engine


def _is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    # It is no model's; FTS5 keeps its index in tables of its own.
    return not (kind == "table" and name is not None and name.startswith("movie_search"))


def run() -> None:
    """Migrate on one connection. Logging is the application's own, so no logger is configured here."""
    if engine.dialect.name == "sqlite":
        # Nothing else than this and the first start makes the file: one that is gone must not become an empty one.
        Path(str(engine.url.database)).touch(mode=0o600)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_object=_is_ours,
            render_as_batch=True,
            compare_type=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
