"""`/healthz` and `/readyz`, for supervisors and load balancers."""

import pytest
from flask_migrate import downgrade

from movierating.storage import database


def test_running_process_is_healthy(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_migrated_database_is_ready(client):
    response = client.get("/readyz")
    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_missing_migration_is_not_ready(client, problem):
    database.close()
    downgrade(revision="base")
    assert "migrations" in problem(client.get("/readyz"), 503)["detail"]
    assert client.get("/healthz").status_code == 200


@pytest.mark.sqlite
@pytest.mark.parametrize("damage", [b"This is not a database. " * 400, None], ids=["junk", "folder"])
def test_unreadable_database_is_not_ready(client, problem, tmp_path, damage):
    database.close()
    file = tmp_path / "instance" / "movierating.sqlite3"
    file.unlink()
    file.mkdir() if damage is None else file.write_bytes(damage)
    assert "database" in problem(client.get("/readyz"), 503)["detail"]
    assert client.get("/healthz").status_code == 200


def test_unavailable_redis_makes_readiness_degraded(make_app, redis, eventually):
    app = make_app(REDIS_URL=redis.url)
    client = app.test_client()
    assert client.get("/readyz").json == {"status": "ok"}
    with redis.gone():
        for _ in range(2):
            response = client.get("/readyz")
            assert (response.status_code, response.json) == (
                200,
                {"status": "degraded", "degraded": ["redis"]},
            )
    eventually(lambda: client.get("/readyz").json == {"status": "ok"})
    app.extensions["redis"].close()


def test_query_parameters_are_rejected(client, problem):
    problem(client.get("/readyz?deep=1"), 422, "deep")
