"""An import and what others do meanwhile: delete and add movies, write, read."""

import sys
import threading

import pytest
from sqlalchemy import func, select

from movierating.errors import Unavailable
from movierating.movies import service as movies
from movierating.movies import titles
from movierating.ratings import imports, service
from movierating.ratings.models import Rating
from movierating.ratings.row_matching import match_rows
from movierating.storage.database import read, write

ROWS = ("tt0113277,,,,,8.5,2024-01-15T10:30:00Z", ",,Ronin,,1998,7,2024-01-15")


def removing(monkeypatch, movie_ids):
    """Let each match be followed by the removal of one of the movies, as an admin might, before it is rated."""

    def match_and_remove(*args, **options):
        matches = match_rows(*args, **options)
        for movie_id in movie_ids[:1]:
            service.delete_movie(movie_ids.pop(0), None, with_ratings=True)
            assert movie_id in matches.newest
        return matches

    monkeypatch.setattr(imports, "match_rows", match_and_remove)


def test_a_movie_that_is_removed_after_its_match_is_unmatched(
    rated, import_rows, counts, heat, user_id, exact, add_many, monkeypatch
):
    (other,) = add_many(1)
    removing(monkeypatch, [other])
    report = import_rows(user_id, ROWS[0], "tt9000001,,,,,8,")
    assert counts(report) == [1, 0, 0, 0, 1, 0]
    assert set(rated(user_id)) == {heat}
    assert exact()


def test_import_gives_up_if_movies_are_deleted_at_each_attempt(
    rated, import_rows, user_id, add_many, monkeypatch
):
    removing(monkeypatch, add_many(5))
    with pytest.raises(Unavailable):
        import_rows(user_id, *[f"tt{9000000 + number},,,,,5," for number in range(1, 7)])
    assert rated(user_id) == {}


def adding(monkeypatch, facts):
    """Let the first match be followed by another client's addition of a movie, before the import writes."""
    pending = [facts]

    def match_and_add(*args, **options):
        matches = match_rows(*args, **options)
        while pending:
            movies.create_movie(pending.pop())
        return matches

    monkeypatch.setattr(imports, "match_rows", match_and_add)


def test_movies_added_by_an_import_get_the_next_free_ids(
    rated, import_rows, counts, user_id, exact, monkeypatch
):
    adding(monkeypatch, {"title": "Casino", "year": 1995})
    rows = (
        ",,Emma,,1996,7,",
        "tt0000008,5,Ronin,,1998,9,",
        "tt0000007,5,Sid,,1998,9,",
    )
    assert counts(import_rows(user_id, *rows, create_missing=True)) == [3, 0, 0, 0, 0, 0]
    added = [movies.get_movie(movie_id).title for movie_id in rated(user_id)]
    assert sorted(added) == ["Emma", "Ronin", "Sid"]
    assert exact()


@pytest.mark.parametrize(
    "facts",
    [
        {"title": "Emma", "year": 1996},
        {"title": "Other", "original_title": "Emma", "year": 1996},
        {"title": "Other", "year": 2000, "imdb_id": "tt0000009"},
    ],
)
def test_import_rates_a_movie_that_another_client_adds_meanwhile(
    rated, import_rows, counts, user_id, exact, monkeypatch, facts
):
    adding(monkeypatch, facts)
    row = ("tt0000009" if "imdb_id" in facts else "") + ",,Emma,,1996,7,"
    assert counts(import_rows(user_id, row, create_missing=True)) == [1, 0, 0, 0, 0, 0]
    assert [movies.get_movie(movie_id).title for movie_id in rated(user_id)] == [facts["title"]]
    assert exact()


def test_import_folds_titles_before_its_transaction(import_rows, user_id, monkeypatch):
    folded = []

    def note_folding(frame, event, _argument):
        if event == "call" and frame.f_code.co_filename == titles.__file__:
            folded.append(frame.f_code.co_name)

    def write_and_note(job, *args, **options):
        def noted(connection):
            sys.setprofile(note_folding)
            try:
                return job(connection)
            finally:
                sys.setprofile(None)

        return write(noted, *args, **options)

    monkeypatch.setattr(imports, "write", write_and_note)
    ligatures = "\ufdfa" * 400
    rows = [f",,{number} {ligatures},Original {number} {ligatures},1996,7," for number in range(20)]
    assert import_rows(user_id, *rows, create_missing=True)["created"] == 20
    assert folded == []


@pytest.mark.parametrize("create_missing", [False, True])
def test_dry_run_does_not_wait_for_writers(import_rows, counts, heat, user_id, app, create_missing):
    inside, done = threading.Event(), threading.Event()

    def hold(_connection):
        inside.set()
        assert done.wait(30)

    def work():
        with app.app_context():
            write(hold)

    writer = threading.Thread(target=work)
    writer.start()
    assert inside.wait(30)
    report = import_rows(user_id, *ROWS, dry_run=True, create_missing=create_missing)
    done.set()
    writer.join()
    assert counts(report) == ([2, 0, 0, 0, 0, 0] if create_missing else [1, 0, 0, 0, 1, 0])


def test_readers_see_all_of_an_import_or_nothing(import_rows, app, user_id, add_many, eventually):
    add_many(2000)
    seen, done = set(), threading.Event()

    def look():
        with app.app_context():
            while not done.is_set():
                seen.add(read().scalar(select(func.count()).select_from(Rating)))

    reader = threading.Thread(target=look)
    reader.start()
    eventually(lambda: seen)
    report = import_rows(user_id, *[f"tt{9000000 + number},,,,,5," for number in range(1, 2001)])
    done.set()
    reader.join()
    assert report["created"] == 2000
    assert seen <= {0, 2000}
