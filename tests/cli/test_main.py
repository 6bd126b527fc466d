"""The command `movierating` itself."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

FULL = Path("/dev/full")


@pytest.mark.parametrize("program", [("movierating",), ("flask", "--app", "movierating")])
def test_db_runs_the_commands_of_flask_migrate(run, instance, program):
    done = run("db", "current", program=program)
    assert done.returncode == 0
    assert done.stdout.endswith("(head)\n")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
def test_output_to_a_full_disk_is_reported_in_one_line(environ, instance):
    command = [sys.executable, "-m", "movierating", "check"]
    with FULL.open("wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=environ(instance), text=True, timeout=180
        )
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device\n")


def test_commands_run_with_closed_standard_streams(environ, instance, tmp_path):
    output = tmp_path / "output"
    command = f"{sys.executable} -m movierating check >{output} 2>&- <&-"
    assert subprocess.run(command, shell=True, env=environ(instance), timeout=180).returncode == 0
    assert output.read_text() == "No problems found.\n"
    create = f"{sys.executable} -m movierating user create ada ada@example.org --password-stdin <&-"
    done = subprocess.run(
        create, shell=True, env=environ(instance), capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: password: ")


def test_help_and_version_import_no_application():
    asked = [["--help"], ["import", "ratings", "--help"], ["export", "ratings", "--help"], ["--version"]]
    ask = f"from movierating.cli.main import main; [main(words, standalone_mode=False) for words in {asked}]"
    heavy = "import sys; print(sorted({'flask', 'sqlalchemy', 'alembic', 'granian'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", f"{ask}; {heavy}"], capture_output=True, text=True, timeout=180
    )
    assert "serve" in done.stdout
    assert f"version {version('movierating')}" in done.stdout
    assert done.stdout.endswith("[]\n"), done.stderr


@pytest.mark.parametrize("name", ["user", "import", "export", "db"])
def test_group_lists_its_commands(run, name):
    done = run(name, "--help")
    assert done.returncode == 0
    assert "Commands:" in done.stdout


ASK_EVERY_HELP = """
import json
from click.testing import CliRunner
from flask_migrate.cli import db
from movierating.cli.main import main

def list_commands(group, *names):
    yield names
    for name, command in group.commands.items():
        yield from list_commands(command, *names, name) if hasattr(command, "commands") else [(*names, name)]

for words in [*list_commands(main), *list_commands(db, "db")]:
    for option in ("-h", "--help"):
        done = CliRunner().invoke(main, [*words, option], prog_name="movierating")
        print(json.dumps([done.exit_code, [*words], done.output]))
"""


def test_every_help_names_the_instance_folder_without_an_instance(tmp_path, environ):
    # In another process, because Flask-Migrate, once it is imported, is part of each application; and in a folder in
    # which Flask finds no application.
    done = subprocess.run(
        [sys.executable, "-c", ASK_EVERY_HELP],
        cwd=tmp_path,
        env={**environ(tmp_path / "none"), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    helps = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(helps) > 100, done.stderr
    for code, words, output in helps:
        assert code == 0, output
        assert output.startswith(f"Usage: {' '.join(['movierating', *words])} ")
        assert output.endswith(f"\nInstance folder: {tmp_path / 'none'}\n"), words


@pytest.mark.parametrize("arguments", [["-h"], ["user", "-h"], ["user", "list", "--help"]], ids=" ".join)
def test_help_names_the_instance_folder_and_ends_its_sentences(run, tmp_path, arguments):
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"\nInstance folder: {tmp_path / 'instance'}\n")
    assert "..." not in done.stdout.partition("Commands:")[2]
