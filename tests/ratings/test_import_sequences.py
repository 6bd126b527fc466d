"""Several files in a row: no film is added twice, and no two films become one."""

import io
import logging
import zipfile

import pytest
from sqlalchemy import func, select

from movierating.movies import service as movies
from movierating.movies.models import Movie
from movierating.ratings.imports import import_file
from movierating.storage.database import read

LETTERBOXD = "Date,Name,Year,Letterboxd URI,Rating"
SIMKL = "SIMKL_ID,Title,Type,Year,Watchlist,LastEpWatched,WatchedDate,Rating,Memo,TVDB,TMDB,IMDB"
IMDB = "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,Release Date,Directors"  # noqa: E501


def count_movies():
    return read().scalar(select(func.count()).select_from(Movie))


@pytest.fixture
def import_letterboxd(user_id, import_rows):
    """`import_letterboxd("Heat,1995,https://boxd.it/1,4")` imports Letterboxd's ratings.csv."""

    def run(*rows, **options):
        lines = [f"2022-01-0{number},{row}" for number, row in enumerate(rows, 1)]
        return import_rows(user_id, *lines, header=LETTERBOXD, **{"create_missing": True, **options})

    return run


@pytest.fixture
def import_imdb(user_id, import_rows):
    """`import_imdb("tt0113277,8,Heat,1995")` imports IMDb's ratings, by default of the same person."""

    def run(*rows, user=user_id, **options):
        lines = []
        for number, row in enumerate(rows, 1):
            imdb_id, value, title, year = row.split(",")
            lines.append(f"{imdb_id},{value},2024-01-0{number},{title},{title},u,Movie,,,{year},,,,")
        return import_rows(user, *lines, header=IMDB, **{"create_missing": True, **options})

    return run


@pytest.mark.parametrize(
    ("row", "facts"),
    [
        ("The Godfather: Part II,1974", {"title": "The Godfather Part II", "year": 1974}),
        ("When Harry Met Sally...,1989", {"title": "When Harry Met Sally", "year": 1989}),
        (
            "Once Upon a Time\u2026 in Hollywood,2019",
            {"title": "Once Upon a Time in Hollywood", "year": 2019},
        ),
        ("Alien\u00b3,1992", {"title": "Alien 3", "year": 1992}),
        ("M*A*S*H,1970", {"title": "MASH", "year": 1970}),
        ("Kill Bill: Vol. 1,2003", {"title": "Kill Bill: Volume 1", "year": 2003}),
    ],
)
def test_a_movie_under_another_spelling_is_found(rated, import_letterboxd, add_movie, user_id, row, facts):
    movie_id = add_movie(**facts, imdb_id="tt0000001")
    import_letterboxd(f"{row},https://boxd.it/1,4")
    assert rated(user_id).keys() == {movie_id}


def test_a_movie_that_an_import_added_learns_the_ids_of_a_later_row(
    rated, import_letterboxd, import_imdb, user_id, caplog, exact
):
    import_letterboxd("Quiet Harbour,2019,https://boxd.it/q,4")
    with caplog.at_level(logging.INFO, logger="movierating"):
        report = import_imdb("tt9991001,7,Quiet Harbour,2019")
    assert report["notes"][0]["reason"] == "the movie, which an import added, gets its imdb_id tt9991001"
    [record] = [record for record in caplog.records if record.message == "movie learned ids"]
    import_imdb("tt9991001,7,Stiller Hafen,2019")
    [movie_id] = rated(user_id)
    assert record.fields == {"movie_id": movie_id, "imdb_id": "tt9991001", "user_id": user_id}
    assert count_movies() == 1
    movie = movies.get_movie(movie_id)
    assert (movie.imdb_id, movie.edit) == ("tt9991001", 2)
    assert exact()


