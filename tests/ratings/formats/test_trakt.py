import json

import pytest

from movierating import clock
from movierating.ratings.formats import trakt
from movierating.ratings.formats.rows import ExportRow, RatedRow, RejectedRow, SkippedRow

CSV = "rated_at,type,title,year,trakt_rating,trakt_id,imdb_id,tmdb_id,season_number,rating\n"
EMMA = {
    "title": "Emma",
    "year": 1996,
    "ids": {"trakt": 1, "slug": "emma-1996", "imdb": "tt0116191", "tmdb": 12},
}


def item(**changed):
    return {"rated_at": "2024-01-15T10:30:00.000Z", "rating": 9, "type": "movie", "movie": EMMA, **changed}


def emma(line, file="", **changed):
    rated_at = 1_705_314_600 * clock.SECOND
    return RatedRow(line, "tt0116191", 12, "Emma", None, 1996, 18, rated_at, file=file)._replace(**changed)


def test_a_zip_counts_movies_and_names_what_else_there_is(read, zipped):
    show = {"title": "House", "year": 2004, "ids": {"imdb": "tt0412142", "tmdb": 1408}}
    episode = {"season": 1, "number": 1, "title": "Pilot", "ids": {"imdb": None, "tmdb": 0}}
    files = {
        "export/ratings-movies.json": json.dumps([item()]),
        "export/ratings-shows.json": json.dumps([item(type="show", movie=None, show=show)]),
        "export/ratings-episodes.json": json.dumps(
            [item(type="episode", movie=None, show=show, episode=episode)]
        ),
        "export/ratings-seasons.json": "[]",
        "export/watched-movies.json": json.dumps([{"plays": 1, "movie": EMMA}]),
        "export/lists-lists.json": "[{]",
    }
    name, rows = read(zipped(files))
    assert name == "trakt"
    shown = emma(
        0, "ratings-shows.json", imdb_id="tt0412142", tmdb_id=None, title="House", year=2004, kind="show"
    )
    skipped = SkippedRow(
        0, "Pilot", None, "not_a_movie", "ratings-episodes.json", "it is not a movie (episode)"
    )
    assert rows == [emma(0, "ratings-movies.json"), shown, skipped]


def test_the_answer_of_the_api_has_no_type(read):
    response = item()
    del response["type"]
    assert read(json.dumps([response], indent=2)) == ("trakt", [emma(0)])


def test_ratings_in_an_object_need_dates_and_ids_of_trakt(read, reject_reason):
    """The program traktexport writes everything of an account into one object."""
    other = {"movie": EMMA, "watched_at": "2024-01-15T10:30:00.000Z"}
    export = {"type": "full", "watchlist": [other], "ratings": [item()], "stats": {}, "history": [other]}
    assert read(json.dumps(export)) == ("trakt", [emma(0)])
    without_ids = item(movie={"title": "Emma", "year": 1996}, rating=4)
    assert "in a known format" in reject_reason(json.dumps({"ratings": [without_ids]}))


@pytest.mark.parametrize("ids", [None, {}, {"imdb": None, "tmdb": None}, {"imdb": "", "tmdb": 0}])
def test_a_movie_without_ids_goes_by_its_title(read, ids):
    _, rows = read(json.dumps([item(movie={**EMMA, "ids": ids})]))
    assert rows == [emma(0, imdb_id=None, tmdb_id=None)]


def test_the_subscribers_csv_has_everybodys_rating_beside_the_persons(read):
    name, rows = read(
        CSV + "2024-01-15T10:30:00Z,movie,Emma,1996,7.1,1,tt0116191,12,,9\n"
        "2024-01-15T10:30:00Z,episode,House,2004,7.1,1,tt0412142,1408,1,9\n"
        "2024-01-15T10:30:00Z,movie,Emma,1996,7.1,1,tt0116191,12,,\n"
    )
    assert name == "trakt"
    assert rows[0] == emma(2)
    assert [type(row) for row in rows[1:]] == [SkippedRow, SkippedRow]


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        "Emma",
        5,
        {},
        item(movie=None),
        item(movie=[]),
        item(rating="\u0669"),
        item(rating=9.5),
        item(rating=True),
        item(rating={}),
        item(movie={**EMMA, "title": {}}),
        item(movie={**EMMA, "year": 99999, "ids": {}}),
        item(movie={**EMMA, "ids": {"imdb": "x"}}),
        item(movie={"ids": {}}),
    ],
    ids=repr,
)
def test_one_bad_item_is_reported_and_the_next_is_read(read, bad):
    _, rows = read(json.dumps([bad, item()]))
    assert isinstance(rows[0], RejectedRow)
    assert rows[0].line == 0
    assert rows[1:] == [emma(1)]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e309", "9" * 4000])
