import pytest

from movierating.ratings.formats import field_parsers
from movierating.ratings.formats.field_parsers import (
    extract_year,
    parse_imdb_id,
    parse_kind,
    parse_title,
    parse_tmdb_id,
    parse_year,
)


@pytest.mark.parametrize(
    "text", ["tt0111161", " tt0111161 ", "TT0111161", "0111161", "111161", "111161.0", 111161], ids=repr
)
def test_imdb_id_is_normalized(text):
    assert parse_imdb_id(text) == "tt0111161"


@pytest.mark.parametrize("rest", ["", "/", "/?ref_=rt_li_tt"])
@pytest.mark.parametrize("site", ["https://www.imdb.com", "http://imdb.com", "m.imdb.com/de"])
def test_an_address_at_imdb_has_the_imdb_id(site, rest):
    assert parse_imdb_id(f"{site}/title/tt0111161{rest}") == "tt0111161"


@pytest.mark.parametrize(
    ("parse", "value", "expected"),
    [
        (parse_imdb_id, "tt10872600", "tt10872600"),
        *((parse_imdb_id, blank, None) for blank in ("", None, "0")),
        *((parse_tmdb_id, number, 862) for number in ("862", "862.0", 862)),
        *((parse_tmdb_id, blank, None) for blank in ("0", 0, " ")),
        *((parse_year, year, 1995) for year in ("1995", "1995.0", 1995)),
        *((parse_year, blank, None) for blank in ("", 0, "????", "?")),
        *(
            (parse, placeholder, None)
            for parse in (parse_imdb_id, parse_tmdb_id, parse_year)
            for placeholder in ("-", "N/A", "NA", "nan", "None", "null", "undefined", r"\N", "not-found")
        ),
        (parse_title, "None", "None"),
        *(
            (parse_year, years, 2008)
            for years in ("2008\u20132013", "2008\u2013", "2008-2013", "2008 \u2013 ")
        ),
        (parse_title, "  Ame\u0301lie ", "Am\u00e9lie"),
        (parse_title, " ", None),
        (parse_title, 1917, "1917"),
        *((extract_year, date, "1991") for date in ("1991", "1991-09", "9/13/1991", "13 septembre 1991")),
        *((extract_year, date, date) for date in ("", "91", "19910913")),
        *((parse_kind, text, None) for text in ("Movie", " ", "movie ")),
        (parse_kind, " tvSeries ", "tvSeries"),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)[:30]),
)
def test_value_is_parsed(parse, value, expected):
    assert parse(value) == expected


NO_IDS = [
    "nm0000123",
    "imdb.com/name/nm0000123/",
    "https://x.org/title/tt0111161",
    "tt",
    "tt12345678901",
    "-5",
    "1e3",
    "\u0665" * 7,
    True,
    [],
    float("nan"),
]
NO_YEARS = ["1869", "2101", "95", "99999", "-1", "19x5", "\u0661\u0669\u0669\u0665", True, []]
NO_TITLES = ["a" * 501, "a" + "\u0301" * 3000, "a\0b", "a\nb", "a\u2028b", "a\u202eb", "a\udcffb", []]


@pytest.mark.parametrize(
    ("parse", "value", "reason"),
    [
        *((parse_imdb_id, value, "IMDb id|belongs") for value in NO_IDS),
        *((parse_tmdb_id, value, "TMDB id|belongs") for value in [*NO_IDS, "2147483648", 10**18, "9" * 5000]),
        *((parse_year, value, "not a year|belongs") for value in NO_YEARS),
        *((parse_title, value, "a title|belongs") for value in NO_TITLES),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)[:30]),
)
def test_invalid_value_is_rejected_with_a_reason(parse, value, reason):
    with pytest.raises(ValueError, match=reason):
        parse(value)


@pytest.mark.parametrize(
    ("scale", "text", "half_points"),
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
        (field_parsers.HALVES_TO_TEN, "7,5", 15),
        (field_parsers.WHOLE_FIVE, "3", 12),
        (field_parsers.Scale({}, "a number up to 5", 5), "3.7", 15),
        (field_parsers.TEN, "7.3", 15),
        (field_parsers.TEN, "7,2", 14),
        (field_parsers.TEN, 0.1, 1),
        (field_parsers.HUNDRED, "0", 1),
        (field_parsers.HUNDRED, "2", 1),
        (field_parsers.HUNDRED, "83", 17),
        (field_parsers.HUNDRED, "82", 16),
        (field_parsers.HUNDRED, 100, 20),
    ],
    ids=lambda value: value.wording if isinstance(value, field_parsers.Scale) else repr(value),
)
def test_each_scale_has_its_half_points(scale, text, half_points):
    assert field_parsers.parse_rating(scale, text) == half_points


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
    "value", ["0", "0.0", "0,0", 0, 0.0, "", " ", None, "-", "-1", "N/A", "NA", "None"], ids=repr
)
def test_zero_and_blanks_are_not_ratings(value):
    assert not field_parsers.has_rating(field_parsers.WHOLE_TEN, value)


def test_zero_of_a_hundred_is_a_rating():
    assert field_parsers.has_rating(field_parsers.HUNDRED, "0")
    assert not field_parsers.has_rating(field_parsers.HUNDRED, "")


@pytest.mark.parametrize(
    ("value", "quoted"), [(True, "true"), (None, "null"), ("True", "'True'"), (4.2, "4.2")]
)
def test_a_rating_of_json_is_quoted_as_in_json(value, quoted):
    with pytest.raises(ValueError, match=f"^the rating {quoted} is not a whole number from 1 to 10$"):
        field_parsers.parse_rating(field_parsers.WHOLE_TEN, value)


@pytest.mark.parametrize("value", ["100.5", "101", "1e1", "NaN", "-3", "\u0665", True, [], 10**400], ids=repr)
def test_a_number_off_a_scale_that_rounds_is_rejected(value):
    with pytest.raises(ValueError, match="the rating"):
        field_parsers.parse_rating(field_parsers.HUNDRED, value)


@pytest.mark.parametrize(
    "scale",
    [field_parsers.STARS, field_parsers.WHOLE_TEN, field_parsers.HALVES_TO_TEN],
    ids=lambda scale: scale.wording,
)
@pytest.mark.parametrize("value", OFF_THE_SCALE, ids=repr)
def test_value_off_the_scale_is_rejected(scale, value):
    with pytest.raises(ValueError, match="the rating"):
        field_parsers.parse_rating(scale, value)


def test_title_with_many_combining_marks_on_one_letter_is_not_normalized():
    accents = "\u0301" * 30
    assert parse_title(f"a{accents}") == f"\u00e1{accents[1:]}"
    assert parse_title(f"a{accents}\u0301") == f"a{accents}\u0301"


@pytest.mark.parametrize(("text", "half_points"), [("8.00", 16), ("3.50", 7), ("3,50", 7)])
def test_rating_may_have_two_decimal_places(text, half_points):
    assert field_parsers.parse_rating(field_parsers.HALVES_TO_TEN, text) == half_points


@pytest.mark.parametrize("zero", ["0", "0.0", "0,0", "0.00", 0, 0.0], ids=repr)
def test_zero_is_a_rating_only_on_the_scale_of_100(zero):
    assert field_parsers.has_rating(field_parsers.HUNDRED, zero)
    assert field_parsers.parse_rating(field_parsers.HUNDRED, zero) == 1
    assert not field_parsers.has_rating(field_parsers.HALVES_TO_TEN, zero)
