"""The bundled movies are loaded in two parts and in batches, which a later start continues."""

import csv
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, select

from movierating.movies import movie_csv, seed, service
from movierating.movies.import_batch import BatchLoader
from movierating.movies.models import DataMigration, Movie, MovieTitle
from movierating.movies.staged_movies import CatalogueChanged, StagedMovies
from movierating.operations import checks
from movierating.ratings import service as ratings
from movierating.storage.database import read, write

SIZE, WELL_KNOWN = 25, (3, 11, 12, 20)
BATCHES = [range(start, min(SIZE, start + 10)) for start in range(0, SIZE, 10)]


def make_row(n):
    return {
        "title": f"Film {n}",
        "year": "1990",
        "imdb_id": f"tt{n:07}",
        "wikidata_id": f"Q{n + 1}",
        "genres": "Drama" if n % 2 else "",
        "prominence": str(90 - n if n in WELL_KNOWN else n),
        "alternative_titles": f"Movie {n}|Pellicola {n}" if n % 3 == 0 else "",
    }


def write_catalogue(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, movie_csv.COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def catalogue(app, monkeypatch, tmp_path):
    """A catalogue of 25 movies, of which no database has any; batches have ten rows, in the order of the file."""
    monkeypatch.setattr(seed, "shuffle", iter)
    path = tmp_path / "catalogue.csv"
    write_catalogue(path, map(make_row, range(SIZE)))
    monkeypatch.setattr(seed, "get_bundled_csv", lambda: path)
    monkeypatch.setattr(seed, "BATCH_ROWS", 10)
    write(lambda connection: connection.execute(delete(DataMigration)))
    return path


def test_shuffled_rows_are_all_rows_in_the_same_order_each_time(catalogue):
    rows = list(movie_csv.read_rows(catalogue))
    shuffled = list(movie_csv.read_rows(catalogue, choose_lines=movie_csv.shuffle))
    assert shuffled == list(movie_csv.read_rows(catalogue, choose_lines=movie_csv.shuffle))
    texts, shuffled_texts = ([row["imdb_id"] for _, row in each] for each in (rows, shuffled))
    assert sorted(texts) == sorted(shuffled_texts)
    assert texts != shuffled_texts


def list_numbers():
    """Return the numbers of the movies, in the order of their ids."""
    return [int(title.split()[-1]) for title in read().scalars(select(Movie.title).order_by(Movie.id))]


def list_data_migrations():
    return sorted(read().scalars(select(DataMigration.name)))


def list_titles(movie_id):
    statement = select(MovieTitle.title).where(MovieTitle.movie_id == movie_id).order_by(MovieTitle.id)
    return read().scalars(statement).all()


def interrupt_after(monkeypatch, batches):
    """Make the loader fail before the next batch."""
    load, count = BatchLoader.load, iter(range(batches))

    def load_some(loader, rows, finish):
        if next(count, None) is None:
            raise KeyboardInterrupt
        load(loader, rows, finish)

    with monkeypatch.context() as patch:
        patch.setattr(BatchLoader, "load", load_some)
        with pytest.raises(KeyboardInterrupt):
            seed.load_catalogue()


def test_well_known_movies_come_first_and_the_others_are_added_later(catalogue):
    seed.seed_new_database()
    assert list_numbers() == list(WELL_KNOWN)
    assert not seed.is_catalogue_loaded()
    assert not seed.has_had_catalogue()
    assert not seed.is_first_load_under_way()
    seed.record_load_start()
    assert seed.is_first_load_under_way()
    report = seed.load_catalogue()
    assert (report.added, report.present, report.rejected) == (SIZE - 4, 4, 0)
    assert sorted(list_numbers()) == list(range(SIZE))
    assert seed.is_catalogue_loaded()
    assert list_data_migrations() == [seed.get_catalogue_migration(), seed.WELL_KNOWN_MIGRATION]
    assert checks.run_checks(repair=False) == ([], [])


def test_movies_have_prominence_and_alternative_titles(catalogue):
    seed.seed_new_database()
    seed.load_catalogue()
    for n, movie_id in ((3, 1), (0, 5), (1, 6)):
        row = make_row(n)
        assert service.get_movie(movie_id).title == row["title"]
        prominence = read().scalar(select(Movie.prominence).where(Movie.id == movie_id))
        assert str(prominence) == row["prominence"]
        assert list_titles(movie_id) == [name for name in row["alternative_titles"].split("|") if name]


def test_loading_again_changes_nothing(catalogue):
    seed.seed_new_database()
    seed.load_catalogue()
    before = read().execute(select(Movie).order_by(Movie.id)).all()
    seed.seed_new_database()
    assert (seed.load_catalogue().added, seed.load_catalogue().present) == (0, 0)
    report = seed.seed_bundled()
    assert (report.added, report.present) == (0, SIZE)
    assert read().execute(select(Movie).order_by(Movie.id)).all() == before


@pytest.mark.parametrize("batches", range(len(BATCHES) + 1))
def test_interrupted_load_continues_and_deleted_movies_stay_deleted(catalogue, monkeypatch, batches):
    seed.seed_new_database()
    if batches < len(BATCHES):
        interrupt_after(monkeypatch, batches)
    else:
        monkeypatch.setattr(seed, "_finish", lambda *_: None)
        seed.load_catalogue()
        monkeypatch.undo()
        monkeypatch.setattr(seed, "get_bundled_csv", lambda: catalogue)
        monkeypatch.setattr(seed, "BATCH_ROWS", 10)
    loaded = {*WELL_KNOWN, *(n for batch in BATCHES[:batches] for n in batch)}
    assert set(list_numbers()) == loaded
    assert not seed.is_catalogue_loaded()
    assert not seed.has_had_catalogue()
    assert seed.is_first_load_under_way() == (batches > 0)
    deleted = [1, 4, len(loaded)]
    gone = {list_numbers()[movie_id - 1] for movie_id in {*deleted} if movie_id <= len(loaded)}
    for movie_id in sorted({*deleted}):
        if movie_id <= len(loaded):
            ratings.delete_movie(movie_id, None, with_ratings=False)
    seed.seed_new_database()
    seed.load_catalogue()
    assert sorted(list_numbers()) == sorted({*range(SIZE)} - gone)


def test_existing_movies_keep_their_facts_and_get_the_rest(catalogue, add_movie):
    """An instance of the first version."""
    by_imdb_id = add_movie(title="Renamed", year=2001, imdb_id="tt0000003", genres=["War"])
    by_wikidata_id = add_movie(title="Other", year=2002, imdb_id="tt9999999", wikidata_id="Q7")
    by_title = add_movie(title="FILM 9", year=1990)
    own = add_movie(title="My film", year=2003)
    write(
        lambda connection: connection.execute(
            DataMigration.__table__.insert(), {"name": "seeded", "applied_at": 0}
        )
    )
    before = {
        movie_id: service.get_movie(movie_id) for movie_id in (by_imdb_id, by_wikidata_id, by_title, own)
    }
    seed.seed_new_database()
    report = seed.load_catalogue()
    # Movies of the first version that are missing were deleted.
    assert (report.added, report.present) == (SIZE - 4 - 2, 3)
    for movie_id, row in before.items():
        after = service.get_movie(movie_id)
        assert after.edit == row.edit + (2 if movie_id != own else 0)
        changed = {"prominence", "alternative_titles", "edit", "updated_at"}
        assert after._replace(**{name: getattr(row, name) for name in changed}) == row
    assert list_titles(by_imdb_id) == ["Movie 3", "Pellicola 3"]
    assert list_titles(by_wikidata_id) == ["Movie 6", "Pellicola 6"]
    assert list_titles(own) == []
    prominences = select(Movie.prominence).where(Movie.id <= own).order_by(Movie.id)
    assert read().scalars(prominences).all() == [87, 6, 9, 0]


def test_a_changed_catalogue_is_loaded_again(catalogue):
    seed.seed_new_database()
    seed.load_catalogue()
    write_catalogue(catalogue, [*map(make_row, range(SIZE)), {**make_row(99), "prominence": "1"}])
    assert not seed.is_catalogue_loaded()
    assert seed.has_had_catalogue()
    assert not seed.is_first_load_under_way()
    assert seed.load_catalogue().added == 1


def test_movie_that_is_added_meanwhile_is_matched_in_the_transaction(catalogue, monkeypatch, add_movie):
    seed.seed_new_database()
    insert, calls = StagedMovies.insert, []

    def insert_after_another(staged, connection):
        calls.append(staged)
        if len(calls) == 1:
            raise CatalogueChanged
        return insert(staged, connection)

    monkeypatch.setattr(StagedMovies, "insert", insert_after_another)
    seed.load_catalogue()
    assert sorted(list_numbers()) == list(range(SIZE))
    assert len(calls) == len(BATCHES) + 1


def test_two_loaders_take_turns(app, catalogue):
    seed.seed_new_database()

    def load(_):
        with app.app_context():
            return seed.load_catalogue().added

    with ThreadPoolExecutor(3) as threads:
        added = list(threads.map(load, range(3)))
    assert sorted(added) == [0, 0, SIZE - 4]
    assert sorted(list_numbers()) == list(range(SIZE))


def test_progress_of_other_data_migrations_is_kept(catalogue):
    names = ["catalogue", "catalogue x 1"]
    rows = [{"name": name, "applied_at": time.time_ns()} for name in names]
    write(lambda connection: connection.execute(DataMigration.__table__.insert(), rows))
    seed.seed_new_database()
    seed.load_catalogue()
    assert list_data_migrations() == sorted(
        [*names, seed.WELL_KNOWN_MIGRATION, seed.get_catalogue_migration()]
    )
