"""Revisions of the schema, which a process finds without Alembic."""

import subprocess
import sys

import pytest
from alembic.script import ScriptDirectory

from movierating.operations import schema_revisions

PROCESS = """
import sys
from movierating import create_app
client = create_app(prepared={prepared}).test_client()
assert client.get("/readyz").status_code == client.get("/v1/movies").status_code == 200
print(sorted({{"alembic", "flask_migrate", "mako"}} & sys.modules.keys()))
"""


def test_files_of_migrations_begin_with_their_revisions():
    scripts = ScriptDirectory(str(schema_revisions.MIGRATIONS_FOLDER))
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert schema_revisions.get_newest_revision() == scripts.get_current_head()
    assert all(schema_revisions.is_known_revision(revision) for revision in revisions)


@pytest.mark.parametrize(("revision", "is_known"), [(None, True), ("9999", False), ("env", False)])
def test_a_revision_without_a_migration_is_unknown(revision, is_known):
    assert schema_revisions.is_known_revision(revision) == is_known


@pytest.mark.sqlite
@pytest.mark.parametrize("prepared", [False, True])
def test_a_process_that_does_not_migrate_imports_no_alembic(app, environ, tmp_path, prepared):
    run = [sys.executable, "-c", PROCESS.format(prepared=prepared)]
    result = subprocess.run(
        run, env=environ(tmp_path / "instance"), capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
