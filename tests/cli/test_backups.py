"""`movierating backup` and `restore`: what they write, and what they reject in one line and leave unchanged."""

import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from movierating.operations import backup_files
from movierating.storage.sqlite.instance_lock import InstanceLock

pytestmark = pytest.mark.sqlite


@pytest.fixture
def backup(invoke, ada, tmp_path):
    """A backup of an instance with one account."""
    file = tmp_path / "backups" / "backup.sqlite3"
    file.parent.mkdir()
    assert invoke("backup", str(file)).exit_code == 0
    return file


def contents(folder):
    """Return the contents of an instance's databases by name."""
    return {file.name: file.read_bytes() for file in folder.glob("movierating*.sqlite3")}


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def list_unfinished(folder):
    return [name for name in names(folder) if name.endswith((".new", ".old", ".part"))]


def test_restore_replaces_the_database_and_keeps_the_old_one(command, backup, instance):
    assert command("user", "promote", "ada").exit_code == 0
    done = command("restore", str(backup))
    assert (done.exit_code, done.stderr) == (0, "")
    old, restored = done.stdout.splitlines()
    assert restored == f"restored {backup}"
    assert Path(old.removeprefix("the old database is now ")).parent == instance
    assert "ada@example.org\tmember" in command("user", "list").output
    assert command("check").output == "No problems found.\n"


@pytest.mark.usefixtures("ada")
def test_file_name_need_not_be_utf_8(invoke, tmp_path):
    file = tmp_path / "\udcff.sqlite3"
    shown = str(file).replace("\udcff", "\N{REPLACEMENT CHARACTER}")
    assert invoke("backup", str(file)).output == f"backup written to {shown}\n"
    assert invoke("restore", str(file)).output.splitlines()[-1] == f"restored {shown}"


def test_restore_creates_an_instance_in_an_empty_folder(run, backup, tmp_path):
    shutil.rmtree(tmp_path / "instance")
    done = run("restore", str(backup))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"restored {backup}\n", "")
    assert "ada@example.org" in run("user", "list").stdout


def test_backup_replaces_an_older_one_and_records_when_it_began(invoke, backup, instance):
    before = backup.read_bytes()
    assert invoke("user", "promote", "ada").exit_code == 0
    started_at = int(time.time())
    done = invoke("backup", str(backup))
    assert (done.exit_code, done.output) == (0, f"backup written to {backup}\n")
    assert started_at <= backup_files.read_backup_time(instance / "movierating.sqlite3") <= time.time()
    assert backup.read_bytes() != before
    assert names(backup.parent) == ["backup.sqlite3"]


def test_orphans_are_copied_with_a_warning(invoke, instance, tmp_path):
    with closing(sqlite3.connect(instance / "movierating.sqlite3")) as connection, connection:
        connection.execute("INSERT INTO movie_facet (movie_id, facet) VALUES (999, 'genre:none')")
    made, restored = invoke("backup", str(tmp_path / "b")), invoke("restore", str(tmp_path / "b"))
    assert (made.exit_code, restored.exit_code) == (0, 0)
    assert made.stderr == restored.stderr == "warning: a row of movie_facet has no movie\n"


def text_file(folder):
    (folder / "file").write_text("notes\n" * 1000)


def other_database(folder):
    with closing(sqlite3.connect(folder / "file")) as connection:
        connection.execute("CREATE TABLE movie (id)")


def live_database(folder):
    shutil.copy(folder / "instance" / "movierating.sqlite3", folder / "file")


NOT_A_BACKUP = "exists and is not a backup; choose another name"


@pytest.mark.parametrize(
    ("make", "name", "reason"),
    [
        (text_file, "file", NOT_A_BACKUP),
        (other_database, "file", NOT_A_BACKUP),
        (live_database, "file", NOT_A_BACKUP),
        (None, "instance/movierating.sqlite3", "is the database itself"),
        (None, "instance/movierating.sqlite3-wal", "SQLite uses such names for its own files"),
        (None, "instance", "is not a file"),
        (None, "gone/file", "No such file or directory"),
        (None, "/dev/null", "is not a file"),
        (None, "-", "can't be written to standard output"),
    ],
    ids=["text", "foreign", "in use", "itself", "its log", "folder", "no folder", "device", "stdout"],
)
def test_backup_rejects_other_targets_and_changes_nothing(
    invoke, instance, tmp_path, make, name, reason, assert_error
):
    if make:
        make(tmp_path)
    before = contents(instance), {file.name: file.read_bytes() for file in tmp_path.glob("file")}
    assert_error(
        invoke("backup", name if name in ("-", "/dev/null") else str(tmp_path / name)), f".*{reason}.*"
    )
    assert before == (contents(instance), {file.name: file.read_bytes() for file in tmp_path.glob("file")})
    assert [file for file in names(tmp_path) if "part" in file] == []


def test_backup_replaces_an_empty_file(invoke, instance, tmp_path):
    (tmp_path / "file").touch()
    assert invoke("backup", str(tmp_path / "file")).exit_code == 0


@pytest.mark.parametrize("name", ["backup", "restore"])
def test_full_disk_changes_nothing(backup, environ, instance, name):
    room = backup.stat().st_size // 2
    before = backup.read_bytes(), contents(instance)
    # Coverage could not write its own file either.
    env = {name: value for name, value in environ(instance).items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-m", "movierating", name, str(backup)],
        env=env,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        timeout=60,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"Error: can't copy .+\n", done.stderr)
    assert (backup.read_bytes(), contents(instance)) == before
    assert names(backup.parent) == ["backup.sqlite3"]
    assert list_unfinished(instance) == []


def test_wait_for_another_backup_ends(invoke, instance, tmp_path, monkeypatch, assert_error):
    monkeypatch.setattr(backup_files, "LOCK_TIMEOUT_SECONDS", 0.05)
    with backup_files.FileLock(instance / ".movierating.sqlite3.backup"):
        assert_error(
            invoke("backup", str(tmp_path / "file")), "another backup has been running for too long; .+"
        )


TERMINATED = """
import os, signal, sys
from movierating.cli.main import main
from movierating.operations import sqlite_backup

sqlite_backup.verify_copy = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)
main(sys.argv[1:])
"""


@pytest.mark.parametrize("name", ["backup", "restore"])
def test_sigterm_leaves_no_unfinished_files(backup, environ, instance, name):
    before = backup.read_bytes(), contents(instance)
    command = [sys.executable, "-c", TERMINATED, name, str(backup)]
    done = subprocess.run(command, env=environ(instance), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")
    assert (backup.read_bytes(), contents(instance)) == before
    assert names(backup.parent) == ["backup.sqlite3"]
    assert list_unfinished(instance) == []


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

    monkeypatch.setattr("movierating.operations.startup.upgrade_schema", fail)
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
    assert_error(
        invoke("restore", str(backup)), "the instance is in use; stop `serve` and other commands first"
    )
    assert contents(instance) == before


@pytest.mark.parametrize("arguments", [("user", "list"), ("check",), ("serve",), ("backup", "file")])
def test_commands_fail_while_the_instance_is_restored(invoke, ada, instance, arguments, assert_error):
    lock = InstanceLock(instance / "movierating.sqlite3", exclusive=True)
    assert_error(
        invoke(*arguments), "The instance is being restored or loaded; try again when that has ended."
    )
    lock.release()


def test_backup_of_a_read_only_folder_needs_no_lock(instance, tmp_path, invoke, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied")

    # Tests may run as root, for whom no folder is read-only.
    monkeypatch.setattr(backup_files.FileLock, "acquire", fail)
    assert invoke("backup", str(tmp_path / "file")).exit_code == 0
