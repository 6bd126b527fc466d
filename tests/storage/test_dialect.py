"""SQL that differs by database."""

import pytest
from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql

from movierating.movies import service
from movierating.movies.models import Movie
from movierating.storage.database import read, write
from movierating.storage.dialect import in_query_by_index

_others = Movie.__table__.alias("other").c


@pytest.fixture
def lookup(app):
    """A query of the first 300 of 5,000 movies by their ids, which another query returns."""
    rows = [{**service.make_row({"title": f"Movie {n}", "year": 2000}), "id": n} for n in range(1, 5_001)]
    write(lambda connection: connection.execute(insert(Movie), rows))
    read().exec_driver_sql("ANALYZE")
    return select(Movie.id).where(
        in_query_by_index(Movie.__table__.c.id, select(_others.id).where(_others.id <= 300))
    )


def test_in_query_by_index_selects_the_rows_of_the_query(lookup):
    assert sorted(read().scalars(lookup)) == list(range(1, 301))


@pytest.mark.postgresql
def test_in_query_by_index_looks_each_row_up_by_the_index(lookup):
    statement = lookup.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    plan = "\n".join(row[0] for row in read().exec_driver_sql(f"EXPLAIN {statement}"))
    # A join would read the whole table as soon as there are many rows.
    assert "InitPlan" in plan
    assert "using pk_movie on movie " in plan
    assert "Join" not in plan
