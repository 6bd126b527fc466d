"""A file's ratings: what is written, when nothing is, and a report in which each row counts once."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import SQLAlchemyError

from movierating.errors import InvalidRequest, Unauthenticated
from movierating.ratings import service
from movierating.ratings.imports import import_file

FILE = (
    "tt0113277,,,,,8.5,2024-01-15T10:30:00Z",
    ",,Ronin,,1998,7,2024-01-15",
    ",,Emma,,1996,7,",
    ",,Emma,,1996,11,",
    ",,Emma,,1996,,",
)


@pytest.mark.parametrize("create_missing", [False, True])
@pytest.mark.parametrize("on_conflict", ["newer", "keep", "replace"])
def test_a_dry_run_reports_the_same_and_writes_nothing(
    import_rows, counts, heat, user_id, everything, create_missing, on_conflict
):
    service.rate_movie(user_id, heat, 3, 1_700_000_000_000_000)
    before = everything()
    options = {"create_missing": create_missing, "on_conflict": on_conflict}
    dry = import_rows(user_id, *FILE, dry_run=True, **options)
    assert everything() == before
    wet = import_rows(user_id, *FILE, **options)
    assert (dry.pop("dry_run"), wet.pop("dry_run")) == (True, False)
    assert dry == wet
    assert sum(counts(wet)) == len(FILE)
    assert (everything() == before) == (on_conflict == "keep" and not create_missing)


@pytest.mark.parametrize(("on_conflict", "value"), [("newer", 17), ("keep", 3), ("replace", 17)])
def test_on_conflict_decides_between_stored_rating_and_file(
    rated, import_rows, counts, heat, user_id, exact, on_conflict, value
):
    service.rate_movie(user_id, heat, 3, 1_700_000_000_000_000)
    outcome = [0, 0, 0, 1, 0, 0] if value == 3 else [0, 1, 0, 0, 0, 0]
    assert counts(import_rows(user_id, FILE[0], on_conflict=on_conflict)) == outcome
    assert rated(user_id)[heat][0] == value
    assert exact()


@pytest.mark.parametrize("times", [("2020-01-01", "2021-01-01"), ("", "1969-01-01"), ("", "")])
@pytest.mark.parametrize("in_order", [True, False])
def test_the_newest_row_of_a_movie_counts(rated, import_rows, counts, heat, user_id, times, in_order):
    rows = [f"tt0113277,,,,,{value},{time}" for value, time in zip((1, 2), times, strict=True)]
    rows = rows if in_order or times[0] == times[1] else rows[::-1]
    assert counts(import_rows(user_id, *rows)) == [1, 0, 0, 1, 0, 0]
    assert rated(user_id)[heat][0] == 4


@pytest.mark.parametrize("on_conflict", ["newer", "keep", "replace"])
@pytest.mark.parametrize("date_format", ["", "2024-01-15", "{:%Y-%m-%d}", "{:%Y-%m-%dT%H:%M:%SZ}"])
def test_the_same_file_again_changes_nothing(
    import_rows, counts, heat, user_id, everything, date_format, on_conflict
):
    # As late as it can be, which is where the day begins first.
    rated_at = date_format.format(datetime.now(UTC) + timedelta(hours=13))
    row = f"tt0113277,,,,,8.5,{rated_at}"
    assert counts(import_rows(user_id, row)) == [1, 0, 0, 0, 0, 0]
    before = everything()
    assert counts(import_rows(user_id, row, on_conflict=on_conflict)) == [0, 0, 1, 0, 0, 0]
    assert everything() == before


@pytest.mark.parametrize(
    ("rated_at", "expected"),
    [
        ("2024-01-15T10:30:00.123456Z", "2024-01-15T10:30:00.123456Z"),
        ("2024-01-15T10:30:00+02:00", "2024-01-15T08:30:00Z"),
        ("2024-01-15", "2024-01-15T00:00:00Z"),
        ("1969-07-20", "1969-07-20T00:00:00Z"),
    ],
)
def test_a_rating_keeps_the_files_time(import_rows, heat, user_id, rated_at, expected):
    import_rows(user_id, f"tt0113277,,,,,8.5,{rated_at}")
    assert service.get_rating(user_id, heat)["rated_at"] == expected


_parts = st.sampled_from(
    [
        *FILE,
        "tt0113277,,,,,2,2025-01-15T10:30:00Z",
        ",,Heat,,1996,3,",
        ",,Heat,,,3,",
        ",,Emma,,1997,4,2020-01-01",
        "tt0113277,,,,,8.5",
        "only,two",
        "\u0665,,,,,NaN,99999-01-01",
    ]
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(_parts, max_size=12), create=st.booleans(), on_conflict=st.sampled_from(["newer", "keep"])
)
def test_each_row_counts_once(import_rows, counts, user_id, exact, rows, create, on_conflict):
    report = import_rows(user_id, *rows, create_missing=create, on_conflict=on_conflict)
    assert sum(counts(report)) == len(rows)
    lines = [left["line"] for left in report["unmatched"] + report["errors"]]
    assert len(set(lines)) == len(lines)
    assert set(lines) <= set(range(2, 2 + len(rows)))
    assert exact()


@pytest.mark.parametrize("table", ["movie", "rating", "user"])
def test_failed_import_changes_nothing(import_rows, heat, user_id, everything, fail_on, table):
    # PostgreSQL takes back no id that was given out.
    before = everything(ids=False)
    fail_on("INSERT" if table == "rating" else "UPDATE", table)
    with pytest.raises((SQLAlchemyError, Unauthenticated)):
        import_rows(user_id, *FILE, create_missing=True)
    assert everything(ids=False) == before


def test_damaged_file_changes_nothing(heat, user_id, everything):
    before = everything()
    text = '{"ratings": [{"imdb_id": "tt0113277", "value": 8}], "version": 2}'
    with pytest.raises(InvalidRequest):
        import_file(user_id, io.BytesIO(text.encode()))
    assert everything() == before


def test_deleted_account_imports_nothing(import_rows, heat, user_id, everything):
    before = everything(ids=False)
    with pytest.raises(Unauthenticated):
        import_rows(user_id + 1, *FILE, create_missing=True)
    assert everything(ids=False) == before
