"""The bundled movies are loaded once; a later load never overwrites edits."""

import pytest
from sqlalchemy import delete

from movierating.movies import seed, service
from movierating.movies.models import DataMigration
from movierating.ratings import merging
from movierating.ratings import service as ratings
from movierating.storage.database import write
from movies.movie_rows import EMMA, KELLS, count_movies, list_titles, load


def forget_seeding():
    write(lambda connection: connection.execute(delete(DataMigration)))


@pytest.fixture
def small(monkeypatch, write_csv):
    """Two movies instead of the bundled ones."""
    path = write_csv({**EMMA, "prominence": "50"}, {**KELLS, "prominence": "40"})
    monkeypatch.setattr(seed, "get_bundled_csv", lambda: path)
    forget_seeding()
    return path


def test_seeding_again_adds_missing_movies(app, write_csv):
    assert load(write_csv(EMMA)).added == 1
    report = load(write_csv(EMMA, KELLS))
    assert (report.added, report.present) == (1, 1)
    report = load(write_csv(EMMA, KELLS, KELLS))
    assert (report.added, report.present) == (0, 3)
    assert list_titles() == ["Emma", "The Secret of Kells"]


@pytest.mark.parametrize(
    "edit",
    [
        {"title": "Jane Austen's Emma"},
        {"title": "Emma!", "year": 1997},
        {"imdb_id": None},
        {"imdb_id": "tt0118308"},
        {"imdb_id": None, "tmdb_id": None},
        {"imdb_id": None, "tmdb_id": None, "title": "Jane Austen's Emma"},
        {"wikidata_id": None},
        {"genres": ["Drama"], "directors": ["Douglas McGrath"]},
    ],
    ids=str,
)
def test_edited_movie_is_not_changed(app, small, edit):
    seed.seed_new_database()
    edited = service.update_movie(1, None, edit)
    assert seed.seed_bundled().present == 2
    assert service.get_movie(1) == edited
    assert count_movies() == 2


def test_the_first_start_seeds_and_later_ones_do_not(app, small):
    seed.seed_new_database()
    assert list_titles() == ["Emma", "The Secret of Kells"]
    ratings.delete_movie(1, None, with_ratings=False)
    seed.seed_new_database()
    assert list_titles() == ["The Secret of Kells"]


def test_deleted_movie_is_not_added_by_an_explicit_seed(app, small):
    seed.seed_new_database()
    ratings.delete_movie(1, None, with_ratings=False)
    assert load(small).added == 0
    assert list_titles() == ["The Secret of Kells"]


@pytest.mark.parametrize(
    "ids", [{}, {"imdb_id": "", "tmdb_id": "", "wikidata_id": ""}], ids=["ids", "no ids"]
)
def test_merged_movie_is_not_added_by_a_seed(app, write_csv, add_movie, ids):
    path = write_csv({**EMMA, **ids})
    load(path)
    survivor_id = add_movie(title="Jane Austen's Emma", year=1997)
    merging.merge_movies(1, survivor_id)
    report = load(path)
    assert (report.added, report.present) == (0, 1)
    assert list_titles() == ["Jane Austen's Emma"]
