import json

import marshmallow as ma
import pytest

from movierating import clock
from movierating.http.fields import (
    HalfPoints,
    StrictBoolean,
    StrictInteger,
    Timestamp,
    in_range,
    quote_value,
    reading_text,
    require_future,
    require_past,
)


def rejected(field, value):
    with pytest.raises(ma.ValidationError) as caught:
        field.deserialize(value)
    return caught.value.messages


@pytest.mark.parametrize(
    ("value", "number"), [(0, 0), (-3, -3), (1999.0, 1999), (2**63, 2**63), (1e300, int(1e300))]
)
def test_integer_accepts_whole_numbers(value, number):
    loaded = StrictInteger().deserialize(value)
    assert loaded == number
    assert type(loaded) is int


@pytest.mark.parametrize("value", ["8", "", 8.5, True, False, None, [], {}, float("nan"), float("inf")])
def test_integer_rejects_other_values(value):
    rejected(StrictInteger(), value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        ("8", '"8"'),
        (8.25, "8.25"),
        ({"a": [1]}, '{"a": [1]}'),
        ("é" * 99, '"' + "é" * 36 + "..."),
    ],
)
def test_message_for_an_invalid_number_contains_the_value_shortened(value, text):
    assert rejected(StrictInteger(), value) == [f"Must be a whole number, not {text}."]
    assert rejected(HalfPoints(), value) == [f"Must be a number from 0.5 to 10 in steps of 0.5, not {text}."]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (101, "101"), (2**53, "9007199254740992"), (1e299, "1e+299")]
)
def test_message_for_a_number_out_of_range_contains_it(value, text):
    field = StrictInteger(validate=in_range(1, 100))
    assert rejected(field, value) == [f"Must be from 1 to 100, not {text}."]
    with reading_text():
        assert rejected(field, str(int(value))) == [f"Must be from 1 to 100, not {text}."]


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("8", 8), ("-8", -8), ("0008", 8), ("9" * 20, 10**20 - 1)]
)
def test_integer_in_a_query_accepts_ascii_digits(text, number):
    with reading_text():
        assert StrictInteger().deserialize(text) == number


@pytest.mark.parametrize(
    "text", ["", " 8", "8 ", "+8", "1.5", "1e3", "1_000", "abc", "٣", "\uff18", "9" * 301, "8\n"]
)
def test_integer_in_a_query_rejects_other_text(text):
    with reading_text():
        rejected(StrictInteger(), text)


@pytest.mark.parametrize("value", ["true", "false", 1, 0, None, "", []])
def test_boolean_accepts_only_json_booleans(value):
    assert StrictBoolean().deserialize(True) is True
    assert StrictBoolean().deserialize(False) is False
    rejected(StrictBoolean(), value)


@pytest.mark.parametrize(
    ("text", "loaded"),
    [("true", True), ("True", True), ("1", True), ("false", False), ("False", False), ("0", False)],
)
def test_boolean_in_a_query_is_written_as_a_word_or_a_digit(text, loaded):
    with reading_text():
        assert StrictBoolean().deserialize(text) is loaded


@pytest.mark.parametrize(
    "text",
    ["TRUE", "FALSE", "tRUE", "yes", "no", "on", "t", "", " true", "true ", "2", "-1", "01", "1.0", "\uff11"],
)
def test_boolean_in_a_query_rejects_other_text(text):
    with reading_text():
        messages = rejected(StrictBoolean(), text)
    assert messages == [f"Must be true or false, not {json.dumps(text, ensure_ascii=False)}."]


def test_rating_loads_as_half_points_and_dumps_as_the_same_value():
    field = HalfPoints()
    for half_points in range(1, 21):
        assert field.deserialize(half_points / 2) == half_points
        assert field.serialize("value", {"value": half_points}) == half_points / 2


@pytest.mark.parametrize("value", [8, 8.0])
def test_rating_accepts_whole_numbers(value):
    loaded = HalfPoints().deserialize(value)
    assert loaded == 16
    assert type(loaded) is int


@pytest.mark.parametrize(
    "value",
    [
        0,
        0.25,
        8.3,
        10.5,
        11,
        -1,
        float("nan"),
        float("inf"),
        "8",
        "",
        True,
        False,
        None,
        [],
        {},
    ],
)
def test_rating_off_the_scale_is_rejected(value):
    rejected(HalfPoints(), value)


@pytest.mark.parametrize(
    "text", ["", "8.25", "8.3", "+8", "-8", " 8", "8.", ".5", "0", "0.0", "11", "1e1", "nan", "٨"]
)
def test_rating_in_a_query_must_be_a_step_of_the_scale(text):
    field = HalfPoints()
    with reading_text():
        assert field.deserialize("8.5") == 17
        assert field.deserialize("10") == 20
        rejected(field, text)


@pytest.mark.parametrize(
    ("text", "dumped"),
    [
        ("2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z"),
        ("2024-01-15t10:30:00z", "2024-01-15T10:30:00Z"),
        ("2024-01-15 10:30:00Z", "2024-01-15T10:30:00Z"),
        ("2024-01-15T10:30:00+05:30", "2024-01-15T05:00:00Z"),
        ("2024-01-01T00:30:00+01:00", "2023-12-31T23:30:00Z"),
        ("2024-01-15T10:30:00-00:00", "2024-01-15T10:30:00Z"),
        ("2024-01-15T10:30:00.5Z", "2024-01-15T10:30:00.500000Z"),
        ("2024-01-15T10:30:00.123456Z", "2024-01-15T10:30:00.123456Z"),
        ("2024-01-15T10:30:00.123456789Z", "2024-01-15T10:30:00.123456Z"),
        ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_timestamp_loads_with_its_offset_and_dumps_in_utc(text, dumped):
    field = Timestamp()
    assert field.serialize("at", {"at": field.deserialize(text)}) == dumped


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-01-15",
        "2024-01-15T10:30:00",
        "20240115T103000Z",
        "2024-02-30T10:30:00Z",
        "2024-13-01T10:30:00Z",
        "2024-01-15T24:00:00Z",
        "2024-01-15T10:30:60Z",
        "2024-01-15T10:30:00+24:00",
        "2024-01-15T10:30:00+0530",
        "2024-01-15T10:30:00,5Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00Z",
        "\uff12\uff10\uff12\uff14-01-15T10:30:00Z",
        "2024-01-15T10:30:00Z\n",
        1705314600,
        None,
        True,
        [],
    ],
)
def test_invalid_timestamp_is_rejected(text):
    rejected(Timestamp(), text)


def test_past_and_future_are_relative_to_now():
    later = clock.now() + 3600 * clock.SECOND
    require_past(clock.now())
    require_future(later)
    with pytest.raises(ma.ValidationError):
        require_past(later)
    with pytest.raises(ma.ValidationError):
        require_future(clock.now())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("fünf", '"fünf"'),
        ("\n\x7f\x85\u2028\u202e\ud800", '"\\n\\u007f\\u0085\\u2028\\u202e\\ud800"'),
        ("é" * 50, '"' + "é" * 36 + "..."),
    ],
)
def test_quoted_value_escapes_control_characters_alone(value, text):
    assert quote_value(value) == text
