"""Revisions of the schema, which a process finds without Alembic."""

import subprocess
import sys

import pytest
from alembic.script import ScriptDirectory

from movierating.operations import schema_revisions

WORKER = """
import sys
from movierating import create_app
client = create_app(prepared=False).test_client()
assert client.get("/readyz").status_code == client.get("/v1/movies").status_code == 200
print(sorted({"alembic", "flask_migrate", "mako"} & sys.modules.keys()))
"""

SCRIPT = """
from movierating import create_app
with create_app().app_context():
    import flask_migrate
    flask_migrate.current()
"""


def test_files_of_migrations_begin_with_their_revisions():
    scripts = ScriptDirectory(str(schema_revisions.MIGRATIONS_FOLDER))
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert schema_revisions.get_newest_revision() == scripts.get_current_head()
    assert all(schema_revisions.is_known_revision(revision) for revision in revisions)


@pytest.mark.parametrize(("revision", "is_known"), [(None, True), ("9999", False), ("env", False)])
def test_a_revision_without_a_migration_is_unknown(revision, is_known):
    assert schema_revisions.is_known_revision(revision) == is_known


def run_python(program, environment):
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.sqlite
def test_a_worker_imports_no_alembic(app, environ, tmp_path):
    assert run_python(WORKER, environ(tmp_path / "instance")) == "[]\n"


@pytest.mark.sqlite
def test_functions_of_flask_migrate_run_in_an_application(app, environ, tmp_path):
    output = run_python(SCRIPT, environ(tmp_path / "instance"))
    assert output.split()[0] == schema_revisions.get_newest_revision()
