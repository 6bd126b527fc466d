"""Backups by the server itself: when they are due, which stay, and that they disturb nothing."""

import json
import re
import shutil
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from movierating.cli.main import main
from movierating.operations import sqlite_backup
from movierating.operations.backup_schedule import BackupSchedule, BackupThread, format_backup_name

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


def eventually(true):
    """Return once `true()` is, fail after a minute: each backup is a process that has to start."""
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("it never came true")


def log_of(service):
    return [json.loads(line) for line in (service.folder.parent / "service.log").read_text().splitlines()]


def test_names_sort_by_time():
    times = [NOW + number * 5 * HOUR for number in range(50)]
    assert sorted(map(format_backup_name, times)) == list(map(format_backup_name, times))
    assert (
        format_backup_name(NOW.astimezone())
        == format_backup_name(NOW)
        == "movierating-20250131T120000Z.sqlite3"
    )


@pytest.mark.parametrize(
    ("hours_ago", "due_in"),
    [([], 0), ([3], -2), ([1], 0), ([0], 1), ([0.5, 3], 0.5), ([-9], 0), ([-9, 0.5], 0.5)],
)
def test_the_next_is_due_an_interval_after_the_newest(schedule, hours_ago, due_in):
    for hours in hours_ago:
        (schedule.folder / format_backup_name(NOW - hours * HOUR)).touch()
    (schedule.folder / "movierating-now.sqlite3").touch()
    assert schedule.find_next_time(NOW) == NOW + due_in * HOUR


def test_older_ones_go_and_what_is_not_ours_stays(schedule):
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


def test_a_service_backs_itself_up_and_keeps_the_newest(serve, instance, tmp_path):
    folder = tmp_path / "backups"
    options = ("--backup-dir", str(folder), "--backup-every", "1s", "--backup-keep", "2")
    service = serve(instance, workers=2, options=options, LOG_LEVEL="INFO")
    seen = set()

    def three_were_made():
        seen.update(file.name for file in folder.glob("m*"))
        return len(seen) >= 3

    eventually(three_were_made)
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=30) as answer:
        shown = re.search(r"^movierating_last_backup_timestamp_seconds (\S+)$", answer.read().decode(), re.M)
    assert (
        min(seen)
        <= format_backup_name(datetime.fromtimestamp(float(shown[1]), UTC))
        <= format_backup_name(datetime.now(UTC))
    )
    shutil.rmtree(folder)
    eventually(lambda: any(line["message"] == "backup failed" for line in log_of(service)))
    folder.mkdir()
    eventually(lambda: len(list(folder.glob("m*"))) == 2)
    assert service.stop() == 0
    assert len(names(folder)) <= 3
    assert all(sqlite_backup.is_backup(file) for file in folder.glob("m*"))
    failures = [line for line in log_of(service) if line["level"] == "error"]
    assert {line["message"] for line in failures} == {"backup failed"}
    assert all("\n" not in line["reason"] for line in failures)


@pytest.mark.slow
def test_a_backup_is_of_the_servers_instance_whatever_lies_where_it_was_started(
    instance, tmp_path, monkeypatch
):
    (planted := tmp_path / "elsewhere" / "movierating").mkdir(parents=True)
    (planted / "__init__.py").write_text("raise SystemExit('planted')")
    monkeypatch.chdir(planted.parent)
    monkeypatch.delenv("MOVIERATING_INSTANCE_PATH", raising=False)
    database = instance / "movierating.sqlite3"
    thread = BackupThread(BackupSchedule(tmp_path, timedelta(hours=1), 1), database, instance)
    assert thread.run_command("backup", str(tmp_path / "copy")) == (0, "")
    assert sqlite_backup.is_backup(tmp_path / "copy")


def test_two_servers_and_a_restart_make_one_backup(serve, instance, tmp_path):
    folder = tmp_path / "backups"
    options = ("--backup-dir", str(folder), "--backup-every", "1h")
    services = [serve(instance, options=options, LOG_LEVEL="INFO") for _ in range(2)]
    eventually(lambda: any(line["message"] == "backup" for line in log_of(services[0])))
    assert [service.stop() for service in services] == [0, 0]
    made = names(folder)
    assert len(made) == 1
    assert serve(instance, options=options).stop() == 0
    assert names(folder) == made


def test_nothing_is_restored_while_a_service_runs(serve, instance, run, tmp_path):
    file = tmp_path / "backup"
    service = serve(instance)
    assert run("backup", str(file)).returncode == 0
    refused = run("restore", str(file))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "Error: the instance is in use; stop `serve` and other commands first\n"
    assert service.stop() == 0
    assert run("restore", str(file)).returncode == 0


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (("--backup-every", "1h"), 2, "--backup-every and --backup-keep need --backup-dir"),
        (("--backup-keep", "3"), 2, "--backup-every and --backup-keep need --backup-dir"),
        (
            ("--backup-dir", "x", "--backup-every", "soon"),
            2,
            "'soon' is not a duration such as 30m, 24h or 7d",
        ),
        (("--backup-dir", "x", "--backup-keep", "0"), 2, "not in the range"),
        (
            ("--backup-dir", "/dev/null/x"),
            1,
            "Error: backups can't be written to /dev/null/x (Not a directory)\n",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(environ, instance, tmp_path, monkeypatch, options, code, why):
    monkeypatch.chdir(tmp_path)
    done = CliRunner(env=environ(instance)).invoke(main, ["serve", *options])
    assert done.exit_code == code
    assert why in done.output
