"""PostgreSQL that has crashed assigns transaction numbers again: no stored response is sent for another state."""

import shutil
import signal
import subprocess

import psycopg
import pytest

import postgres
from movierating import create_app
from movierating.storage import database

PROFILE = "/v1/users/1"


@pytest.fixture(scope="module")
def folder(hosts, populate):
    folder = hosts()
    populate(folder, "ada", count=1)
    return folder


@pytest.fixture
def client(folder, environ):
    app = create_app(environ(folder))
    yield app.test_client()
    with app.app_context():
        database.close()


@pytest.fixture
def change(folder):
    """`change("New")` commits a display name, or with `undone` rolls it back."""

    def write(name, undone=False):
        with psycopg.connect(postgres.database_of(folder)) as connection:
            connection.execute('UPDATE "user" SET display_name = %s', [name])
            if undone:
                connection.rollback()

    return write


@pytest.fixture(params=["server", "backend"])
def crash(durable, request):
    """Let PostgreSQL crash."""

    def kill():
        if request.param == "server":
            with durable.gone(signal.SIGQUIT):
                return
        durable.crash_backend()

    return kill


def get_name(client):
    return client.get(PROFILE).json["display_name"]


def check_changes(client, change, name):
    """Make some changes, whose transaction numbers other changes had before; each of them is shown."""
    for number in range(3):
        change(f"{name} {number}")
        assert get_name(client) == f"{name} {number}"


def test_response_stored_before_a_crash_is_not_sent_after_it(client, change, crash, eventually):
    # A transaction that is rolled back leaves nothing on the disk, so its number is assigned again after a crash.
    change("undone", undone=True)
    assert get_name(client) != "undone"
    crash()
    eventually(lambda: client.get("/readyz").status_code == 200)
    check_changes(client, change, "after")


def test_response_stored_before_an_older_copy_was_restored_is_not_sent(durable, client, change):
    change("old")
    durable.stop()
    copy = durable.folder.with_name("copy")
    subprocess.run(["cp", "-a", durable.folder, copy], check=True)
    durable.start()
    try:
        change("lost")
        assert get_name(client) == "lost"
    finally:
        durable.stop()
        shutil.rmtree(durable.folder)
        copy.rename(durable.folder)
        durable.start()
    check_changes(client, change, "found")
