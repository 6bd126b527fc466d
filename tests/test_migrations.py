"""Migrations: they make what the models say, can be taken back, and never lose what was there."""

import shutil
import sqlite3
import stat
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask_migrate import downgrade
from flask_migrate import upgrade as upgrade_to
from sqlalchemy import MetaData, Table, insert, inspect, select

from movierating import create_app
from movierating.config import SettingError
from movierating.movies.models import DataMigration
from movierating.movies.search_index import MOVIE_SEARCH, bind_words, match_words
from movierating.operations import backups, startup
from movierating.storage import database
from movierating.storage.database import db

NEXT = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "9999", "{newest}", None, None


def upgrade():
    op.execute("CREATE TABLE later (id INTEGER)")
    op.execute("DELETE FROM milestone")
    {then}


def downgrade():
    op.execute("DROP TABLE later")
"""


@pytest.fixture
def migrated(tmp_path, environ):
    """An application whose database was migrated from nothing, inside its context."""
    app = create_app(environ(tmp_path / "instance"), prepared=False)
    with app.app_context():
        upgrade_to()
        yield app
        database.close()


@pytest.fixture
def next_version(monkeypatch, tmp_path):
    """`next_version("op.execute(...)")` puts a migration on top that does that last, as a later release would."""
    newest = startup.get_newest_revision()

    def release(then):
        folder = shutil.copytree(startup.MIGRATIONS_FOLDER, tmp_path / "migrations")
        (folder / "versions" / "9999_next.py").write_text(NEXT.format(newest=newest, then=then))
        monkeypatch.setattr(startup, "MIGRATIONS_FOLDER", folder)
        startup.get_newest_revision.cache_clear()

    yield release
    startup.get_newest_revision.cache_clear()


def ours(_object, name, kind, _reflected, _compare_to):
    return not (kind == "table" and name.startswith("movie_search"))


# PostgreSQL tells what a generated column is made of in words of its own.
@pytest.mark.filterwarnings("ignore:Computed default on movie")
def test_the_migrations_make_what_the_models_say(migrated):
    options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, db.metadata) == []


@pytest.mark.sqlite
def test_generated_columns_are_those_of_the_models(migrated):
    """Alembic does not compare them."""
    with db.engine.connect() as connection:
        reflected = {
            (table, column["name"]): column["computed"]["sqltext"]
            for table in db.metadata.tables
            for column in inspect(connection).get_columns(table)
            if "computed" in column
        }
    declared = {
        (table.name, column.name): str(column.computed.sqltext)
        for table in db.metadata.tables.values()
        for column in table.columns
        if column.computed is not None
    }
    assert reflected == declared


def test_every_constraint_has_a_name(migrated):
    with db.engine.connect() as connection:
        inspector = inspect(connection)
        constraints = [
            (table.name, constraint["name"])
            for table in db.metadata.tables.values()
            for constraint in (
                *inspector.get_foreign_keys(table.name),
                *inspector.get_unique_constraints(table.name),
                *inspector.get_check_constraints(table.name),
                # SQLite has no name for the key of a table that counts its ids up.
                *(
                    []
                    if table.kwargs.get("sqlite_autoincrement")
                    else [inspector.get_pk_constraint(table.name)]
                ),
            )
        ]
    assert len(constraints) > 10
    assert [table for table, name in constraints if not name] == []


def test_the_search_index_is_there(migrated):
    with db.engine.begin() as connection:
        connection.execute(
            insert(MOVIE_SEARCH).values(rowid=7, title="lodz", original_title="", directors="")
        )
        found = connection.execute(select(MOVIE_SEARCH.c.rowid).where(match_words()), bind_words(["lo"]))
        assert found.scalars().all() == [7]


def test_a_downgrade_leaves_nothing(migrated):
    downgrade(revision="base")
    with db.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_after_a_downgrade_the_upgrade_works_again(migrated):
    downgrade(revision="base")
    upgrade_to()
    assert startup.find_unready() == []


@pytest.fixture
def milestones(instance, outside):
    """`milestones()` are those of the instance's database."""

    def look():
        with outside(instance) as connection:
            return connection.scalars(select(DataMigration.name)).all()

    return look


