from datetime import UTC, datetime, timedelta

import pytest

from movierating import clock
from movierating.ratings.formats import field_parsers


def at(*parts: int) -> int:
    return clock.from_datetime(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("tt0111161", "tt0111161"),
        (" tt0111161 ", "tt0111161"),
        ("tt10872600", "tt10872600"),
        ("TT0111161", "tt0111161"),
        ("0111161", "tt0111161"),
        ("111161", "tt0111161"),
        ("111161.0", "tt0111161"),
        (111161, "tt0111161"),
        ("", None),
        (None, None),
        ("0", None),
    ],
    ids=repr,
)
def test_imdb_ids_come_to_one_form(given: object, expected: str | None) -> None:
    assert field_parsers.parse_imdb_id(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [("862", 862), ("862.0", 862), (862, 862), ("0", None), (0, None), (" ", None)],
    ids=repr,
)
def test_tmdb_ids_are_numbers(given: object, expected: int | None) -> None:
    assert field_parsers.parse_tmdb_id(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "nm0000123",
        "tt",
        "tt12345678901",
        "-5",
        "1e3",
        "\u0665\u0665\u0665\u0665\u0665\u0665\u0665",
        True,
        [],
        float("nan"),
    ],
    ids=repr,
)
def test_what_is_no_id_is_refused(given: object) -> None:
    for read in (field_parsers.parse_imdb_id, field_parsers.parse_tmdb_id):
        with pytest.raises(ValueError, match=r"id|belongs"):
            read(given)


@pytest.mark.parametrize("given", ["2147483648", 10**18, "9" * 5000], ids=repr)
def test_tmdb_ids_have_the_limit_of_the_catalogue(given: object) -> None:
    with pytest.raises(ValueError, match="TMDB id"):
        field_parsers.parse_tmdb_id(given)


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
def test_each_scale_has_its_half_points(scale: field_parsers.Scale, given: object, half_points: int) -> None:
    assert field_parsers.parse_rating(scale, given) == half_points


@pytest.mark.parametrize(
    "scale",
    [field_parsers.STARS, field_parsers.WHOLE_TEN, field_parsers.HALVES_TO_TEN],
    ids=lambda scale: scale.wording,
)
@pytest.mark.parametrize(
    "given",
    [
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
        True,
        None,
        [],
        {},
        10**400,
    ],
    ids=repr,
)
def test_what_is_off_the_scale_is_refused(scale: field_parsers.Scale, given: object) -> None:
    with pytest.raises(ValueError, match="the rating"):
        field_parsers.parse_rating(scale, given)


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
def test_times_are_read_in_utc(given: object, expected: int | None) -> None:
    assert field_parsers.parse_time(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "2016-02-30",
        "0000-01-01",
        "-2016-01-01",
        "99999-01-01",
        "13/5/2016",
        "1/2/16",
        "٢٠١٦-١٢-٣١",
        "soon",
        "20161231",
        "Sat Foo 31 00:00:00 2016",
        "2016-12-31T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1483142400",
        1483142400,
        {},
    ],
    ids=repr,
)
def test_what_is_no_time_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"not a date|belongs"):
        field_parsers.parse_time(given)


def test_a_date_is_in_the_future_only_when_it_is_so_everywhere() -> None:
    east = datetime.now(UTC) + timedelta(hours=13, minutes=59)
    assert field_parsers.parse_time(east.date().isoformat()) is not None
    with pytest.raises(ValueError, match="lies in the future"):
        field_parsers.parse_time((datetime.now(UTC) + timedelta(days=2)).date().isoformat())
    with pytest.raises(ValueError, match="lies in the future"):
        field_parsers.parse_time("9999-12-31T23:59:59Z")


@pytest.mark.parametrize(
    ("given", "expected"), [("1995", 1995), ("1995.0", 1995), (1995, 1995), ("", None), (0, None)], ids=repr
)
def test_years_may_be_blank(given: object, expected: int | None) -> None:
    assert field_parsers.parse_year(given) == expected


@pytest.mark.parametrize(
    "given", ["1869", "2101", "95", "99999", "-1", "19x5", "\u0661\u0669\u0669\u0665", True, []], ids=repr
)
def test_what_is_no_year_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"not a year|belongs"):
        field_parsers.parse_year(given)


def test_title_with_many_combining_marks_on_one_letter_is_not_normalized() -> None:
    accents = "\u0301" * 30
    assert field_parsers.parse_title(f"a{accents}") == f"\u00e1{accents[1:]}"
    assert field_parsers.parse_title(f"a{accents}\u0301") == f"a{accents}\u0301"


def test_titles_are_trimmed_and_in_nfc() -> None:
    assert field_parsers.parse_title("  Ame\u0301lie ") == "Am\u00e9lie"
    assert field_parsers.parse_title(" ") is None
    assert field_parsers.parse_title(1917) == "1917"


@pytest.mark.parametrize(
    "given", ["a" * 501, "a" + "\u0301" * 3000, "a\0b", "a\nb", "a\u202eb", "a\udcffb", []], ids=repr
)
def test_titles_that_no_movie_can_have_are_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"a title|belongs"):
        field_parsers.parse_title(given)


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
def test_a_formula_gets_an_apostrophe_and_loses_it_again(text: str, harmless: str) -> None:
    assert field_parsers.escape_formula(text) == harmless
    assert field_parsers.unescape_formula(harmless) == text
