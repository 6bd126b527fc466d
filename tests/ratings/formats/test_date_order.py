"""The order of day and month in the dates of a column."""

from datetime import UTC, datetime

import pytest

from movierating import clock
from movierating.ratings.formats.date_order import detect_order, is_ambiguous
from movierating.ratings.formats.rows import RatedRow

HEADER = "title,year,value,rated_at\n"
DAY_FIRST = "dates are read day first: 5/3/2023 is 2023-03-05"


def at(*parts):
    return clock.from_datetime(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["1/2/2016", "26/1/2016"], (True, True)),
        (["1/2/2016", "1/26/2016"], (False, True)),
        (["1-2-2016", "26-1-2016"], (True, True)),
        (["1/2/2016", "2/1/2016"], (False, False)),
        (["2016-01-26", "26.01.2016", "45/1/2016", "", "soon"], (False, False)),
    ],
)
def test_a_number_above_12_settles_the_order(texts, order):
    assert detect_order(texts) == (*order, False)


@pytest.mark.parametrize(
    ("texts", "day_first"),
    [
        (["1/26/2016", "26/1/2016", "27/1/2016"], True),
        (["26/1/2016", "1/26/2016", "1/27/2016"], False),
        (["26/1/2016", "1/26/2016"], False),
    ],
)
def test_most_dates_decide_in_a_column_of_both_orders(texts, day_first):
    assert detect_order(texts) == (day_first, True, True)


@pytest.mark.parametrize(
    ("text", "expected"), [("1/2/2016", True), ("2/2/2016", False), ("26/1/2016", False), ("1.2.2016", False)]
)
def test_ambiguous_dates_are_known(text, expected):
    assert is_ambiguous(text) == expected


@pytest.mark.parametrize(
    ("dates", "days", "notes"),
    [
        (["5/3/2023", "26/1/2023"], ["2023-03-05", "2023-01-26"], [DAY_FIRST, None]),
        (["5/3/2023", "1/26/2023"], ["2023-05-03", "2023-01-26"], [None, None]),
        (["2023-01-26", "5/3/2023"], ["2023-01-26", "2023-05-03"], [None, "no date tells"]),
        (
            ["26/1/2023", "1/26/2023", "5/3/2023"],
            ["2023-01-26", "2023-01-26", "2023-05-03"],
            [None, None, "some dates have the day first, others the month; 5/3/2023 is read as 2023-05-03"],
        ),
        (["5.3.2023", "1/26/2023"], ["2023-03-05", "2023-01-26"], [None, None]),
        (["soon", "2023-01-26"], [None, "2023-01-26"], ["'soon' is not a date or time", None]),
        (["2999-01-01", "2/30/2023"], [None, None], ["lies in the future", "is not a date or time"]),
    ],
)
def test_the_order_of_a_column_is_settled_and_an_unreadable_date_costs_the_date_alone(
    read, dates, days, notes
):
    _, rows = read(HEADER + "".join(f"Ran,1985,{value},{date}\n" for value, date in enumerate(dates, 1)))
    assert all(isinstance(row, RatedRow) for row in rows)
    assert [row.rated_at and clock.format_rfc3339(row.rated_at)[:10] for row in rows] == days
    assert all((note or "") in (row.note or "") for row, note in zip(rows, notes, strict=True))
    assert [row.note is None for row in rows] == [note is None for note in notes]


@pytest.mark.parametrize(
    ("dates", "watched", "days"),
    [
        # Each column has an order of its own.
        (["26/1/2023", "5/3/2023"], ["1/26/2023", "6/3/2023"], ["2023-01-26", "2023-03-05", "2023-06-03"]),
        # A column that leaves its order open has that of the other.
        (["26/1/2023", "5/3/2023"], ["4/3/2023", "6/3/2023"], ["2023-01-26", "2023-03-05", "2023-03-06"]),
        (["4/3/2023", "5/3/2023"], ["26/1/2023", "6/3/2023"], ["2023-03-04", "2023-03-05", "2023-03-06"]),
        (["4/3/2023", "5/3/2023"], ["4/3/2023", "6/3/2023"], ["2023-04-03", "2023-05-03", "2023-06-03"]),
    ],
)
def test_the_order_is_settled_once_a_column(read, dates, watched, days):
    header = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
    entries = [*zip(dates, watched, strict=True), ("", watched[1])]
    _, rows = read(header + "".join(f"{day},Ran,1985,u{day},4,,,{seen}\n" for day, seen in entries))
    assert [clock.format_rfc3339(row.rated_at)[:10] for row in rows] == days
    assert 1 <= len([row.note for row in rows if row.note]) <= 2


@pytest.mark.parametrize(("title_type", "is_noted"), [("Movie", False), ("Film", True)])
def test_imdbs_english_file_has_the_month_first(read, title_type, is_noted):
    header = "Const,Your Rating,Date Rated,Title,Title Type,Year\n"
    _, [row] = read(f"{header}tt0113277,8,5/3/2023,Heat,{title_type},1995\n")
    assert row.rated_at == at(2023, 5, 3)
    assert (row.note is not None) == is_noted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12/1/2026", (True, True, False)),
        ("1/12/26", (False, True, False)),
        ("12/1/2026 10:30", (True, True, False)),
        # Tomorrow is possible, because a clock may be fast.
        ("6/7/2026", (False, True, False)),
        # In both orders in the past, and in both in the future.
        ("5/4/2026", (False, False, False)),
        ("5/4/2027", (False, False, False)),
    ],
)
def test_date_that_lies_in_the_future_has_the_other_order(monkeypatch, text, expected):
    monkeypatch.setattr(clock, "now", lambda: at(2026, 6, 6, 12))
    assert detect_order(["3/5/2023", text]) == expected


@pytest.mark.parametrize("text", ["23-01-05", "05-03-23", "23-01-05 10:00"])
def test_short_date_that_may_begin_with_the_year_settles_no_order(text):
    assert detect_order([text]) == (False, False, False)
