"""The alternative titles of a merged movie, and of one whose year changed, lead rows of the former year to it."""

import pytest
from sqlalchemy import func, select

from movierating.movies import catalogue_import, movie_csv
from movierating.movies import service as movies
from movierating.movies.models import MAX_ALTERNATIVE_TITLES, Movie
from movierating.ratings import merging, service
from movierating.storage.database import read
from ratings.data_sets import load

IDS = {"imdb_id": "tt0114746", "tmdb_id": 63}
ROW = ",,Twelve Monkeys,,1995,8,"
ROW_WITH_ID = "tt0000009,,Twelve Monkeys,,1995,8,"
SOURCES = ["catalogue", "admin", "import"]


def count_movies():
    return read().scalar(select(func.count()).select_from(Movie))


@pytest.fixture
def merge(add_movie, add_titles):
    """`merge(year=1996, ids=IDS, source="admin")` merges 12 Monkeys of 1995 into a movie, and returns that one's id."""

    def merge(year=1998, ids=IDS, source="catalogue", **facts):
        movie_id = add_movie(title="12 Monkeys", year=1995, **ids)
        add_titles(movie_id, "Twelve Monkeys", source=source)
        into_id = add_movie(**{"title": "Monkeys", "year": year, **facts})
        merging.merge_movies(movie_id, into_id)
        return into_id

    return merge


@pytest.fixture
def import_catalogue(tmp_path):
    """`import_catalogue(title="Emma", year=1996)` imports one movie, and returns the number of added ones."""

    def load(**facts):
        file = tmp_path / "movies.csv"
        values = ",".join(str(facts.get(name, "")) for name in movie_csv.COLUMNS)
        file.write_text(f"{','.join(movie_csv.COLUMNS)}\n{values}\n", encoding="utf-8")
        return catalogue_import.import_catalogue(catalogue_import.open_files([file])).added

    return load


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("year", [1995, 1996, 1998])
@pytest.mark.parametrize("ids", [IDS, {}], ids=["with_ids", "without_ids"])
@pytest.mark.parametrize("create_missing", [False, True, "always"])
def test_row_with_an_alternative_title_of_a_merged_movie_rates_the_one_that_stays(
    merge, import_rows, counts, rated, exact, user_id, source, year, ids, create_missing
):
    into_id = merge(year, ids, source)
    report = import_rows(user_id, ",,twelve-monkeys!,,1995,8,", create_missing=create_missing)
    assert counts(report) == [1, 0, 0, 0, 0, 0]
    assert rated(user_id).keys() == {into_id}
    assert count_movies() == 1
    assert exact()


def test_row_whose_original_title_is_an_alternative_title_of_a_merged_movie_rates_the_one_that_stays(
    merge, import_rows, rated, user_id
):
    into_id = merge()
    import_rows(user_id, ",,12 обезьян,Twelve Monkeys,1995,8,", create_missing=True)
    assert rated(user_id).keys() == {into_id}


def test_alternative_titles_for_which_the_other_movie_has_no_room_lead_to_it(
    add_movie, add_titles, import_rows, rated, user_id
):
    movie_id, into_id = add_movie(title="12 Monkeys", year=1995), add_movie(title="Monkeys", year=1995)
    add_titles(movie_id, "Twelve Monkeys")
    add_titles(into_id, *(f"Monkeys {number}" for number in range(MAX_ALTERNATIVE_TITLES)))
    merging.merge_movies(movie_id, into_id)
    import_rows(user_id, ROW, create_missing=True)
    assert rated(user_id).keys() == {into_id}


def test_alternative_title_leads_to_the_last_movie_of_a_chain_of_merges(
    merge, add_movie, import_rows, rated, user_id
):
    into_id, last_id = merge(1998), add_movie(title="The Last", year=2001)
    merging.merge_movies(into_id, last_id)
    import_rows(user_id, ROW, ",,Twelve Monkeys,,1998,7,", create_missing=True)
    assert rated(user_id).keys() == {last_id}
    assert count_movies() == 1


@pytest.mark.parametrize("name", ["title", "alternative"])
def test_movie_that_has_the_alternative_title_now_wins(
    merge, add_movie, add_titles, import_rows, rated, user_id, name
):
    merge()
    other_id = add_movie(title="Twelve Monkeys" if name == "title" else "Others", year=1995, tmdb_id=9)
    if name == "alternative":
        add_titles(other_id, "Twelve Monkeys")
    import_rows(user_id, ROW)
    assert rated(user_id).keys() == {other_id}