def test_numbers_beyond_all_bounds_are_bad_rows(read, number):
    _, rows = read(json.dumps([item(rating="here"), item()]).replace('"here"', number))
    assert isinstance(rows[0], RejectedRow)
    assert rows[1:] == [emma(1)]


def test_a_broken_file_of_ratings_is_not_lost_among_others(reject_reason, zipped):
    files = {"ratings-movies.json": '[{"rating": 9,', "ratings-shows.json": json.dumps([item()])}
    assert "malformed" in reject_reason(zipped(files))


def test_the_real_files_are_read(read, data_folder):
    name, rows = read((data_folder / "exports" / "trakt" / "export.zip").read_bytes())
    assert name == "trakt"
    inception = emma(
        0, "ratings-movies.json", imdb_id="tt1375666", tmdb_id=27205, title="Inception", year=2010
    )
    assert rows == [inception]
    name, rows = read((data_folder / "exports" / "trakt" / "api_answer.json").read_bytes())
    assert name == "trakt"
    assert [(row.imdb_id, row.value) for row in rows if isinstance(row, RatedRow)] == [
        ("tt2290065", 16),
        ("tt1170358", 20),
    ]


@pytest.mark.parametrize("nothing", ["[]", "\ufeff[\n\n]\n"])
def test_an_empty_list_is_ignored(read, zipped, nothing):
    files = {"ratings-movies.json": json.dumps([item()]), "ratings-shows.json": nothing}
    name, rows = read(zipped(files))
    assert (name, len(rows)) == ("trakt", 1)


def test_what_is_wrong_in_a_zip_is_said_with_its_name(reject_reason, zipped):
    files = {"ratings-movies.json": json.dumps([item()]), "ratings-shows.json": '[{"stars": 3}]'}
    assert reject_reason(zipped(files)).startswith("ratings-shows.json: The file is JSON")


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([{"plays": 1, "movie": EMMA}], "The file is Trakt's, but has no ratings; those are in"),
        ([{"movie": EMMA | {"ids": None}}], "The file is JSON without ratings"),
        ([], "The file is an empty list"),
    ],
    ids=["watched", "other", "none"],
)
def test_files_without_ratings_are_rejected(reject_reason, items, reason):
    assert reject_reason(json.dumps(items)).startswith(reason)


IMPORTED = {
    "imdb_id": "tt0116191",
    "tmdb_id": 3573,
    "type": "movie",
    "rating": 9,
    "rated_at": "2024-01-15T10:30:00Z",
}


def test_what_trakt_imports_is_read(read):
    name, rows = read(json.dumps([IMPORTED, {**IMPORTED, "type": "show"}, {"type": "movie", "rating": 9}]))
    assert name == "trakt"
    assert (rows[0].imdb_id, rows[0].tmdb_id, rows[0].value, rows[0].kind) == ("tt0116191", 3573, 18, None)
    assert (rows[1].tmdb_id, rows[1].kind) == (None, "show")
    assert isinstance(rows[2], RejectedRow)


def test_file_for_trakt_has_the_names_that_it_imports():
    row = ExportRow("tt0116191", None, "Emma", None, 1996, (), 17, 1_705_314_600_000_000)
    [item] = json.loads(b"".join(trakt.write([row])))
    expected = {"imdb_id": "tt0116191", "title": "Emma", "year": 1996, "type": "movie", "rating": 9}
    assert item == {**expected, "rated_at": "2024-01-15T10:30:00Z"}
