"""The scale of ratings in CSV files whose columns the user names."""

import pytest

from movierating.ratings.formats.custom_csv import SCALES, ColumnMapping
from movierating.ratings.formats.rows import InvalidColumn, RatedRow, RejectedRow, SkippedRow


@pytest.mark.parametrize(
    ("scale", "text", "half_points"),
    [
        (4, "4", 20),
        (4, "2.5", 13),
        (5, "5", 20),
        (5, "3,5", 14),
        (5, "3.7", 15),
        (10, "7.25", 15),
        (20, "13", 13),
        (100, "85", 17),
        (100, "0", 1),
        (5, "0.01", 1),
    ],
)
def test_ratings_become_the_nearest_half_point(read_with, scale, text, half_points):
    [row] = read_with(ColumnMapping({}, scale), f'title,rating\nHeat,"{text}"\n')
    assert (row.value, row.note) == (half_points, None)


@pytest.mark.parametrize("scale", SCALES)
def test_ratings_above_the_scale_are_invalid_and_blanks_are_skipped(read_with, scale):
    rows = read_with(ColumnMapping({}, scale), f"title,rating\nHeat,{scale + 1}\nRan,\nIkiru,good\nEmma,-1\n")
    assert [type(row) for row in rows] == [RejectedRow, SkippedRow, RejectedRow, SkippedRow]
    assert f"to {scale}" in rows[0].reason or f"up to {scale}" in rows[0].reason


@pytest.mark.parametrize(
    ("ratings", "scale"),
    [
        ("4 5", 10),
        ("4 3.5", 5),
        ("4 3,5", 5),
        ("4 7.5", 10),
        ("4 10", 10),
        ("4 11", 100),
        ("99", 100),
        ("x", 10),
    ],
)
def test_without_a_scale_the_ratings_tell_it(read_with, ratings, scale):
    lines = "".join(f'Heat;"{rating}"\n' for rating in ratings.split())
    rows = read_with(ColumnMapping({"title": "title"}), f"title;rating\n{lines}")
    notes = [row.note for row in rows if isinstance(row, RatedRow)]
    assert notes[:1] == [f"ratings are read on a scale of {scale}; `scale` sets another"][: len(notes)]
    assert notes[1:] == [None] * len(notes[1:])
    assert rows[0] == read_with(ColumnMapping({}, scale), f"title;rating\n{lines}")[0]._replace(
        **({"note": notes[0]} if notes else {})
    )


def test_likes_are_not_the_lowest_ratings(read_with):
    text = "title,rating\nHeat,1\nRan,0\nEmma,\n"
    with pytest.raises(InvalidColumn, match="All ratings are 0 or 1"):
        read_with(ColumnMapping({"title": "title"}), text)
    assert [row.value for row in read_with(ColumnMapping({}, 5), text) if isinstance(row, RatedRow)] == [4]
