"""PostgreSQL that has crashed gives numbers out again that it had given before: no answer is taken for another."""

import os
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
def clients(folder, environ, redis):
    """Clients of two applications with one database and one Redis."""
    redis.send("FLUSHALL")
    apps = [create_app(environ(folder, SECRET_KEY="k" * 32, REDIS_URL=redis.url)) for _ in range(2)]
    yield [app.test_client() for app in apps]
    for app in apps:
        with app.app_context():
            database.close()


@pytest.fixture
def change(folder):
    """`change("New")` commits a name for a person to be shown by, or with `undone` does not."""

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
        os.kill(durable.processes()[-1], signal.SIGKILL)

    return kill


def name_of(client):
    return client.get(PROFILE).json["display_name"]


def check_changes(clients, change, name):
    """Make some changes, whose numbers were others' before; everybody is shown each of them."""
    for number in range(3):
        change(f"{name} {number}")
        assert [name_of(client) for client in clients] == [f"{name} {number}"] * 2


def test_no_answer_from_before_a_crash_is_given_for_one_after_it(clients, change, crash, eventually):
    # A transaction that is undone leaves nothing on the disk, and so its number goes to another one after a crash.
    change("undone", undone=True)
    assert name_of(clients[0]) != "undone"
    crash()
    eventually(lambda: clients[0].get("/readyz").status_code == 200)
    check_changes(clients, change, "after")


def test_nor_is_one_of_a_database_in_whose_place_its_older_copy_was_put(durable, clients, change):
    change("old")
    durable.stop()
    copy = durable.folder.with_name("copy")
    subprocess.run(["cp", "-a", durable.folder, copy], check=True)
    durable.start()
    try:
        change("lost")
        assert name_of(clients[0]) == "lost"
    finally:
        durable.stop()
        shutil.rmtree(durable.folder)
        copy.rename(durable.folder)
        durable.start()
    check_changes(clients, change, "found")
