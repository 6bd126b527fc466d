"""PostgreSQL: plans of statements, text with NUL, and errors without values."""

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from movierating.auth.models import User
from movierating.movies import search
from movierating.movies.models import DataMigration
from movierating.storage.database import read, write
from movierating.users import rating_history

pytestmark = pytest.mark.postgresql


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/movies?director=a%00b", None, 422),
        ("GET", "/v1/movies?q=a%00b&sort=relevance", None, 422),
        ("POST", "/v1/auth/login", {"login": "ada\0", "password": "correct horse battery"}, 401),
        ("POST", "/v1/auth/login", {"login": "ada", "password": "correct\0horse"}, 401),
        ("POST", "/v1/auth/refresh", {"refresh_token": "\0"}, 401),
    ],
)
def test_nul_in_a_request_is_no_server_error(client, method, path, body, status):
    assert client.open(path, method=method, json=body).status_code == status


def test_text_with_nul_matches_nothing(app):
    write(lambda connection: connection.execute(insert(DataMigration).values(name="ab", applied_at=0)))
    for name in ("a\0b", "ab\0", "\0"):
        assert read().scalar(select(func.count()).where(DataMigration.name == name)) == 0


SECRET = "ada@example.org"


@pytest.mark.parametrize("number", [1, 2], ids=["one row", "many"])
def test_error_names_the_constraint_without_values(app, number):
    row = {"username": "ada", "username_key": "ada", "display_name": "Ada", "created_at": 0, "updated_at": 0}
    rows = [{**row, "username_key": f"ada{each}", "email_key": SECRET} for each in range(number)]
    write(lambda connection: connection.execute(insert(User).values({**row, "email_key": SECRET})))
    with pytest.raises(IntegrityError) as raised:
        write(lambda connection: connection.execute(insert(User), rows))
    assert "uq_user_email_key" in str(raised.value)
    assert SECRET not in str(raised.value)
    assert not any("ada0" in str(each) for each in (raised.value, raised.value.orig, raised.value.__cause__))


def test_next_page_by_title_uses_the_index(app):
    driver = read().connection.dbapi_connection
    driver.execute("SET enable_sort = off")
    (statement,) = rating_history._get_paginator("title", frozenset())._next
    values = {"user": 1, "start_0": "emma", "start_1": 7, "max_rows": 3}
    plan = "\n".join(
        row[0] for row in driver.execute(f"EXPLAIN {statement.compile(read().dialect).sql}", values)
    )
    assert "Index Cond: (ROW(title_key, id) > ROW(" in plan


def list_prepared_statements():
    """Return the prepared statements of this connection."""
    return read().exec_driver_sql("SELECT statement FROM pg_prepared_statements").scalars().all()


def test_list_by_title_is_planned_for_each_user(app):
    for sort in ["title", "-rated_at"] * 8:
        rating_history._get_paginator(sort, frozenset()).page(None, 3, user=1)
    assert any("ORDER BY rating.rated_at DESC" in statement for statement in list_prepared_statements())
    assert not any("ORDER BY movie.title_key" in statement for statement in list_prepared_statements())


def test_next_page_of_movies_is_read_by_one_statement(app, add_movie):
    for _ in range(3):
        add_movie()
    _, cursor = search.search_movies({}, "-score", None, 1)
    for _ in range(8):
        search.search_movies({}, "-score", cursor, 1)
    (statement,) = [each for each in list_prepared_statements() if "sort_0" in each]
    assert "(movie.score, movie.prominence, movie.id) < (" in statement
