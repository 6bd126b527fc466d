"""Dates of services and spreadsheets, and the order of their parts."""

from datetime import UTC, datetime, timedelta

import pytest

from movierating import clock
from movierating.ratings.formats.dates import convert_milliseconds, is_ambiguous, parse_time, settle_order
from movierating.ratings.formats.rows import RatedRow

HEADER = "title,year,value,rated_at\n"
DAY_FIRST = "dates are read day first: 5/3/2023 is 2023-03-05"


def at(*parts):
    return clock.from_datetime(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2016-12-31", at(2016, 12, 31)),
        ("20161231", at(2016, 12, 31)),
        ("12/31/2016", at(2016, 12, 31)),
        ("1/2/2016", at(2016, 1, 2)),
        ("1/2/16", at(2016, 1, 2)),
        ("31/12/2016", at(2016, 12, 31)),
        ("26.01.2023", at(2023, 1, 26)),
        ("05.03.2023", at(2023, 3, 5)),
        ("2023/1/26", at(2023, 1, 26)),
        ("2023.01.26", at(2023, 1, 26)),
        ("09.09.2009, 15:34", at(2009, 9, 9, 15, 34)),
        ("1/26/2023 8:03 PM", at(2023, 1, 26, 20, 3)),
        ("1/26/2023 12:03:04 am", at(2023, 1, 26, 0, 3, 4)),
        ("Apr 23 2017, 08:18", at(2017, 4, 23, 8, 18)),
        ("April 23, 2017", at(2017, 4, 23)),
        ("23 Apr 2017", at(2017, 4, 23)),
        ("23-Apr-2017", at(2017, 4, 23)),
        ("Sat Dec 31 00:00:00 2016", at(2016, 12, 31)),
        ("Sun Jan  1 10:20:30 2017", at(2017, 1, 1, 10, 20, 30)),
        ("2024-01-15T10:30:00.000Z", at(2024, 1, 15, 10, 30)),
        ("2024-01-15T10:30:00.123456Z", at(2024, 1, 15, 10, 30, 0, 123456)),
        ("2024-01-15T10:30:00+02:00", at(2024, 1, 15, 8, 30)),
        ("2024-01-15 10:30:00 UTC", at(2024, 1, 15, 10, 30)),
        ("2024-01-15t10:30", at(2024, 1, 15, 10, 30)),
        ("0001-01-01T00:00:00Z", at(1, 1, 1)),
        (" ", None),
        (None, None),
    ],
    ids=repr,
)
def test_times_are_read_in_utc(given, expected):
    assert parse_time(given) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(
            "2016-02-30",
            "0000-01-01",
            "-2016-01-01",
            "99999-01-01",
            "13/13/2016",
            "1/2/116",
            "٢٠١٦-١٢-٣١",
            "soon",
        ),
        *(
            "20161331",
            "201612310",
            "Sat Foo 31 00:00:00 2016",
            "2016-12-31T25:00:00Z",
            "0001-01-01T00:00:00+14:00",
        ),
        *("1483142400", 1483142400, {}, "31.12.2016 25:00", "1/26/2023 13:03 PM", "Foo 23 2017", "1/2-2016"),
        *("1/" * 5000, "Apr " + "2" * 5000),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_invalid_time_is_rejected_with_a_reason(value):
    with pytest.raises(ValueError, match=r"not a date|belongs"):
        parse_time(value)


def test_a_date_is_kept_up_to_a_day_in_the_future():
    soon = datetime.now(UTC) + timedelta(hours=23, minutes=59)
    assert parse_time(soon.isoformat()) is not None
    with pytest.raises(ValueError, match="lies in the future"):
        parse_time((datetime.now(UTC) + timedelta(days=1, minutes=1)).isoformat())
    with pytest.raises(ValueError, match="lies in the future"):
        parse_time("9999-12-31T23:59:59Z")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, "2020-04-25T17:52:03.456000Z") for value in ("1587837123456", 1587837123456)),
        ("99999999999999", "5138-11-16T09:46:39.999000Z"),
        *(
            (value, None)
            for value in ("", None, "1587837123", "2020-04-25", "1.58784E+12", "20200425", "9" * 15, -1)
        ),
    ],
    ids=repr,
)
def test_milliseconds_are_converted(value, expected):
    assert convert_milliseconds(value) == expected


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
    assert settle_order(texts) == (*order, False)


@pytest.mark.parametrize(
    ("texts", "day_first"),
    [
        (["1/26/2016", "26/1/2016", "27/1/2016"], True),
        (["26/1/2016", "1/26/2016", "1/27/2016"], False),
        (["26/1/2016", "1/26/2016"], False),
    ],
)
def test_most_dates_decide_in_a_column_of_both_orders(texts, day_first):
    assert settle_order(texts) == (day_first, True, True)


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
    assert settle_order(["3/5/2023", text]) == expected


@pytest.mark.parametrize("text", ["23-01-05", "05-03-23", "23-01-05 10:00"])
def test_short_date_that_may_begin_with_the_year_is_rejected(text):
    with pytest.raises(ValueError, match="is not a date or time"):
        parse_time(text)
    assert settle_order([text]) == (False, False, False)


def test_short_date_that_ends_with_the_year_is_read():
    assert parse_time("05/03/23") == at(2023, 5, 3)
