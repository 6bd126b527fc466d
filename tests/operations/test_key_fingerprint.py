"""The detection of hosts that use one database with different keys."""

import pytest
from sqlalchemy import select

from movierating.movies.models import DataMigration
from movierating.operations import key_fingerprint
from movierating.storage.database import read

ONE, TWO = "k" * 32, "l" * 100


def list_fingerprints():
    return [name for name in read().scalars(select(DataMigration.name)) if name.startswith("signed with ")]


def test_key_is_compared_with_the_previous_one(app):
    keys = [ONE, ONE, TWO, TWO, ONE]
    assert [key_fingerprint.record_key(key) for key in keys] == [False, False, True, False, True]
    (name,) = list_fingerprints()
    assert ONE[:4] not in name


@pytest.mark.postgresql
def test_start_with_another_key_is_logged(serve, instance):
    def log(folder, key):
        service = serve(folder, SECRET_KEY=key)
        assert service.stop() == 0
        return (folder.parent / "service.log").read_text()

    assert "MOVIERATING_SECRET_KEY" not in log(instance, ONE)
    assert "MOVIERATING_SECRET_KEY" in log(instance, TWO)
