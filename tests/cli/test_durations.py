"""Durations on the command line."""

from datetime import timedelta

import click
import pytest

from movierating.cli.durations import Duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(weeks=1)),
        (timedelta(hours=1), timedelta(hours=1)),
    ],
)
def test_number_and_unit_are_a_duration(text, duration):
    assert Duration().convert(text, None, None) == duration


@pytest.mark.parametrize(
    "text", ["", "24", "h", "0s", "-1h", "1.5h", "1 h", "1w", "24H", "1h30m", "4000d", "9999999999s", "٣h"]
)
def test_invalid_duration_is_rejected(text):
    with pytest.raises(click.BadParameter, match="is not a duration such as 30m, 24h or 7d"):
        Duration().convert(text, None, None)
