"""Exports are lossless, the same bytes on each instance, and never in memory as a whole."""

import io
import tracemalloc
from datetime import datetime

import pytest
from flask import Response
from sqlalchemy import delete, insert
from sqlalchemy.exc import OperationalError

from movierating.movies import service as movies
from movierating.movies.models import Movie, MovieExternalId
from movierating.ratings import exports, service
from movierating.ratings.bulk import set_ratings
from movierating.ratings.exports import export_ratings
from movierating.ratings.formats import writers
from movierating.ratings.imports import import_file
from movierating.ratings.models import Rating
from movierating.storage.database import db, read, write
from movierating.storage.dialect import POSTGRESQL

MOVIES = [
    {"title": "Heat", "original_title": "Élan", "year": 1995, "imdb_id": "tt0113277", "tmdb_id": 949},
    {"title": "Emma", "year": 1996, "imdb_id": "tt0116191", "directors": ["Douglas McGrath"]},
    {"title": "Emma", "year": 1996, "imdb_id": "tt0118308"},
    {"title": '=cmd|"/c calc"!A1', "year": 2000, "tmdb_id": 7},
    {"title": "'=1;-2", "original_title": '+1,"2"', "year": 2001},
    {"title": "Le Trou", "year": 1960},
    {"title": "Ronin", "year": 1998, "tmdb_id": 8195},
]
TIMES = [0, -14_000_000_000_000, 1_704_067_200_000_000, 1_704_067_200_123_456, 1_704_067_200_000_000]


def add_and_rate(user_id):
    """The movies, and a user's ratings of all of them."""
    for place, facts in enumerate(MOVIES):
        service.rate_movie(user_id, movies.create_movie(facts).id, 1 + place * 3, TIMES[place % len(TIMES)])


def add_hundred_thousand(user_id):
    """As many movies with ratings, past everything that counts them."""
    numbers = range(1, 100_001)
    added = [
        {"id": each, "title": f"Movie {each}", "title_key": f"movie {each}", "imdb_id": f"tt{each:07}"}
        for each in numbers
    ]
    rated = [
        {"user_id": user_id, "movie_id": each, "value": 1 + each % 20, "rated_at": each * 1_000_000}
        for each in numbers
    ]
    times = {"created_at": 0, "updated_at": 0}

    def job(connection):
        connection.execute(insert(Movie).values(year=2000, **times), added)
        connection.execute(insert(Rating).values(times), rated)

    write(job)


@pytest.fixture
def rate_three_thousand(user_id, add_many):
    """Add 3,000 movies that the user has rated, oldest first; return their ids."""
    movie_ids = add_many(3000)
    ratings = [(movie_id, 5, movie_id) for movie_id in movie_ids]
    write(lambda connection: set_ratings(connection, user_id, ratings, "newer"))
    return movie_ids


def give_up(user_id, name):
    """A download whose client leaves after the first block."""
    download = export_ratings(user_id, name)
    response = Response(download.blocks)
    next(response.iter_encoded())
    response.close()
    return download._replace(blocks=iter(()))


def exported(user_id, name):
    return b"".join(export_ratings(user_id, name).blocks)


@pytest.mark.parametrize("name", ["csv", "json"])
def test_export_imported_into_another_instance_exports_the_same_bytes(add_user, exact, name):
    ada, bob = add_user("ada"), add_user("bob")
    add_and_rate(ada)
    before = exported(ada, name)
    for movie_id in range(1, len(MOVIES) + 1):
        service.delete_movie(movie_id, None, with_ratings=True)
    for facts in reversed(MOVIES):
        movies.create_movie(facts)
    report = import_file(bob, io.BytesIO(before))
    assert (report.format, report.created, report.unmatched, report.errors) == (name, len(MOVIES), [], [])
    assert exported(bob, name) == before
    assert import_file(bob, io.BytesIO(before)).unchanged == len(MOVIES)
    assert exact()


@pytest.mark.parametrize("name", ["csv", "json"])
@pytest.mark.parametrize("rated_at", [4_102_444_800_000_000, 253_402_300_799_999_999])
def test_export_of_an_instance_with_a_fast_clock_imports_again(add_user, heat, name, rated_at):
    ada, bob = add_user("ada"), add_user("bob")
    service.rate_movie(ada, heat, 17, rated_at)
    before = exported(ada, name)
    assert import_file(bob, io.BytesIO(before)).created == 1
    assert exported(bob, name) == before
    assert import_file(ada, io.BytesIO(before)).unchanged == 1


@pytest.mark.parametrize(
    "file",
    [
        "imdb_id,value,rated_at\ntt0113277,8,2099-01-01T00:00:00Z",
        '{"ratings": [{"imdb_id": "tt0113277", "value": 8, "rated_at": "2099-01-01"}]}',
    ],
)
def test_time_in_the_future_is_ignored_in_files_of_other_programs(user_id, heat, file):
    report = import_file(user_id, io.BytesIO(file.encode()))
    assert (report.created, report.errors) == (1, [])
    assert "in the future" in report.notes[0]["reason"]