@pytest.fixture
def tables(instance, outside):
    """`tables()` are the names of those in the instance's database."""

    def look():
        with outside(instance) as connection:
            return set(inspect(connection).get_table_names())

    return look


@pytest.mark.sqlite
def test_before_an_upgrade_the_file_is_copied_aside(instance, environ, next_version, monkeypatch, milestones):
    newest = startup.get_newest_revision()
    monkeypatch.setattr(startup, "seed_new_database", lambda: None)
    next_version("pass")
    app = create_app(environ(instance))
    with app.app_context():
        assert startup.get_current_revision() == "9999"
        database.close()
    copy = instance / f"movierating.before-{newest}-upgrade.sqlite3"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT name FROM milestone").fetchall() == [("seeded",)]
    assert milestones() == []
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "then", ["op.execute('SELECT nonsense')", "raise RuntimeError('two\\nlines')", "1 / 0"]
)
def test_an_upgrade_that_fails_changes_nothing(instance, environ, next_version, milestones, tables, then):
    next_version(then)
    with pytest.raises(SettingError, match=r"can't be migrated and is as it was \(.+\)") as refused:
        create_app(environ(instance))
    assert "\n" not in refused.value.message
    assert milestones() == ["seeded"]
    assert "later" not in tables()


@pytest.mark.sqlite
def test_a_copy_that_cannot_be_made_stops_the_upgrade(instance, environ, next_version, milestones):
    (instance / f"movierating.before-{startup.get_newest_revision()}-upgrade.sqlite3").mkdir()
    next_version("pass")
    with pytest.raises(SettingError, match="DATABASE_URL: "):
        create_app(environ(instance))
    assert milestones() == ["seeded"]


def test_the_old_version_refuses_the_newer_database(instance, environ, next_version, monkeypatch):
    with monkeypatch.context() as later:
        later.setattr(startup, "seed_new_database", lambda: None)
        next_version("pass")
        app = create_app(environ(instance))
        with app.app_context():
            database.close()
    monkeypatch.undo()
    startup.get_newest_revision.cache_clear()
    with pytest.raises(SettingError, match="newer than this version"):
        create_app(environ(instance))


@pytest.mark.sqlite
def test_the_copy_brings_the_old_version_back(
    instance, environ, next_version, monkeypatch, milestones, tables
):
    before = tables()
    with monkeypatch.context() as later:
        later.setattr(startup, "seed_new_database", lambda: None)
        next_version("pass")
        create_app(environ(instance))
    monkeypatch.undo()
    startup.get_newest_revision.cache_clear()
    app = create_app(environ(instance), prepared=False)
    (copy,) = instance.glob("*-upgrade.sqlite3")
    with app.app_context():
        backups.restore_backup(app, copy)
    create_app(environ(instance))
    assert tables() == before
    assert milestones() == ["seeded"]


CHART = "SELECT id FROM movie WHERE language = 'fr' ORDER BY score DESC, id DESC"


@pytest.fixture
def at_0001(tmp_path, environ):
    """An application inside its context, its database at the first revision with one movie, rated once, in it."""
    app = create_app(environ(tmp_path / "instance"), prepared=False)
    with app.app_context():
        upgrade_to(revision="0001")
        facts = {"title": "Moon", "title_key": "moon", "language": "fr", "created_at": 0, "updated_at": 0}
        with db.engine.begin() as connection:
            movie = Table("movie", MetaData(), autoload_with=connection)
            connection.execute(movie.insert(), {"id": 7, **facts, "rating_count": 1, "rating_sum": 20})
            facet = Table("movie_facet", MetaData(), autoload_with=connection)
            connection.execute(facet.insert(), {"movie_id": 7, "facet": "language:fr", "score": 345 / 52})
        yield app
        database.close()


def facets():
    with db.engine.connect() as connection:
        facet = Table("movie_facet", MetaData(), autoload_with=connection)
        return [row._asdict() for row in connection.execute(facet.select())]


def test_facets_lose_their_score_and_get_it_back(at_0001):
    before = facets()
    upgrade_to()
    assert facets() == [{"movie_id": 7, "facet": "language:fr"}]
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql(CHART).scalars().all() == [7]
    downgrade(revision="0001")
    assert facets() == before == [{"movie_id": 7, "facet": "language:fr", "score": 345 / 52}]
