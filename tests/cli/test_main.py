"""The command `movierating` itself."""

import subprocess
import sys
from importlib.metadata import version

import pytest


@pytest.mark.parametrize("program", [("movierating",), ("flask", "--app", "movierating")])
def test_db_runs_the_commands_of_flask_migrate(run, instance, program):
    done = run("db", "current", program=program)
    assert done.returncode == 0
    assert done.stdout.endswith("(head)\n")


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


@pytest.mark.parametrize("arguments", [["-h"], ["user", "-h"], ["user", "list", "--help"]], ids=" ".join)
def test_help_names_the_instance_folder_and_ends_its_sentences(run, tmp_path, arguments):
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"\nInstance folder: {tmp_path / 'instance'}\n")
    assert "..." not in done.stdout.partition("Commands:")[2]
