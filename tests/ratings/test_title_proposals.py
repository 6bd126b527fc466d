"""Title proposals: a title that two accounts imported for a movie is used for matching, and nothing else."""

import pytest
from sqlalchemy import insert, select, update

from movierating.auth.models import User
from movierating.movies import catalogue_import, title_proposals
from movierating.movies import service as movies
from movierating.movies.models import MovieTitle, TitleProposal
from movierating.movies.movie_csv import COLUMNS
from movierating.movies.title_proposals import (
    MAX_IMPORT_TITLES_PER_MOVIE,
    MAX_PROPOSALS_PER_MOVIE,
    MAX_PROPOSALS_PER_USER_AND_MOVIE,
)
from movierating.ratings import merging, service
from movierating.storage.database import read, write
from movierating.users.administration import delete_account

BY_ID = "tt0113277,,Fuego contra fuego,,1995,8,"
BY_TITLE = ",,Fuego contra fuego,,1995,8,"


@pytest.fixture
def users(add_user):
    """The ids of three accounts."""
    return [add_user(name) for name in ("ada", "eve", "zoe")]


def list_proposals():
    statement = select(TitleProposal.movie_id, TitleProposal.match_key, TitleProposal.user_id)
    return sorted(map(tuple, read().execute(statement)))


def list_titles():
    statement = select(MovieTitle.movie_id, MovieTitle.title, MovieTitle.source).order_by(MovieTitle.id)
    return list(map(tuple, read().execute(statement)))


def list_spellings(movie_id):
    return [proposal.title for proposal in title_proposals.list_proposals(movie_id)]


def add_proposals(connection, movie_id, key, rows):
    """Add proposals of one match key, by account and spelling; None is that of an earlier version."""
    columns = ("user_id", "title")
    values = [
        {"movie_id": movie_id, "match_key": key, **dict(zip(columns, row, strict=True))} for row in rows
    ]
    connection.execute(insert(TitleProposal), values)


def set_active(user_id, active):
    write(lambda connection: connection.execute(update(User).where(User.id == user_id).values(active=active)))


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


@pytest.mark.parametrize(
    "row",
    [
        ",949,Fuego contra fuego,,1995,8,",
        "tt0113277,949,Heat,Fuego contra fuego,,8,",
        "tt0113277,,Fuego contra fuego,,1895,8,",
    ],
)
def test_title_counts_whichever_id_decides(import_rows, heat, user_id, row):
    import_rows(user_id, row)
    assert list_proposals() == [(heat, "fuegocontrafuego", user_id)]


def test_title_of_a_chosen_movie_counts(import_rows, heat, users):
    for user_id in users[:2]:
        import_rows(user_id, BY_TITLE, choices={"2": heat})
    assert list_titles() == [(heat, "Fuego contra fuego", "import")]


def test_known_titles_are_not_proposed(import_rows, add_titles, heat, user_id):
    add_titles(heat, "Fuego contra fuego")
    rows = [BY_ID, "tt0113277,,HEAT!,élan,1995,8,", ",949,,,,8,", "tt0113277,,The Heat,Elan,1995,8,"]
    import_rows(user_id, *rows)
    assert list_proposals() == []


def test_title_of_a_row_without_id_is_not_proposed(import_rows, counts, heat, user_id):
    report = import_rows(user_id, ",,Heat,Fuego contra fuego,1995,8,")
    assert counts(report) == [1, 0, 0, 0, 0, 0]
    assert list_proposals() == []


def test_dry_run_proposes_nothing(import_rows, heat, users, everything):
    import_rows(users[0], BY_ID)
    before = everything()
    import_rows(users[1], BY_ID, dry_run=True)
    assert everything() == before


def test_movie_that_the_file_adds_gets_no_proposal(import_rows, user_id):
    rows = ["tt0000007,,Solo,,2001,8,", "tt0000007,,Alone,,2001,8,"]
    import_rows(user_id, *rows, create_missing=True)
    assert list_proposals() == []
    import_rows(user_id, *rows)
    assert [key for _, key, _ in list_proposals()] == ["alone"]


