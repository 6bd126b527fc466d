"""Migrations: they create what the models declare, can be reversed, and keep the data of every released revision."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, Table, insert, inspect, text

from movierating import create_app
from movierating.auth.models import User
from movierating.config import SettingError
from movierating.movies import service as movies
from movierating.movies import title_proposals
from movierating.movies.models import TitleProposal
from movierating.operations import checks, schema_revisions, startup
from movierating.storage import database
from movierating.storage.database import db

REVISIONS = {file.stem: file for file in (Path(__file__).parent / "revisions").glob("*.sql")}
PASSWORD = "correct horse battery"


@pytest.fixture
def migrated(tmp_path, environ):
    """An application in its context; migrations created its database."""
    app = create_app(environ(tmp_path / "instance"), prepared=False)
    with app.app_context():
        upgrade()
        yield app
        database.close()


def has_model(_object, name, kind, _reflected, _compare_to):
    """Return True if Alembic compares an object; the search index has no model."""
    return not (kind == "table" and name.startswith("movie_search"))


# PostgreSQL rewrites the expressions of generated columns.
@pytest.mark.filterwarnings("ignore:Computed default on movie")
@pytest.mark.usefixtures("migrated")
def test_migrations_create_what_the_models_declare():
    options = {"compare_type": True, "compare_server_default": True, "include_object": has_model}
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, db.metadata) == []


@pytest.mark.sqlite
@pytest.mark.usefixtures("migrated")
def test_generated_columns_are_those_of_the_models():
    """Alembic does not compare them."""
    inspector = inspect(db.engine)
    for table in db.metadata.tables.values():
        declared = {column.name: str(column.computed.sqltext) for column in table.columns if column.computed}
        columns = inspector.get_columns(table.name)
        assert declared == {
            each["name"]: each["computed"]["sqltext"] for each in columns if "computed" in each
        }


@pytest.mark.usefixtures("migrated")
def test_constraints_have_names():
    inspector = inspect(db.engine)
    for table in db.metadata.tables:
        constraints = [
            *inspector.get_foreign_keys(table),
            *inspector.get_unique_constraints(table),
            *inspector.get_check_constraints(table),
        ]
        assert all(constraint["name"] for constraint in constraints), table


@pytest.mark.usefixtures("migrated")
def test_downgrade_removes_everything_and_upgrade_works_again():
    downgrade(revision="base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]
    upgrade()
    assert startup.get_unready_reason() is None


@pytest.fixture
def create_revision(tmp_path):
    """`create_revision("0001")` creates the instance's database with that revision's data and returns its file."""
    (tmp_path / "instance").mkdir()

    def create(revision):
        file = tmp_path / "instance" / "movierating.sqlite3"
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(REVISIONS[revision].read_text(encoding="utf-8"))
        return file

    return create


def read_everything(file):
    """Return the schema of a database and the rows of each table."""
    with closing(sqlite3.connect(file)) as connection:
        schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
        tables = [name for kind, name, _, sql in schema if kind == "table"]
        return schema, {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}


def test_every_revision_has_its_data():
    scripts = ScriptDirectory(str(schema_revisions.MIGRATIONS_FOLDER))
    assert REVISIONS.keys() == {script.revision for script in scripts.walk_revisions()}


@pytest.fixture(params=sorted(REVISIONS))
def revision(request):
    return request.param


@pytest.mark.sqlite
def test_old_database_is_copied_and_upgraded(revision, create_revision, environ):
    file = create_revision(revision)
    before = read_everything(file)
    copy = file.with_name(f"movierating.before-{revision}-upgrade.sqlite3")
    with create_app(environ(file.parent)).app_context():
        assert schema_revisions.get_current_revision() == schema_revisions.get_newest_revision()
        assert checks.run_checks(repair=False) == ([], [])
        database.close()
    if revision == schema_revisions.get_newest_revision():
        assert not copy.exists()
    else:
        assert read_everything(copy) == before
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.sqlite
def test_upgraded_database_has_its_data(revision, create_revision, environ):
    app = create_app(environ(create_revision(revision).parent))
    client = app.test_client()
    tokens = client.post("/v1/auth/login", json={"login": "ada", "password": PASSWORD}).json
    ada = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.get("/v1/users/me", headers=ada).json["ratings"]["count"] == 3
    assert client.get("/v1/movies/1/rating", headers=ada).json["value"] == 9.5
    assert [token["name"] for token in client.get("/v1/auth/tokens", headers=ada).json["items"]] == ["script"]
    (movie,) = client.get("/v1/movies?q=cleo%20varda").json["items"]
    assert (movie["id"], movie["ratings"]["count"], movie["ratings"]["mean"]) == (1, 2, 8.25)
    dramas = client.get("/v1/movies?genre=Drama&sort=-score").json["items"]
    assert [movie["title"] for movie in dramas] == ["Cléo from 5 to 7", "Moon"]
    added = client.post("/v1/movies", json={"title": "New", "year": 2024}, headers=ada)
    assert added.json["id"] == 5, "the id of a deleted movie, 4, is not used again"
    with app.app_context():
        database.close()


@pytest.mark.sqlite
def test_upgrade_is_rejected_if_the_copy_fails(create_revision, environ):
    file = create_revision("0001")
    before = read_everything(file)
    file.with_name("movierating.before-0001-upgrade.sqlite3").mkdir()
    with pytest.raises(SettingError, match=r"can't be migrated and is unchanged \(.+before-0001-upgrade.+\)"):
        create_app(environ(file.parent))
    assert read_everything(file) == before


def test_newer_database_is_rejected(instance, environ, outside):
    with outside(instance) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(
        SettingError,
        match=r"newer than this version of movierating; install the version .+`movierating restore FILE`",
    ):
        create_app(environ(instance))
    with outside(instance) as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


@pytest.fixture
def at_0001(tmp_path, environ):
    """An application in its context; its database has the first revision and one movie with one rating."""
    app = create_app(environ(tmp_path / "instance"), prepared=False)
    with app.app_context():
        upgrade(revision="0001")
        facts = {"title": "Moon", "title_key": "moon", "language": "fr", "created_at": 0, "updated_at": 0}
        with db.engine.begin() as connection:
            movie = Table("movie", MetaData(), autoload_with=connection)
            connection.execute(movie.insert(), {"id": 7, **facts, "rating_count": 1, "rating_sum": 20})
            facet = Table("movie_facet", MetaData(), autoload_with=connection)
            connection.execute(facet.insert(), {"movie_id": 7, "facet": "language:fr", "score": 345 / 52})
        yield app
        database.close()


def read_facets():
    with db.engine.connect() as connection:
        facet = Table("movie_facet", MetaData(), autoload_with=connection)
        return [row._asdict() for row in connection.execute(facet.select())]


def test_failed_upgrade_changes_nothing(at_0001, environ):
    with db.engine.begin() as connection:
        # The last step of 0002 creates an index of this name.
        connection.execute(text("CREATE INDEX ix_movie_facet_facet ON movie_facet (facet)"))
    database.close()
    message = r"^MOVIERATING_DATABASE_URL: .+ can't be migrated and is unchanged \(.*already exists.*\)$"
    with pytest.raises(SettingError, match=message):
        create_app(environ(at_0001.config["INSTANCE_PATH"]))
    assert schema_revisions.get_current_revision() == "0001"
    assert [facet["score"] for facet in read_facets()] == [345 / 52]


@pytest.mark.usefixtures("at_0001")
def test_facets_lose_their_score_and_get_it_back():
    before = read_facets()
    upgrade()
    assert read_facets() == [{"movie_id": 7, "facet": "language:fr"}]
    downgrade(revision="0001")
    assert read_facets() == before == [{"movie_id": 7, "facet": "language:fr", "score": 345 / 52}]


@pytest.mark.usefixtures("migrated")
def test_proposed_titles_without_a_spelling_are_listed_by_their_match_key():
    movie_id = movies.create_movie({"title": "Heat", "year": 1995}).id
    account = {"id": 1, "username": "ada", "username_key": "ada", "display_name": "Ada"}
    proposal = {"movie_id": movie_id, "match_key": "calor", "user_id": 1, "title": "¡Calor!"}
    with db.engine.begin() as connection:
        connection.execute(insert(User), {**account, "created_at": 0, "updated_at": 0})
        connection.execute(insert(TitleProposal), proposal)
    assert title_proposals.list_proposals(movie_id) == [(movie_id, "calor", "¡Calor!")]
    downgrade(revision="0016")
    upgrade()
    assert title_proposals.list_proposals(movie_id) == [(movie_id, "calor", "calor")]
