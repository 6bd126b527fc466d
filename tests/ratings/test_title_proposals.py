"""Title proposals: a title that two accounts imported for a movie is used for matching, and nothing else."""

import pytest
from sqlalchemy import insert

from movierating.movies import service as movies
from movierating.movies import title_proposals
from movierating.movies.models import TitleProposal
from movierating.ratings import merging, service
from movierating.storage.database import write
from movierating.users.administration import delete_account
from ratings.proposals import BY_ID, BY_TITLE, list_proposals, list_titles, set_active


def list_spellings(movie_id):
    return [proposal.title for proposal in title_proposals.list_proposals(movie_id)]


def add_proposals(connection, movie_id, key, rows):
    """Add proposals of one match key, by account and spelling; None is that of an earlier version."""
    columns = ("user_id", "title")
    values = [
        {"movie_id": movie_id, "match_key": key, **dict(zip(columns, row, strict=True))} for row in rows
    ]
    connection.execute(insert(TitleProposal), values)


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


def test_titles_without_letters_and_long_ones_are_proposed_like_others(import_rows, heat, users):
    names = ["\u0301", "!!!", "🎬", "x" * 500, "ß" * 500]
    for user_id in users[:2]:
        for name in names:
            import_rows(user_id, f"tt0113277,,{name},,1995,8,")
    assert [title for _, title, _ in list_titles()] == ["!!!", "🎬", "x" * 500]


def test_two_imports_at_once_add_the_title(heat, sign_up, upload, at_once):
    people = [sign_up("ada"), sign_up("eve")]
    file = f"imdb_id,tmdb_id,title,original_title,year,value,rated_at\n{BY_ID}"
    responses = at_once(*(lambda _client, person=person: upload(person, file) for person in people))
    assert [response.status_code for response in responses] == [200, 200]
    assert list_titles() == [(heat, "Fuego contra fuego", "import")]