def test_unchanged_and_skipped_ratings_propose_their_titles(import_rows, counts, heat, users):
    for user_id in users[:2]:
        import_rows(user_id, "tt0113277,,Heat,,1995,8,")
        assert counts(import_rows(user_id, BY_ID)) == [0, 0, 1, 0, 0, 0]
    assert list_titles() == [(heat, "Fuego contra fuego", "import")]


def test_deactivated_account_neither_proposes_nor_counts(import_rows, heat, users):
    ada, eve, zoe = users
    import_rows(ada, BY_ID)
    set_active(ada, False)
    import_rows(eve, BY_ID)
    assert list_titles() == []
    set_active(zoe, False)
    import_rows(zoe, BY_ID)
    assert list_titles() == []
    assert {user_id for _, _, user_id in list_proposals()} == {ada, eve}
    set_active(ada, True)
    import_rows(eve, BY_ID)
    assert list_titles() == [(heat, "Fuego contra fuego", "import")]


def test_proposals_are_deleted_with_the_account(import_rows, heat, users):
    for user_id in users[:2]:
        import_rows(user_id, f"tt0113277,,Name {user_id},,1995,8,")
    delete_account(users[0])
    assert [user_id for _, _, user_id in list_proposals()] == [users[1]]


def test_proposals_are_deleted_with_the_movie(import_rows, heat, user_id):
    import_rows(user_id, BY_ID)
    service.delete_movie(heat, None, with_ratings=True)
    assert list_proposals() == []


def test_proposals_move_with_a_merge(import_rows, add_movie, heat, users):
    copy = add_movie(title="Heat (copy)", year=1995, imdb_id="tt7777777")
    ada, eve, zoe = users
    import_rows(ada, "tt7777777,,Fuego contra fuego,,1995,8,")
    import_rows(eve, "tt7777777,,Vampiros,,1995,8,")
    import_rows(zoe, "tt0113277,,Vampiros,,1995,8,")
    merging.merge_movies(copy, heat)
    assert list_proposals() == [(heat, "fuegocontrafuego", ada)]
    assert (heat, "Vampiros", "import") in list_titles(), "eve and zoe agree on it"
    assert list_spellings(heat) == ["Fuego contra fuego"]
    import_rows(eve, BY_ID)
    assert (heat, "Fuego contra fuego", "import") in list_titles()
    assert list_proposals() == []


def test_merge_counts_no_proposal_twice_and_none_of_a_deactivated_account(
    import_rows, add_movie, heat, users
):
    copy = add_movie(title="Heat (copy)", year=1995, imdb_id="tt7777777")
    ada, eve, zoe = users
    for imdb_id in ("tt0113277", "tt7777777"):
        import_rows(ada, f"{imdb_id},,Fuego contra fuego,,1995,8,")
        import_rows(eve if imdb_id == "tt7777777" else zoe, f"{imdb_id},,Vampiros,,1995,8,")
    set_active(zoe, False)
    merging.merge_movies(copy, heat)
    assert [source for _, _, source in list_titles()] == ["admin"]
    assert [key for _, key, _ in list_proposals()] == ["fuegocontrafuego", "vampiros", "vampiros"]


def test_accepted_proposals_match_rows_and_others_are_ignored(import_rows, counts, heat, users, everything):
    ada, eve, _ = users
    import_rows(ada, BY_ID, "tt0113277,,Vampiros,,1995,8,")
    before = everything()
    title_proposals.accept_proposals(heat, ["heat", "", "\0", "x" * 5000])
    assert everything() == before
    title_proposals.accept_proposals(heat, ["fuegocontrafuego", "heat"])
    assert list_titles() == [(heat, "Fuego contra fuego", "import")]
    assert list_proposals() == [(heat, "vampiros", ada)]
    assert counts(import_rows(eve, BY_TITLE)) == [1, 0, 0, 0, 0, 0]


def test_proposals_that_are_titles_by_now_are_not_listed(import_rows, add_titles, add_user, heat, users):
    for name in ("Fuego contra fuego", "Vampiros", "Hitze"):
        import_rows(users[0], f"tt0113277,,{name},,1995,8,")
    import_rows(users[1], "tt0113277,,Calor,,1995,8,")
    assert list_spellings(heat) == ["Calor", "Fuego contra fuego", "Hitze", "Vampiros"]
    set_active(users[1], False)
    movies.update_movie(heat, None, {"title": "Hitze"})
    add_titles(heat, "Vampiros")
    assert list_spellings(heat) == ["Fuego contra fuego"]