def test_a_movie_learns_ids_from_another_persons_row_and_keeps_its_other_facts(
    import_letterboxd, import_imdb, add_user
):
    import_letterboxd("Quiet Harbour,2019,https://boxd.it/q,4")
    import_imdb("tt9991001,7,QUIET HARBOUR!,2019", user=add_user("eve"))
    movie = movies.get_movie(1)
    assert (movie.title, movie.original_title, movie.imdb_id) == ("Quiet Harbour", None, "tt9991001")


def test_a_movie_learns_a_second_kind_of_id(user_id, import_letterboxd, import_imdb, import_rows):
    import_imdb("tt9991001,7,Quiet Harbour,2019")
    import_rows(user_id, "tt9991001,77,Another Title,,2019,8,")
    assert movies.get_movie(1).tmdb_id is None
    import_rows(user_id, "tt9991001,77,Quiet Harbour,,2019,8,")
    assert movies.get_movie(1).tmdb_id == 77


def test_ids_that_an_admin_took_back_are_not_learned_again(import_letterboxd, import_imdb):
    import_letterboxd("Quiet Harbour,2019,https://boxd.it/q,4")
    import_imdb("tt9991001,7,Quiet Harbour,2019")
    movies.update_movie(1, None, {"imdb_id": None})
    import_imdb("tt9991001,7,Quiet Harbour,2019")
    assert movies.get_movie(1).imdb_id is None


def test_ids_are_learned_after_an_admin_changed_other_facts(import_letterboxd, import_imdb):
    import_letterboxd("Quiet Harbour,2019,https://boxd.it/q,4")
    movies.update_movie(1, None, {"country": "DE"})
    import_imdb("tt9991001,7,Quiet Harbour,2019")
    assert movies.get_movie(1).imdb_id == "tt9991001"


def test_rows_of_one_file_with_different_ids_are_two_films(rated, import_imdb, user_id):
    import_imdb("tt9993001,7,Silent Orchard,2018", "tt9993002,3,Silent Orchard,2018")
    assert sorted(value for value, _ in rated(user_id).values()) == [6, 14]


@pytest.mark.parametrize(("create_missing", "added"), [(False, 0), (True, 0), ("always", 1)])
def test_only_always_adds_a_movie_a_year_off(
    rated, import_letterboxd, counts, add_movie, user_id, create_missing, added
):
    island = add_movie(title="The Island", year=2005, imdb_id="tt0399201")
    report = import_letterboxd("The Island,2006,https://boxd.it/x,3", create_missing=create_missing)
    assert counts(report) == [added, 0, 0, 0, 1 - added, 0]
    assert [row["candidates"] for row in report["unmatched"]] == [[island]] * (1 - added)
    assert island not in rated(user_id)
    assert count_movies() == 1 + added


@pytest.mark.parametrize("exists", [False, True])
def test_two_films_of_one_name_and_year_in_one_file_are_not_one(
    rated, import_letterboxd, counts, add_movie, user_id, exists
):
    known = [add_movie(title="Glass Slipper", year=1922, imdb_id="tt0000001")] if exists else []
    rows = ("Glass Slipper,1922,https://boxd.it/aaa,3", "Glass Slipper,1922,https://boxd.it/bbb,3.5")
    dry = import_letterboxd(*rows, dry_run=True)
    report = import_letterboxd(*rows)
    for each in (dry, report):
        assert counts(each) == [1, 0, 0, 0, 1, 0]
    [unmatched] = report["unmatched"]
    assert unmatched["reason"] == "another row of the file, with another id, means this movie"
    assert unmatched["line"] == 3
    assert [value for value, _ in rated(user_id).values()] == [12]
    if exists:
        assert unmatched["candidates"] == known


def test_two_films_with_one_name_are_not_told_apart_by_their_order(
    rated, import_letterboxd, add_movie, user_id
):
    slipper = add_movie(title="Glass Slipper", year=1922, imdb_id="tt0000001")
    other = add_movie(
        title="Cinderella", year=1922, imdb_id="tt0000002", alternative_titles=["Glass Slipper"]
    )
    rows = ("Glass Slipper,1922,https://boxd.it/aaa,3", "Glass Slipper,1922,https://boxd.it/bbb,3.5")
    [unmatched] = import_letterboxd(*rows)["unmatched"]
    assert (unmatched["line"], unmatched["candidates"]) == (3, [slipper, other])
    assert rated(user_id).keys() == {slipper}


