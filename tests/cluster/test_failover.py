"""A promoted replica continues with another history than its primary, so versions of responses differ."""

import pytest

import postgres
from movierating import create_app
from movierating.storage import database


@pytest.fixture
def versions(environ, tmp_path):
    """`versions(address)` returns the versions of a movie and of any response there."""

    def read(address):
        folder = tmp_path / address.rpartition(":")[2].replace("/", "-")
        postgres.use(folder, address)
        with create_app(environ(folder), prepared=False).app_context():
            # The first part is the time of reading.
            versions = [database.get_version(subject)[1:] for subject in (("movie", 1), None)]
            database.close()
        return versions

    return read


def test_promoted_replica_has_another_database_id(durable, hosts, populate, versions):
    folder = hosts()
    populate(folder, "ada", count=1)
    name = postgres.database_of(folder).rpartition("/")[2]
    before = versions(durable.address(name))
    replica = durable.replica()
    try:
        replica.start()
        following = versions(replica.address(name))
        replica.run("pg_ctl", "promote", "-D", str(replica.folder), "--wait")
        after = versions(replica.address(name))
    finally:
        replica.remove()
    # The row is the same, its history is not.
    assert before[0][1:] == following[0][1:] == after[0][1:]
    assert following[0][0] is None
    assert None not in (before[0][0], after[0][0])
    assert before[0][0] != after[0][0]
    assert before == versions(durable.address(name))
    assert len({before[1], following[1], after[1]}) == 3
