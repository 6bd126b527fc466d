import io

import pytest

from movierating import clock
from movierating.ratings.formats import flixster
from movierating.ratings.formats.json_reader import JsonFile
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow
from movierating.ratings.formats.source_file import SourceFile


def test_flixster_has_scores_as_text(read_file):
    name, rows = read_file("flixster.json")
    assert name == "flixster"
    assert rows[:4] == [
        RatedRow(0, None, None, "The Silent Harbour", None, 1998, 18, None),
        RatedRow(1, None, None, "Summer, Again", None, 2003, 14, None),
        SkippedRow(2, "Glass", 2010, "no_rating"),
        SkippedRow(3, "Paper Boats", 2010, "no_rating"),
    ]
    assert [row.reason for row in rows[4:]] == [
        "the rating '5.5' is not 0.5 to 5 stars by halves",
        "it is not an object with a movie",
    ]


def test_rotten_tomatoes_has_scores_in_reviews(read_file):
    name, rows = read_file("rotten-tomatoes.json")
    assert name == "flixster"
    assert rows[:3] == [
        RatedRow(0, None, None, "The Silent Harbour", None, 1998, 18, 1_614_816_000 * clock.SECOND),
        RatedRow(1, None, None, "Summer, Again", None, 2003, 2, None),
        SkippedRow(2, "Glass", 2010, "no_rating"),
    ]
    assert isinstance(rows[3], RejectedRow)


def test_rotten_tomatoes_has_times_and_kinds_but_no_years(read_file):
    name, rows = read_file("rotten-tomatoes-media.json")
    assert name == "flixster"
    at = 1_683_217_595_163 * clock.SECOND // 1000
    assert rows == [
        RatedRow(0, None, None, "The Silent Harbour", None, None, 20, at),
        SkippedRow(1, "Long Winter: Season 3", None, "not_a_movie", reason="it is not a movie (TvSeason)"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"ratings": [{"movie": {"title": "Emma"}, "review": "Slow."}]}',
        '[{"movie": "Emma", "score": 4}]',
        '[{"media": {"title": "Emma"}}]',
    ],
)
def test_other_lists_of_movies_are_not_flixsters(text):
    assert not flixster.matches(JsonFile(SourceFile("", lambda: io.BytesIO(text.encode()))))
