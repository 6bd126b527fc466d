"""Fixtures for backups of PostgreSQL."""

import os

import pytest

import postgres


@pytest.fixture
def pg_programs(monkeypatch):
    """Add PostgreSQL's programs to the PATH."""
    monkeypatch.setenv("PATH", f"{postgres.find_programs()}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def run_command(run):
    """`run_command("backup", file)` runs a command on the instance, and returns its exit code and output."""

    def start(*arguments, **extra):
        done = run(*map(str, arguments), **extra)
        return done.returncode, (done.stdout + done.stderr).strip()

    return start


@pytest.fixture
def database_url(tmp_path):
    """The URL of the instance's database, as the service shows it."""
    return postgres.database_of(tmp_path / "instance").replace("postgresql://", "postgresql+psycopg://")
