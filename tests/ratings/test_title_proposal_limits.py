"""Limits of title proposals: of an account, of a movie, of both, and of an import."""

from movierating.movies import title_proposals
from movierating.movies.title_proposals import (
    MAX_IMPORT_TITLES_PER_MOVIE,
    MAX_PROPOSALS_PER_MOVIE,
    MAX_PROPOSALS_PER_USER_AND_MOVIE,
)
from ratings.proposals import BY_ID, list_proposals, list_titles


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
