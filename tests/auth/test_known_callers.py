"""Who a session's token stands for is kept, and asked again with whatever may have changed it, in whatever process."""

import pytest
from sqlalchemy import update

from movierating import clock
from movierating.auth import service
from movierating.auth.models import User
from movierating.errors import Unauthenticated
from movierating.storage import database
from movierating.storage.database import db, read, write

ME = "/v1/users/me"


@pytest.fixture
def elsewhere(make_app, app):
    """A client of another application, as another worker has, that knows the same secret."""
    return make_app(SECRET_KEY=app.config["SECRET_KEY"]).test_client()


@pytest.mark.sqlite
def test_session_is_read_once_until_it_changes(member, admin, add_movie, monkeypatch):
    movie_id, seen = add_movie(), []
    member.get(ME)
    # The time limit of a minute must not pass meanwhile.
    monkeypatch.setattr(database, "monotonic", lambda: 0.0)
    member.get(ME)
    member.put(f"/v1/movies/{movie_id}/rating", json={"value": 7})
    driver = read().connection.dbapi_connection
    driver.set_trace_callback(seen.append)
    member.put(f"/v1/movies/{movie_id}/rating", json={"value": 8})
    admin.put(f"/v1/movies/{movie_id}/rating", json={"value": 9})
    member.delete(f"/v1/movies/{movie_id}/rating")
    driver.set_trace_callback(None)
    # The admin's, once.
    assert sum("FROM user JOIN session" in each.replace('"', "") for each in seen) == 1


def administer(**values):
    """What an admin's call, and any other write but a session's own, does."""
    return lambda member, _client: write(
        lambda connection: connection.execute(update(User).where(User.id == member.id).values(values))
    )


def log_out(member, client):
    response = client.post("/v1/auth/logout", headers=member.headers)
    assert response.status_code == 204


@pytest.mark.parametrize("change", [log_out, administer(active=False)], ids=["logged out", "deactivated"])
def test_session_ended_in_another_process_is_rejected_at_once(member, elsewhere, problem, change):
    assert member.get(ME).status_code == elsewhere.get(ME, headers=member.headers).status_code == 200
    change(member, elsewhere)
    problem(member.get(ME), 401)
    problem(elsewhere.get(ME, headers=member.headers), 401)


def test_a_role_that_is_taken_away_counts_at_once(admin, problem):
    assert admin.get("/v1/users").status_code == 200
    administer(role="member")(admin, None)
    problem(admin.get("/v1/users"), 403)


def test_cached_session_expires(member, monkeypatch):
    session_id = service.login("member", "correct horse battery").session_id
    assert service.find_session_caller(member.id, session_id).user_id == member.id
    end = clock.now() + service.REFRESH_TOKEN_SECONDS * clock.SECOND + clock.SECOND
    monkeypatch.setattr(clock, "now", lambda: end)
    with pytest.raises(Unauthenticated):
        service.find_session_caller(member.id, session_id)


def test_cache_of_callers_is_bounded(member, sign_up, monkeypatch):
    monkeypatch.setattr(service, "MAX_CACHED_CALLERS", 2)
    for person in [member, *(sign_up() for _ in range(4))]:
        assert person.get(ME).status_code == 200
        assert len(service._callers[db.engine]) <= 2
