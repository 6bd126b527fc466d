from datetime import UTC, datetime, timedelta

import pytest

from movierating import clock
from movierating.ratings.formats import field_parsers
from movierating.ratings.formats.field_parsers import (
    parse_imdb_id,
    parse_time,
    parse_title,
    parse_tmdb_id,
    parse_year,
)


def at(*parts):
    return clock.from_datetime(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["tt0111161", " tt0111161 ", "TT0111161", "0111161", "111161", "111161.0", 111161], ids=repr
)
def test_imdb_id_is_normalized(text):
    assert parse_imdb_id(text) == "tt0111161"


@pytest.mark.parametrize(
    ("parse", "value", "expected"),
    [
        (parse_imdb_id, "tt10872600", "tt10872600"),
        *((parse_imdb_id, blank, None) for blank in ("", None, "0")),
        *((parse_tmdb_id, number, 862) for number in ("862", "862.0", 862)),
        *((parse_tmdb_id, blank, None) for blank in ("0", 0, " ")),
        *((parse_year, year, 1995) for year in ("1995", "1995.0", 1995)),
        *((parse_year, blank, None) for blank in ("", 0)),
        (parse_title, "  Ame\u0301lie ", "Am\u00e9lie"),
        (parse_title, " ", None),
        (parse_title, 1917, "1917"),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)[:30]),
)
def test_value_is_parsed(parse, value, expected):
    assert parse(value) == expected


NO_IDS = ["nm0000123", "tt", "tt12345678901", "-5", "1e3", "\u0665" * 7, True, [], float("nan")]
NO_YEARS = ["1869", "2101", "95", "99999", "-1", "19x5", "\u0661\u0669\u0669\u0665", True, []]
NO_TITLES = ["a" * 501, "a" + "\u0301" * 3000, "a\0b", "a\nb", "a\u202eb", "a\udcffb", []]
NO_TIMES = [
    *("2016-02-30", "0000-01-01", "-2016-01-01", "99999-01-01", "13/5/2016", "1/2/16", "٢٠١٦-١٢-٣١", "soon"),
    *("20161231", "Sat Foo 31 00:00:00 2016", "2016-12-31T25:00:00Z", "0001-01-01T00:00:00+14:00"),
    *("1483142400", 1483142400, {}),
]


@pytest.mark.parametrize(
    ("parse", "value", "reason"),
    [
        *((parse_imdb_id, value, "IMDb id|belongs") for value in NO_IDS),
        *((parse_tmdb_id, value, "TMDB id|belongs") for value in [*NO_IDS, "2147483648", 10**18, "9" * 5000]),
        *((parse_year, value, "not a year|belongs") for value in NO_YEARS),
        *((parse_title, value, "a title|belongs") for value in NO_TITLES),
        *((parse_time, value, "not a date|belongs") for value in NO_TIMES),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)[:30]),
)
def test_invalid_value_is_rejected_with_a_reason(parse, value, reason):
    with pytest.raises(ValueError, match=reason):
        parse(value)


@pytest.mark.parametrize(
    ("scale", "given", "half_points"),
    [
        (field_parsers.STARS, "0.5", 2),
        (field_parsers.STARS, "3,5", 14),
        (field_parsers.STARS, " 5.0 ", 20),
        (field_parsers.WHOLE_TEN, "1", 2),
        (field_parsers.WHOLE_TEN, "10", 20),
        (field_parsers.WHOLE_TEN, 9, 18),
        (field_parsers.WHOLE_TEN, 9.0, 18),
        (field_parsers.HALVES_TO_TEN, "0.5", 1),
        (field_parsers.HALVES_TO_TEN, 8.5, 17),
        (field_parsers.HALVES_TO_TEN, "10", 20),
    ],
    ids=lambda value: value.wording if isinstance(value, field_parsers.Scale) else repr(value),
)
def test_each_scale_has_its_half_points(scale, given, half_points):
    assert field_parsers.parse_rating(scale, given) == half_points


OFF_THE_SCALE = [
    *(
        "0",
        "11",
        "-1",
        "NaN",
        "1e309",
        "\u0665",
        "4.25",
        "five",
        "",
        "1_0",
        0,
        11,
        float("nan"),
        float("inf"),
    ),
    *(True, None, [], {}, 10**400),
]


@pytest.mark.parametrize(
    "scale",
    [field_parsers.STARS, field_parsers.WHOLE_TEN, field_parsers.HALVES_TO_TEN],
    ids=lambda scale: scale.wording,
)
@pytest.mark.parametrize("value", OFF_THE_SCALE, ids=repr)
def test_value_off_the_scale_is_rejected(scale, value):
    with pytest.raises(ValueError, match="the rating"):
        field_parsers.parse_rating(scale, value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2016-12-31", at(2016, 12, 31)),
        ("12/31/2016", at(2016, 12, 31)),
        ("1/2/2016", at(2016, 1, 2)),
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


def test_a_date_is_in_the_future_only_when_it_is_so_everywhere():
    east = datetime.now(UTC) + timedelta(hours=13, minutes=59)
    assert parse_time(east.date().isoformat()) is not None
    with pytest.raises(ValueError, match="lies in the future"):
        parse_time((datetime.now(UTC) + timedelta(days=2)).date().isoformat())
    with pytest.raises(ValueError, match="lies in the future"):
        parse_time("9999-12-31T23:59:59Z")


def test_title_with_many_combining_marks_on_one_letter_is_not_normalized():
    accents = "\u0301" * 30
    assert parse_title(f"a{accents}") == f"\u00e1{accents[1:]}"
    assert parse_title(f"a{accents}\u0301") == f"a{accents}\u0301"


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("=1+1", "'=1+1"),
        ("-1", "'-1"),
        ("+1", "'+1"),
        ("@work", "'@work"),
        ("\uff1dA1", "'\uff1dA1"),
        ("'=1", "''=1"),
        ("a;=1", "a;'=1"),
        ('";"=1', '";\'"=1'),
        ('"=1"', '\'"=1"'),
        ("'Tis Pity", "'Tis Pity"),
        ("9-1-1", "9-1-1"),
        ("", ""),
    ],
    ids=repr,
)
def test_a_formula_gets_an_apostrophe_and_loses_it_again(text, harmless):
    assert field_parsers.escape_formula(text) == harmless
    assert field_parsers.unescape_formula(harmless) == text
