"""Bars and numbers."""

import pytest

from movierating.pages import plots


def test_highest_bar_has_the_full_height_and_a_small_one_is_visible():
    assert plots.draw_bars([0, 1000, 1], 30, 20, 0.2) == "M11 20v-20h8v20zM21 20v-1h8v1z"


def test_no_values_draw_nothing():
    assert plots.draw_bars([]) == plots.draw_bars([0] * 20) == ""


@pytest.mark.parametrize(("half_points", "text"), [(1, "0.5"), (16, "8"), (20, "10"), (None, plots.NONE)])
def test_ratings_are_written_as_people_write_them(half_points, text):
    assert plots.format_value(half_points) == text


def test_means_have_one_decimal_and_counts_separators():
    assert (plots.format_mean(7.25), plots.format_mean(None)) == ("7.2", plots.NONE)
    assert plots.format_count(74021) == "74,021"


def test_tone_of_a_title_is_stable():
    assert plots.choose_tone("Alien") == plots.choose_tone("Alien") < 12
