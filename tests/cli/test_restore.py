"""`movierating restore`: what it replaces, and what it rejects in one line and leaves unchanged."""

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from cli.instance_files import contents, list_unfinished
from movierating.storage.sqlite.instance_lock import InstanceLock

pytestmark = pytest.mark.sqlite


def test_restore_replaces_the_database_and_keeps_the_old_one(command, backup, instance):
    assert command("user", "promote", "ada").exit_code == 0
    done = command("restore", str(backup))
    assert (done.exit_code, done.stderr) == (0, "")
    old, restored = done.stdout.splitlines()
    assert restored == f"restored {backup} to {instance / 'movierating.sqlite3'}"
    assert Path(old.removeprefix("the old database is now ")).parent == instance
    assert "ada@example.org\tmember" in command("user", "list").output
    assert command("check").output == "No problems found.\n"


def test_restore_creates_an_instance_in_an_empty_folder(run, backup, tmp_path):
    shutil.rmtree(tmp_path / "instance")
    done = run("restore", str(backup))
    restored = f"restored {backup} to {tmp_path / 'instance' / 'movierating.sqlite3'}\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, restored, "")
    assert "ada@example.org" in run("user", "list").stdout


def torn(file):
    content = bytearray(file.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    file.write_bytes(content)


def without_an_index(file):
    with closing(sqlite3.connect(file)) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'user' LIMIT 1"
        ).fetchone()
    content = bytearray(file.read_bytes())
    # An empty index page, where there is one account.
    start = (root - 1) * 4096
    content[start : start + 8] = b"\x0a\x00\x00\x00\x00\x10\x00\x00"
    file.write_bytes(content)


def of_another_program(file):
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE movie (id)")


def with_two_revisions(file):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")


def of_a_newer_version(file):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda file: file.write_text("notes\n" * 1000), "is not an SQLite database; .+"),
        (lambda file: file.write_bytes(b""), "is not a database of movierating"),
        (lambda file: file.write_bytes(file.read_bytes()[:100]), ".*is (damaged|not a database).*"),
        (lambda file: file.write_bytes(file.read_bytes()[:40960]), ".+malformed.+"),
        (torn, "is damaged .+"),
        (without_an_index, "is damaged .+"),
        (of_another_program, "is not a database of movierating"),
        (with_two_revisions, "is not a database of movierating"),
        (of_a_newer_version, "is newer than this version of movierating"),
        (lambda file: file.unlink(), "No such file or directory: .+"),
        (lambda file: file.unlink() or file.mkdir(), "Is a directory: .+"),
    ],
    ids=["text", "empty", "head", "cut off", "torn", "index", "foreign", "two", "newer", "missing", "folder"],
)
def test_restore_rejects_an_invalid_backup_and_changes_nothing(
    invoke, backup, instance, change, reason, assert_error
):
    change(backup)
    before = contents(instance)
    assert_error(invoke("restore", str(backup)), f".*{reason}")
    assert contents(instance) == before
    assert list_unfinished(instance) == []
    assert invoke("check").output == "No problems found.\n"


def test_failed_migration_of_a_backup_changes_nothing(invoke, backup, instance, monkeypatch, assert_error):
    def fail(*_):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("movierating.operations.schema_revisions.upgrade_schema", fail)
    with closing(sqlite3.connect(backup)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    before = contents(instance)
    assert_error(invoke("restore", str(backup)), r".*can't be migrated \(two lines\)")
    assert contents(instance) == before


def test_restore_rejects_the_database_itself(invoke, ada, instance, assert_error):
    assert_error(invoke("restore", str(instance / "movierating.sqlite3")), ".+is the database itself")
    assert_error(invoke("restore", "-"), "a backup is a file .+")


def test_restore_fails_while_the_instance_is_in_use(invoke, backup, select_value, instance, assert_error):
    before = contents(instance)
    assert select_value(text('SELECT count(*) FROM "user"')) == 1
    message = f"{instance / 'movierating.sqlite3'} is in use; stop `serve` and other commands first"
    assert_error(invoke("restore", str(backup)), re.escape(message))
    assert contents(instance) == before


@pytest.mark.parametrize("arguments", [("user", "list"), ("check",), ("serve",), ("backup", "file")])
def test_commands_fail_while_the_instance_is_restored(invoke, ada, instance, arguments, assert_error):
    lock = InstanceLock(instance / "movierating.sqlite3", exclusive=True)
    assert_error(
        invoke(*arguments),
        "A restore, a migration or an import has exclusive access to the instance; try again later.",
    )
    lock.release()
