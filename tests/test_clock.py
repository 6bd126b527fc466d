from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierating import clock

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_705_314_600 * SECOND, "2024-01-15T10:30:00Z"),
        (1_705_314_600 * SECOND + 120_000, "2024-01-15T10:30:00.120000Z"),
        (-62_135_596_800 * SECOND, "0001-01-01T00:00:00Z"),
        (253_402_300_799 * SECOND, "9999-12-31T23:59:59Z"),
    ],
)
def test_format_rfc3339_omits_a_zero_fraction(microseconds, text):
    assert clock.format_rfc3339(microseconds) == text


@given(st.integers(-62_135_596_800 * SECOND, 253_402_300_799 * SECOND))
def test_datetimes_keep_microseconds(microseconds):
    moment = clock.to_datetime(microseconds)
    assert clock.from_datetime(moment) == microseconds
    assert datetime.fromisoformat(clock.format_rfc3339(microseconds)) == moment


def test_now_is_the_current_time():
    before = datetime.now(UTC)
    assert before <= clock.to_datetime(clock.now()) <= datetime.now(UTC)


def test_period_changes_when_its_seconds_have_passed(monkeypatch):
    moments = [119.9, 120.0, 179.9, 180.0]
    monkeypatch.setattr(clock.time, "monotonic", iter(moments).__next__)
    assert [clock.get_period(60) for _ in moments] == [1, 2, 2, 3]