@pytest.mark.parametrize("is_first", [True, False])
def test_title_of_a_merged_movie_wins_over_an_alternative_one(
    merge, add_movie, import_rows, rated, user_id, is_first
):
    if is_first:
        merge()
    own_id, into_id = add_movie(title="Twelve Monkeys", year=1995), add_movie(title="Others", year=1998)
    merging.merge_movies(own_id, into_id)
    if not is_first:
        merge()
    import_rows(user_id, ROW)
    assert rated(user_id).keys() == {into_id}


@pytest.mark.parametrize(
    ("ids", "facts", "created"),
    [(IDS, {}, 1), ({}, {"imdb_id": "tt0000001"}, 1), ({}, {"tmdb_id": 1}, 0), ({}, {}, 0)],
    ids=str,
)
def test_row_with_an_id_is_another_movie_unless_the_merged_movie_might_have_had_it(
    merge, import_rows, counts, user_id, ids, facts, created
):
    merge(ids=ids, **facts)
    assert counts(import_rows(user_id, ROW_WITH_ID, create_missing=True)) == [1, 0, 0, 0, 0, 0]
    assert count_movies() == 1 + created


def test_alternative_title_that_an_admin_removes_leads_nowhere_in_any_year(
    merge, import_rows, counts, rated, user_id
):
    into_id = merge(title="Twelve")
    movies.update_movie(
        into_id, None, {"alternative_titles": ["12 Monkeys", "Twelve Monkeys", "Douze singes"]}
    )
    movies.update_movie(into_id, None, {"year": 2000})
    movies.update_movie(into_id, None, {"year": 2003, "alternative_titles": ["12 Monkeys", "Douze singes"]})
    rows = [f",,Twelve Monkeys,,{year},8," for year in (1995, 1998, 2000, 2003)]
    assert counts(import_rows(user_id, *rows)) == [0, 0, 0, 0, 4, 0]
    for row in (",,12 Monkeys,,1995,8,", ",,Douze singes,,1998,8,", ",,Douze singes,,2003,8,"):
        assert counts(import_rows(user_id, row, on_conflict="replace"))[4:] == [0, 0]
    assert rated(user_id).keys() == {into_id}


def test_alternative_title_that_an_edit_adds_does_not_count_in_the_former_year(
    add_movie, import_rows, counts, user_id
):
    movie_id = add_movie(title="12 Monkeys", year=1995)
    movies.update_movie(movie_id, None, {"year": 1998, "alternative_titles": ["Twelve Monkeys"]})
    assert counts(import_rows(user_id, ROW)) == [0, 0, 0, 0, 1, 0]


def test_alternative_title_keeps_no_movie_out(merge, import_rows, counts, rated, user_id):
    into_id = merge()
    assert counts(import_rows(user_id, ROW, choices={"2": "new"})) == [1, 0, 0, 0, 0, 0]
    assert rated(user_id).keys() != {into_id}
    assert count_movies() == 2


def test_alternative_title_of_a_movie_that_was_deleted_after_a_merge_keeps_no_movie_out(
    merge, import_rows, counts, user_id
):
    service.delete_movie(merge(), None, with_ratings=False)
    assert counts(import_rows(user_id, ROW, create_missing=True)) == [1, 0, 0, 0, 0, 0]
    assert counts(import_rows(user_id, ",,12 Monkeys,,1995,8,", create_missing=True)) == [0, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("facts", [{}, {"imdb_id": "tt0000009"}], ids=["without_ids", "with_id"])
def test_catalogue_adds_a_movie_with_an_alternative_title_only_if_members_brought_that(
    merge, import_catalogue, source, facts
):
    merge(ids={}, source=source)
    added = import_catalogue(title="Twelve Monkeys", year=1995, **facts)
    assert added == (1 if source == "import" else 0)


@pytest.mark.parametrize("source", SOURCES)
def test_data_set_adds_a_movie_with_an_alternative_title_only_if_members_brought_that(
    merge, write_set, source
):
    merge(source=source)
    report = load(write_set([(1, 1, 4, 9)], [(1, "Twelve Monkeys (1995)", "Drama")], []))
    assert (report.rejected, report.added) == (0, 1)
    assert count_movies() == (2 if source == "import" else 1)


@pytest.mark.parametrize("source", SOURCES)
def test_row_with_an_alternative_title_and_the_former_year_rates_the_movie(
    add_movie, add_titles, import_rows, rated, user_id, source
):
    movie_id = add_movie(title="12 Monkeys", year=1995)
    add_titles(movie_id, "Twelve Monkeys", source=source)
    movies.update_movie(movie_id, None, {"title": "Monkeys", "year": 1998})
    import_rows(user_id, ROW, ",,12 Monkeys,,1995,7,", create_missing=True)
    assert rated(user_id).keys() == {movie_id}
    import_rows(user_id, ROW_WITH_ID, create_missing=True)
    assert count_movies() == 2
