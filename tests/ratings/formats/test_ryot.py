import orjson
import pytest

from movierating import clock
from movierating.ratings.formats.rows import RatedRow, SkippedRow

DAY = 1_707_436_800 * clock.SECOND
AT = DAY + (20 * 60 + 15) * 60 * clock.SECOND + clock.SECOND // 4


def make_item(**values):
    return {
        "lot": "movie",
        "source": "tmdb",
        "source_id": "Emma",
        "identifier": "3573",
        "reviews": [],
        **values,
    }


def test_ratings_out_of_100_become_the_nearest_half_point(read_file):
    name, rows = read_file("ryot.json")
    assert name == "ryot"
    assert rows[0] == RatedRow(0, None, 1301, "The Silent Harbour", None, None, 18, AT)


@pytest.mark.parametrize(
    ("ratings", "values", "scale"),
    [
        (("4.5", "3"), [18, 12], 5),
        (("8.5", "4"), [17, 8], 10),
        (("85", "4"), [17, 1], None),
    ],
)
def test_ratings_are_on_the_smallest_scale_of_ryot_with_all_of_them(read, ratings, values, scale):
    """Ryot exports them on the scale of its settings."""
    _, rows = read(
        orjson.dumps({"metadata": [make_item(reviews=[{"rating": rating}]) for rating in ratings]})
    )
    assert [row.value for row in rows] == values
    if scale is None:
        assert rows[0].note is None
    else:
        assert f"on a scale of {scale}," in rows[0].note


def test_whole_ratings_up_to_5_are_not_taken_for_stars(reject_reason):
    items = [make_item(reviews=[{"rating": rating}]) for rating in ("4", "5.0", None)]
    reason = reject_reason(orjson.dumps({"metadata": items}))
    assert "whole numbers up to 5: " in reason
    assert "choose ratings up to 100" in reason


def test_file_without_ratings_is_not_rejected(read):
    _, rows = read(orjson.dumps({"metadata": [make_item()]}))
    assert rows == [SkippedRow(0, "Emma", None, "no_rating")]


def test_ratings_of_series_tell_the_scale_too(read):
    items = [make_item(reviews=[{"rating": "4"}]), make_item(lot="show", reviews=[{"rating": "80"}])]
    _, rows = read(orjson.dumps({"metadata": items}))
    assert (rows[0].value, rows[0].note) == (1, None)


def test_newest_rating_of_a_movie_counts(read_file):
    _, rows = read_file("ryot.json")
    assert rows[1] == RatedRow(1, None, 1302, "Summer, Again", None, None, 12, DAY)


def test_id_of_another_source_is_not_one_of_tmdb(read_file):
    _, rows = read_file("ryot.json")
    assert rows[2] == RatedRow(2, None, None, "Home Video", None, None, 20, None)


def test_what_is_not_a_rated_movie_is_skipped(read_file):
    _, rows = read_file("ryot.json")
    assert rows[3:5] == [
        SkippedRow(3, "Glass", None, "no_rating"),
        SkippedRow(4, "Long Winter", None, "not_a_movie", reason="it is not a movie (show)"),
    ]
    assert [row.reason for row in rows[5:]] == [
        "the rating '120' is not a number from 0 to 100",
        "it is not an object with a movie",
    ]


def test_older_export_names_its_list_media(read):
    name, rows = read(orjson.dumps({"media": [make_item(reviews=[{"rating": "75"}])], "people": []}))
    assert (name, rows) == ("ryot", [RatedRow(0, None, 3573, "Emma", None, None, 15, None)])


def test_id_in_place_of_the_title_is_not_a_title(read):
    item = make_item(lot="MOVIE", source="TMDB", source_id="3573", reviews=[{"rating": 75}])
    _, rows = read(orjson.dumps({"metadata": [item]}))
    assert rows == [RatedRow(0, None, 3573, None, None, None, 15, None)]


def test_series_with_a_long_history_does_not_hide_the_movies(read):
    episodes = [{"show_season_number": 1, "show_episode_number": n, "state": "x" * 180} for n in range(1_600)]
    long = make_item(lot="show", seen_history=episodes)
    _, rows = read(orjson.dumps({"metadata": [long, make_item(reviews=[{"rating": "75"}])]}))
    assert isinstance(rows[1], RatedRow)


def test_reviews_of_another_shape_are_no_ratings(read):
    items = [make_item(reviews=reviews) for reviews in (None, "80", [80], [{"rating": "80", "review": 5}])]
    _, rows = read(orjson.dumps({"metadata": items}))
    assert [isinstance(row, RatedRow) for row in rows] == [False, False, False, True]