@pytest.mark.parametrize("is_last", [False, True])
def test_a_row_without_ids_is_not_the_film_that_another_row_of_its_name_has_by_an_id(
    rated, import_rows, add_movie, user_id, is_last
):
    slipper = add_movie(title="Glass Slipper", year=1922, imdb_id="tt0000001")
    rows = [
        "1,Glass Slipper,movie,1922,completed,,2022-01-01,9,,,,tt0000001",
        "2,Glass Slipper,movie,1922,completed,,2023-01-01,3,,,,",
    ]
    report = import_rows(user_id, *rows[:: -1 if is_last else 1], header=SIMKL, create_missing=True)
    [unmatched] = report["unmatched"]
    assert unmatched["reason"] == "another row of the file, with another id, means this movie"
    assert unmatched["candidates"] == [slipper]
    assert {movie_id: value for movie_id, (value, _) in rated(user_id).items()} == {slipper: 18}


def test_two_rows_with_one_id_are_one_film(rated, import_rows, add_movie, user_id, counts):
    slipper = add_movie(title="Glass Slipper", year=1922, imdb_id="tt0000001", tmdb_id=1)
    rows = (
        "1,Glass Slipper,movie,1922,completed,,2022-01-01,9,,,,tt0000001",
        "2,Glass Slipper,movie,1922,completed,,2023-01-01,3,,,1,",
    )
    assert counts(import_rows(user_id, *rows, header=SIMKL)) == [1, 0, 0, 1, 0, 0]
    assert rated(user_id)[slipper][0] == 6


def test_two_films_with_the_former_title_of_one_movie_are_not_one(
    rated, import_letterboxd, counts, add_movie, user_id
):
    movie_id = add_movie(title="Glass Slipper", year=1922, imdb_id="tt0000001")
    movies.update_movie(movie_id, None, {"title": "The Slipper"})
    rows = ("Glass Slipper,1922,https://boxd.it/aaa,3", "Glass Slipper,1922,https://boxd.it/bbb,3.5")
    for _ in range(2):
        report = import_letterboxd(*rows)
        [unmatched] = report["unmatched"]
        assert (unmatched["line"], unmatched["candidates"]) == (3, [movie_id])
        assert [value for value, _ in rated(user_id).values()] == [12]


def test_choices_settle_rows(rated, import_letterboxd, counts, add_movie, user_id):
    island = add_movie(title="The Island", year=2005, imdb_id="tt0399201")
    rows = [f"The Island,{year},https://boxd.it/{year},3" for year in (2006, 2004, 2006)]
    choices = {"2": island, "3": "new", "4": 10**9}
    report = import_letterboxd(*rows, create_missing=False, choices=choices)
    assert counts(report) == [2, 0, 0, 0, 1, 0]
    assert report["unmatched"][0]["reason"] == "the chosen movie 1000000000 does not exist"
    assert island in rated(user_id)
    assert count_movies() == 2


def test_choice_new_adds_no_movie_with_the_same_facts(import_letterboxd, add_movie):
    add_movie(title="The Island", year=2005)
    report = import_letterboxd("The Island,2005,https://boxd.it/x,3", choices={"2": "new"})
    assert "only an id tells two apart" in report["unmatched"][0]["reason"]
    assert count_movies() == 1


def test_choices_of_a_zip_name_the_file(user_id, add_movie, rated):
    heat = add_movie(title="Heat", year=1995)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("ratings.csv", f"{LETTERBOXD}\n2022-01-01,Unknown,1990,https://boxd.it/x,3\n")
    import_file(user_id, archive, choices={"ratings.csv:2": heat})
    assert rated(user_id).keys() == {heat}
