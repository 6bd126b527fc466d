"""A text of one line: its length, spaces, composition, and the characters it may have."""

import re
import unicodedata

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierating.http.fields import SingleLineString

line = SingleLineString(max_length=5)


def rejected(value):
    """Return the messages for a value that is no valid line."""
    with pytest.raises(ma.ValidationError) as caught:
        line.deserialize(value)
    return caught.value.messages


@pytest.mark.parametrize(
    ("text", "loaded"),
    [
        ("Emma", "Emma"),
        ("  Emma\u3000", "Emma"),
        (" " * 1000 + "Emma", "Emma"),
        ("Ame\u0301l", "Am\u00e9l"),
        ("\U0001f600" * 5, "\U0001f600" * 5),
        ("e\u0301" * 5, "\u00e9" * 5),
    ],
)
def test_line_is_trimmed_and_normalized_before_its_length_is_checked(text, loaded):
    assert line.deserialize(text) == loaded


@pytest.mark.parametrize("text", ["", " ", "\u3000\u00a0", "Emmaaa", "e" * 21, "\u0958" * 3])
def test_line_of_the_wrong_length_is_rejected(text):
    # U+0958 composes to two characters.
    assert rejected(text) == ["Must be 1 to 5 characters long."]


@pytest.mark.parametrize(
    "text", ["\u200b", "\u200d \ufe0f", "\u00ad", "\u2060", "\ufeff", "\u3164", "\u2800", "\U000e0041"]
)
def test_line_of_invisible_characters_is_rejected_as_empty(text):
    assert rejected(text) == ["Must be 1 to 5 characters long."]
    assert line.deserialize(f"a{text}") == f"a{text}".strip()
    # The document leaves out what some validators cannot read in a pattern.
    assert text > "\uffff" or not re.search(line.metadata["pattern"], text)


@pytest.mark.parametrize(
    "character",
    [
        "\0",
        "\n",
        "\x7f",
        "\x85",
        "\u2028",
        "\u202e",
        "\u2066",
        "\ud800",
    ],
)
@pytest.mark.parametrize("text", ["{}a", "a{}b", "a{}", " {} "])
def test_line_with_control_characters_is_rejected(text, character):
    assert rejected(text.format(character)) == ["Must not contain control characters."]


@given(st.text(max_size=30))
def test_normalized_line_loads_unchanged(text):
    try:
        loaded = line.deserialize(text)
    except ma.ValidationError:
        return
    assert 1 <= len(loaded) <= 5
    assert loaded == loaded.strip() == unicodedata.normalize("NFC", loaded)
    assert line.deserialize(loaded) == loaded


@pytest.mark.parametrize("value", [8, 8.5, None, True, ["Emma"], {}])
def test_line_rejects_values_that_are_not_text(value):
    rejected(value)
