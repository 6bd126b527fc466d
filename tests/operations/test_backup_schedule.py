"""Scheduled backups: when they are due, which are removed, and how the server runs them."""

import re
import threading
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from movierating.operations import sqlite_backup
from movierating.operations.backup_schedule import BackupSchedule, format_backup_name, making_backups
from movierating.operations.child_process import run_module
from service_process import wait_until

pytestmark = pytest.mark.sqlite

NOW = datetime(2025, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def schedule(tmp_path):
    """One backup an hour, of which two stay."""
    folder = tmp_path / "backups"
    folder.mkdir()
    return BackupSchedule(folder, HOUR, 2)


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_backup_names_are_in_utc():
    assert format_backup_name(NOW.astimezone()) == "movierating-20250131T120000Z.sqlite3"


@pytest.mark.parametrize(
    ("hours_ago", "due_in"),
    [([], 0), ([3], -2), ([1], 0), ([0], 1), ([0.5, 3], 0.5), ([-9], 0), ([-9, 0.5], 0.5)],
)
def test_next_backup_is_due_an_interval_after_the_newest(schedule, hours_ago, due_in):
    for hours in hours_ago:
        (schedule.folder / format_backup_name(NOW - hours * HOUR)).touch()
    (schedule.folder / "movierating-now.sqlite3").touch()
    assert schedule.find_next_time(NOW) == NOW + due_in * HOUR


def test_old_backups_are_removed_and_other_files_are_not(schedule):
    made = [format_backup_name(NOW - number * HOUR) for number in range(4)]
    others = [
        format_backup_name(NOW + HOUR),
        "movierating-1.sqlite3",
        "movierating-20251331T120000Z.sqlite3",
        "notes",
    ]
    for name in [*made, *others, f".{made[0]}.part", f".{made[0]}.part-journal"]:
        (schedule.folder / name).touch()
    schedule.remove_old_backups(NOW)
    assert names(schedule.folder) == sorted([*made[:2], *others])


def test_service_makes_backups_and_continues_after_failures(serve, instance, tmp_path, eventually):
    folder = tmp_path / "backups"
    options = ("--backup-dir", str(folder), "--backup-every", "1s", "--backup-keep", "2")
    service = serve(instance, workers=2, options=options, LOG_LEVEL="INFO")
    made = set()

    def has_made_three():
        made.update(file.name for file in folder.glob("m*"))
        return len(made) >= 3

    eventually(has_made_three)
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=30) as response:
        metrics = response.read().decode()
    newest = float(re.search(r"^movierating_last_backup_timestamp_seconds (\S+)$", metrics, re.M)[1])
    assert min(made) <= format_backup_name(datetime.fromtimestamp(newest, UTC))
    assert newest <= datetime.now(UTC).timestamp()
    # A backup may be under way.
    folder.rename(tmp_path / "gone")
    eventually(lambda: any(line["message"] == "backup failed" for line in service.read_log()))
    folder.mkdir()
    eventually(lambda: len(list(folder.glob("m*"))) == 2)
    assert service.stop() == 0
    # The last backup may end after the service.
    assert len(list(folder.glob("m*"))) <= 3
    assert all(sqlite_backup.is_backup(file) for file in folder.glob("m*"))
    failures = [line for line in service.read_log() if line["level"] == "error"]
    assert {line["message"] for line in failures} == {"backup failed"}
    assert all("\n" not in line["reason"] for line in failures)


@pytest.mark.slow
def test_old_backup_that_can_not_be_removed_does_not_make_the_backup_a_failed_one(schedule, instance, caplog):
    for hours in (2, 3):
        (schedule.folder / format_backup_name(NOW - hours * HOUR)).mkdir()
    with making_backups(schedule, instance / "movierating.sqlite3", instance):
        wait_until(lambda: "old backups can't be removed" in caplog.messages)
    assert [sqlite_backup.is_backup(file) for file in schedule.folder.iterdir() if file.is_file()] == [True]
    assert "backup failed" not in caplog.messages


@pytest.mark.slow
def test_backup_ignores_a_package_in_the_working_directory(instance, tmp_path, monkeypatch):
    (planted := tmp_path / "elsewhere" / "movierating").mkdir(parents=True)
    (planted / "__init__.py").write_text("raise SystemExit('planted')")
    monkeypatch.chdir(planted.parent)
    monkeypatch.delenv("MOVIERATING_INSTANCE_PATH", raising=False)
    command = ("movierating", "backup", str(tmp_path / "copy"))
    assert run_module(command, instance, threading.Event()) == (0, "")
    assert sqlite_backup.is_backup(tmp_path / "copy")


@pytest.mark.slow
def test_command_with_long_messages_is_not_blocked(instance):
    # A pipe takes 64 KB.
    command = ("movierating", "seed", "--file", "x" * 100_000)
    exit_code, messages = run_module(command, instance, threading.Event())
    assert exit_code == 2
    assert "xxx" in messages


def test_two_servers_and_a_restart_make_one_backup(serve, instance, tmp_path, eventually):
    folder = tmp_path / "backups"
    options = ("--backup-dir", str(folder), "--backup-every", "1h")
    services = [serve(instance, options=options, LOG_LEVEL="INFO") for _ in range(2)]
    eventually(lambda: any(line["message"] == "backup" for line in services[0].read_log()))
    assert [service.stop() for service in services] == [0, 0]
    made = names(folder)
    assert len(made) == 1
    assert serve(instance, options=options).stop() == 0
    assert names(folder) == made
