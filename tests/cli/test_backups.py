"""`movierating backup`: what it writes, and what it rejects in one line and leaves unchanged."""

import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from cli.instance_files import contents, list_unfinished, names
from movierating.operations import backup_files

pytestmark = pytest.mark.sqlite


@pytest.mark.usefixtures("ada")
def test_file_name_need_not_be_utf_8(invoke, instance, tmp_path):
    file = tmp_path / "\udcff.sqlite3"
    shown = str(file).replace("\udcff", "\N{REPLACEMENT CHARACTER}")
    assert invoke("backup", str(file)).output == f"backup written to {shown}\n"
    restored = f"restored {shown} to {instance / 'movierating.sqlite3'}"
    assert invoke("restore", str(file)).output.splitlines()[-1] == restored


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
        (None, "gone/file", "gone is not a folder"),
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
        timeout=180,
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
    done = subprocess.run(command, env=environ(instance), capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")
    assert (backup.read_bytes(), contents(instance)) == before
    assert names(backup.parent) == ["backup.sqlite3"]
    assert list_unfinished(instance) == []


def test_backup_of_a_read_only_folder_needs_no_lock(instance, tmp_path, invoke, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied")

    # Tests may run as root, for whom no folder is read-only.
    monkeypatch.setattr(backup_files.FileLock, "acquire", fail)
    assert invoke("backup", str(tmp_path / "file")).exit_code == 0
