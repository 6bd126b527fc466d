"""Numbers in messages."""

import pytest

from movierating.cli.counts import format_count


@pytest.mark.parametrize(("number", "text"), [(0, "0 movies"), (1, "1 movie"), (2, "2 movies")])
def test_noun_is_in_the_plural_unless_there_is_one(number, text):
    assert format_count(number, "movie") == text
