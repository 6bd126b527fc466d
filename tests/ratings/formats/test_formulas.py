import pytest

from movierating.ratings.formats.formulas import escape_formula, unescape_formula


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
    assert escape_formula(text) == harmless
    assert unescape_formula(harmless) == text