@pytest.mark.parametrize("name", ["csv", "json"])
def test_import_of_an_export_adds_its_missing_movies(add_user, name):
    ada, bob = add_user("ada"), add_user("bob")
    add_and_rate(ada)
    before = exported(ada, name)
    for movie_id in range(1, len(MOVIES) + 1):
        service.delete_movie(movie_id, None, with_ratings=True)
    # An import adds no deleted movie again; an instance where there never was one does.
    write(lambda connection: connection.execute(delete(MovieExternalId)))
    assert import_file(bob, io.BytesIO(before), create_missing=True).created == len(MOVIES)
    assert exported(bob, name) == before


@pytest.mark.parametrize("name", ["letterboxd", "imdb", "simkl"])
def test_exports_for_other_services_can_be_imported(add_user, name):
    ada, bob = add_user("ada"), add_user("bob")
    add_and_rate(ada)
    report = import_file(bob, io.BytesIO(exported(ada, name)))
    assert (report.format, report.created, report.errors) == (name, len(MOVIES) - len(report.unmatched), [])
    # Neither file can tell the two of one title apart where it has no id for them.
    assert {row["title"] for row in report.unmatched} <= {"Emma"}


@pytest.mark.parametrize("name", ["csv", "json", "letterboxd", "imdb", "simkl"])
def test_export_without_ratings_has_no_rows(user_id, name):
    report = import_file(user_id, io.BytesIO(exported(user_id, name)))
    assert (report.format, report.created, report.errors) == (name, 0, [])


def test_export_is_ordered_by_time_and_ids_that_all_instances_share(add_user):
    add_and_rate(ada := add_user("ada"))
    lines = exported(ada, "csv").decode().splitlines()[1:]
    rated = [datetime.fromisoformat(line.split(",")[-2]) for line in lines]
    assert rated == sorted(rated)
    ids = [line.split(",")[0] for line in lines if ",2024-01-01T00:00:00Z" in line]
    assert ids == ["", "tt0118308"]


@pytest.mark.slow
def test_export_of_many_ratings_takes_little_memory(user_id):
    add_hundred_thousand(user_id)
    tracemalloc.start()
    size = sum(map(len, export_ratings(user_id, "csv").blocks))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 5_000_000
    # As tuples, the ratings alone would take twice as much.
    assert peak < 8_000_000
    read()
    before = db.engine.pool.checkedout()
    assert give_up(user_id, "letterboxd").media_type == writers.ZIP
    assert db.engine.pool.checkedout() == before


def test_export_shows_the_ratings_of_the_moment_it_began(user_id, rate_three_thousand):
    blocks = export_ratings(user_id, "csv").blocks
    first = next(blocks)
    write(lambda connection: service.delete_all_ratings(connection, user_id))
    assert (first + b"".join(blocks)).count(b"\r\n") == 3001


def test_export_begins_before_its_first_block_is_read(user_id, rate_three_thousand):
    blocks = export_ratings(user_id, "csv").blocks
    write(lambda connection: service.delete_all_ratings(connection, user_id))
    assert b"".join(blocks).count(b"\r\n") == 3001


def test_export_whose_ratings_cannot_be_read_returns_503(member, monkeypatch):
    def fail(*_arguments):
        raise OperationalError("SELECT", {}, Exception("the database is gone"))

    monkeypatch.setattr(exports, "read", fail)
    assert member.get("/v1/users/me/ratings/export?format=csv").status_code == 503


def test_export_leaves_out_movies_that_are_deleted_meanwhile(user_id, rate_three_thousand):
    blocks = export_ratings(user_id, "csv").blocks
    first = next(blocks)
    service.delete_movie(rate_three_thousand[-1], None, with_ratings=True)
    assert (first + b"".join(blocks)).count(b"\r\n") == 3000


def count_open_read_transactions():
    """Return how many transactions keep the database from discarding old versions of rows."""
    if db.engine.dialect.name == POSTGRESQL:
        snapshots = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        snapshots += " AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"
        return read().exec_driver_sql(snapshots).scalar_one()
    return read().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").first()[0]


@pytest.mark.parametrize("name", ["csv", "json", "letterboxd", "imdb", "simkl"])
def test_slow_reader_of_an_export_holds_no_read_transaction(user_id, rate_three_thousand, name):
    blocks = export_ratings(user_id, name).blocks
    next(blocks)
    service.rate_movie(user_id, rate_three_thousand[0], 7, None)
    assert count_open_read_transactions() == 0
    assert b"".join(blocks) or name in ("letterboxd", "imdb", "simkl")


@pytest.mark.parametrize("name", ["csv", "json", "letterboxd", "imdb", "simkl"])
def test_abandoned_download_returns_its_connection(user_id, rate_three_thousand, name):
    read()
    before = db.engine.pool.checkedout()
    give_up(user_id, name)
    export_ratings(user_id, name)
    assert db.engine.pool.checkedout() == before
