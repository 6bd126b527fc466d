"""Ratings that name their scale are read on it, whatever the scale of the file is."""

from io import BytesIO

import pytest

from movierating.ratings.formats.custom_csv import ColumnMapping
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow
from movierating.ratings.formats.upload_reader import open_upload

MAPPING = ColumnMapping({"title": "Film", "rating": "Mine"})


@pytest.mark.parametrize(
    ("rating", "half_points"),
    [
        *(("8/10", 16), ("7,5 / 10", 15), ("4/5", 16), ("3.5/5", 14), ("83/100", 17), ("3/4", 15)),
        *(("85%", 17), ("7 %", 1), ("0%", 1), ("100%", 20)),
        *(("★★★½", 7 * 2), ("★", 4), ("★★★★☆", 16), ("½", 2)),
    ],
)
@pytest.mark.parametrize("mapping", [None, MAPPING, MAPPING._replace(scale=5)], ids=["known", "any", "of 5"])
def test_a_rating_that_names_its_scale_is_read_on_it(rating, half_points, mapping):
    header = "Title,Year,Rating" if mapping is None else "Film,Year,Mine"
    [row] = open_upload(BytesIO(f'{header}\nEmma,1996," {rating}"\n'.encode()), None, mapping).rows
    assert isinstance(row, RatedRow)
    assert (row.value, row.note) == (half_points, None)


@pytest.mark.parametrize(
    "rating", ["11/10", "8/12", "101%", "★★★★★★", "★½★", "%", "/10", "8/10/10", "½½", "☆"]
)
def test_other_texts_are_no_ratings(rating):
    [row] = open_upload(BytesIO(f"Title,Year,Rating\nEmma,1996,{rating}\n".encode())).rows
    assert isinstance(row, RejectedRow)
    assert repr(rating) in row.reason


@pytest.mark.parametrize("rating", ["0/10", "0/5", "0,0 / 10"])
def test_zero_is_no_rating(rating):
    [row] = open_upload(BytesIO(f'Title,Year,Rating\nEmma,1996,"{rating}"\n'.encode())).rows
    assert row == SkippedRow(2, "Emma", 1996, "no_rating")