def test_proposal_is_listed_once_and_as_it_is_spelled_or_by_its_match_key(import_rows, heat, users):
    ada, eve, zoe = users
    import_rows(ada, BY_ID)
    rows = [(eve, "FUEGO contra fuego"), (zoe, None)]
    write(lambda connection: add_proposals(connection, heat, "fuegocontrafuego", rows))
    write(lambda connection: add_proposals(connection, heat, "calor", [(zoe, None)]))
    calor, fuego = list_spellings(heat)
    assert calor == "calor"
    assert fuego in {"FUEGO contra fuego", "Fuego contra fuego"}


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


def test_account_has_a_bounded_number_of_proposals_of_a_movie(import_rows, heat, user_id):
    import_rows(user_id, *(f"tt0113277,,Name {number},,1995,8," for number in range(9)))
    assert len(list_proposals()) == MAX_PROPOSALS_PER_USER_AND_MOVIE


def test_movie_has_a_bounded_number_of_proposals(import_rows, add_user, heat):
    for number in range(MAX_PROPOSALS_PER_MOVIE // MAX_PROPOSALS_PER_USER_AND_MOVIE + 2):
        rows = (f"tt0113277,,Name {number} {letter},,1995,8," for letter in "abc")
        import_rows(add_user(f"user{number}"), *rows)
    assert len(list_proposals()) == MAX_PROPOSALS_PER_MOVIE
    import_rows(add_user("last"), "tt0113277,,Name 0 a,,1995,8,")
    assert list_titles() == [(heat, "Name 0 a", "import")], "a full movie still gets a title"


def test_account_has_a_bounded_number_of_proposals(import_rows, add_many, user_id, monkeypatch):
    monkeypatch.setattr(title_proposals, "MAX_PROPOSALS_PER_USER", 5)
    add_many(9)
    rows = [f"tt{9000000 + number},,Name {number},,2000,8," for number in range(1, 10)]
    import_rows(user_id, *rows)
    import_rows(user_id, *reversed(rows))
    assert len(list_proposals()) == 5


def test_import_adds_a_bounded_number_of_titles_and_the_next_one_the_others(
    import_rows, add_many, users, monkeypatch
):
    monkeypatch.setattr(title_proposals, "MAX_TITLES_PER_IMPORT", 3)
    add_many(5)
    rows = [f"tt{9000000 + number},,Name {number},,2000,8," for number in range(1, 6)]
    numbers = []
    for user_id in (users[0], users[1], users[1]):
        import_rows(user_id, *rows)
        numbers.append((len(list_titles()), len(list_proposals())))
    assert numbers == [(0, 5), (3, 2), (5, 0)]


def test_movie_gets_a_bounded_number_of_titles(import_rows, add_titles, heat, users):
    add_titles(heat, *(f"Name {number}" for number in range(MAX_IMPORT_TITLES_PER_MOVIE)), source="import")
    for user_id in users[:2]:
        import_rows(user_id, BY_ID)
    assert len(list_titles()) == MAX_IMPORT_TITLES_PER_MOVIE


def test_titles_without_letters_and_long_ones_are_proposed_like_others(import_rows, heat, users):
    names = ["\u0301", "!!!", "🎬", "x" * 500, "ß" * 500]
    for user_id in users[:2]:
        for name in names:
            import_rows(user_id, f"tt0113277,,{name},,1995,8,")
    assert [title for _, title, _ in list_titles()] == ["!!!", "🎬", "x" * 500]


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


def test_two_imports_at_once_add_the_title(heat, sign_up, upload, at_once):
    people = [sign_up("ada"), sign_up("eve")]
    file = f"imdb_id,tmdb_id,title,original_title,year,value,rated_at\n{BY_ID}"
    responses = at_once(*(lambda _client, person=person: upload(person, file) for person in people))
    assert [response.status_code for response in responses] == [200, 200]
    assert list_titles() == [(heat, "Fuego contra fuego", "import")]
