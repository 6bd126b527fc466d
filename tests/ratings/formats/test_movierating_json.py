import json

import pytest

from movierating.ratings.formats.movierating_json import write
from movierating.ratings.formats.rows import ExportRow, RatedRow, RejectedRow, SkippedRow

AT = 1_705_314_600_000_000
RATING = {"imdb_id": "tt0116191", "value": 8.5}


def test_the_file_is_as_documented():
    text = b"".join(write([ExportRow("tt0116191", 12, "Emma", None, 1996, ("Ann",), 17, AT)])).decode()
    assert text == (
        '{"format": "movierating", "version": 1, "ratings": [\n'
        '{"imdb_id":"tt0116191","tmdb_id":12,"title":"Emma","original_title":null,"year":1996,"value":8.5,'
        '"rated_at":"2024-01-15T10:30:00Z"}\n]}\n'
    )
    assert json.loads(b"".join(write([])))["ratings"] == []


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"ratings": [RATING]}),
        json.dumps({"ratings": [RATING], "format": "movierating", "version": 1}, indent=4),
        json.dumps(
            {
                "format": "movierating",
                "note": {"by": ["hand"]},
                "version": 1,
                "ratings": [{**RATING, "x": []}],
            }
        ),
    ],
)
def test_other_programs_may_write_more_less_or_in_another_order(read, text):
    name, rows = read(text)
    assert name == "json"
    assert rows == [RatedRow(0, "tt0116191", None, None, None, None, 17, None)]


def test_bad_items_are_reported_and_unrated_ones_skipped(read):
    items = [
        5,
        {"imdb_id": "tt1"},
        {"value": 8},
        {**RATING, "value": True},
        {**RATING, "title": "\ud800"},
        RATING,
    ]
    _, rows = read(json.dumps({"ratings": items}))
    assert [type(row) for row in rows] == [
        RejectedRow,
        SkippedRow,
        RejectedRow,
        RejectedRow,
        RejectedRow,
        RatedRow,
    ]


def test_an_empty_export_is_read(read):
    assert read(b"".join(write([]))) == ("json", [])


@pytest.mark.parametrize(
    ("items", "keys"),
    [
        ([{"film": "Emma", "stars": 4}, {"value": 8}], "film, stars"),
        ([{"imdb_id": "tt0116191", "rating": 8}], "imdb_id, rating"),
        ([{"value": 8}], "value"),
        ([5], "none"),
    ],
)
def test_ratings_in_another_format_are_rejected_with_the_keys_that_are_needed(reject_reason, items, keys):
    reason = reject_reason(json.dumps({"ratings": items}))
    assert f"the first has {keys}. Accepted" in reason
    assert "`value`, and `imdb_id`, `tmdb_id` or `title`" in reason


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"format": "movierating", "version": 2, "ratings": [RATING]}),
        json.dumps({"ratings": [RATING], "version": 2}),
        json.dumps({"ratings": [RATING] * 9, "version": 2}),
        json.dumps({"ratings": [RATING] * 9, "format": "other"}),
    ],
)
def test_another_version_is_rejected(reject_reason, text):
    assert "version" in reject_reason(text)
