"""A title that two accounts imported for a movie is used for matching, behind the titles of other movies."""

from movierating.movies import catalogue_import
from movierating.movies import service as movies
from movierating.movies.movie_csv import COLUMNS
from ratings.proposals import BY_ID, BY_TITLE, list_proposals, list_titles


def test_title_of_one_account_matches_no_row_even_of_its_own(import_rows, counts, heat, users):
    ada, eve, _ = users
    for row in (BY_ID, "tt0113277,,FUEGO contra fuego!,,1995,9,"):
        import_rows(ada, row, on_conflict="replace")
    assert list_proposals() == [(heat, "fuegocontrafuego", ada)]
    assert list_titles() == []
    assert counts(import_rows(ada, BY_TITLE)) == counts(import_rows(eve, BY_TITLE)) == [0, 0, 0, 0, 1, 0]


def test_title_of_two_accounts_matches_rows_and_is_never_shown_or_found(
    import_rows, counts, client, heat, users, rated, exact
):
    ada, eve, zoe = users
    before = client.get(f"/v1/movies/{heat}").json
    for user_id in (ada, eve):
        import_rows(user_id, BY_ID)
    assert list_titles() == [(heat, "Fuego contra fuego", "import")]
    assert list_proposals() == []
    assert counts(import_rows(zoe, BY_TITLE)) == [1, 0, 0, 0, 0, 0]
    assert rated(zoe).keys() == {heat}
    after = client.get(f"/v1/movies/{heat}").json
    assert {**after, "ratings": before["ratings"]} == before
    assert client.get("/v1/movies?q=fuego").json["items"] == []
    assert exact()


def test_own_title_of_another_movie_wins_over_an_imported_one(import_rows, add_movie, heat, users, rated):
    other = add_movie(title="Fuego contra fuego", year=1995)
    for user_id in users[:2]:
        import_rows(user_id, BY_ID)
    import_rows(users[2], BY_TITLE)
    assert rated(users[2]).keys() == {other}


def test_alternative_title_of_another_movie_and_an_imported_one_are_candidates(
    import_rows, add_movie, add_titles, heat, users
):
    other = add_movie(title="Fire", year=1995)
    add_titles(other, "Fuego contra fuego")
    for user_id in users[:2]:
        import_rows(user_id, BY_ID)
    [row] = import_rows(users[2], BY_TITLE, create_missing=True)["unmatched"]
    assert row["candidates"] == [heat, other]


def test_row_with_another_id_does_not_match_an_imported_title(import_rows, counts, heat, users):
    for user_id in users[:2]:
        import_rows(user_id, BY_ID)
    report = import_rows(users[2], "tt0000009,,Fuego contra fuego,,1995,8,")
    assert counts(report) == [0, 0, 0, 0, 1, 0]
    assert report["unmatched"][0]["candidates"] == []


def test_rows_of_a_catalogue_do_not_match_an_imported_title(import_rows, add_movie, users, tmp_path):
    bare = add_movie(title="Heat", year=1995)
    for user_id in users[:2]:
        import_rows(user_id, BY_TITLE, choices={"2": bare})
    assert [movie_id for movie_id, _, _ in list_titles()] == [bare]
    file = tmp_path / "movies.csv"
    facts = {"title": "Fuego contra fuego", "year": "1995", "imdb_id": "tt0000009"}
    file.write_text(f"{','.join(COLUMNS)}\n{','.join(facts.get(name, '') for name in COLUMNS)}\n")
    report = catalogue_import.import_catalogue(catalogue_import.open_files([file]), None, lambda _done: None)
    assert (report.added, report.completed) == (1, 0)
    assert movies.get_movie(bare).imdb_id is None
