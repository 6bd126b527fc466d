"""Dates and times of services and spreadsheets."""

from datetime import UTC, datetime, timedelta

import pytest

from movierating import clock
from movierating.ratings.formats.dates import convert_milliseconds, parse_time


def at(*parts):
    return clock.from_datetime(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
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
        ("Sunday, April 23, 2017", at(2017, 4, 23)),
        ("Sunday, 23 April 2017", at(2017, 4, 23)),
        ("2024-01-15 10:30:00+02", at(2024, 1, 15, 8, 30)),
        ("2024-01-15 10:30:00.5-05", at(2024, 1, 15, 15, 30, 0, 500_000)),
        ("23 Apr 2017", at(2017, 4, 23)),
        ("23-Apr-2017", at(2017, 4, 23)),
        ("23-Apr-17", at(2017, 4, 23)),
        ("5-Apr-17 8:03 PM", at(2017, 4, 5, 20, 3)),
        ("23/Apr/2017", at(2017, 4, 23)),
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
        ("N/A", None),
        ("null", None),
    ],
    ids=repr,
)
def test_times_are_read_in_utc(text, expected):
    assert parse_time(text) == expected


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


@pytest.mark.parametrize("text", ["23-01-05", "05-03-23", "23-01-05 10:00"])
def test_short_date_that_may_begin_with_the_year_is_rejected(text):
    with pytest.raises(ValueError, match="is not a date or time"):
        parse_time(text)


def test_short_date_that_ends_with_the_year_is_read():
    assert parse_time("05/03/23") == at(2023, 5, 3)
