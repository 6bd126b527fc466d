"""The CSV in a report restores the ratings that the import replaced."""

import csv
import io

import pytest

from movierating.movies import service as movies
from movierating.ratings import exports
from movierating.ratings.bulk import set_ratings
from movierating.ratings.imports import import_file
from movierating.storage.database import write

MOVIES = [
    {"title": "Heat", "original_title": "Élan", "year": 1995, "imdb_id": "tt0113277", "tmdb_id": 949},
    {"title": "Emma", "year": 1996, "imdb_id": "tt0116191"},
    {"title": "Emma", "year": 1996, "imdb_id": "tt0118308"},
    {"title": '=cmd|"/c calc"!A1', "year": 2000, "tmdb_id": 7},
    {"title": "'=1;-2", "original_title": '+1,"2"', "year": 2001},
    {"title": "Le Trou", "year": 1960},
]
TIMES = [
    *("2024-01-15T10:30:00.123456Z", "1960-05-01T00:00:00Z", "2020-02-29T23:59:59Z"),
    *("2024-01-15T10:30:00.123456Z", "2010-10-10T10:10:10.5Z", "1999-12-31T00:00:00Z"),
]


@pytest.fixture
def rate_all(member, app):
    """Rate each of MOVIES with a value and a time of its own; return their ids."""
    movie_ids = [movies.create_movie(facts).id for facts in MOVIES]
    for number, movie_id in enumerate(movie_ids):
        rating = {"value": 0.5 + number * 1.5, "rated_at": TIMES[number]}
        assert member.put(f"/v1/movies/{movie_id}/rating", json=rating).status_code == 201
    return movie_ids


def write_rows(rated_at):
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(("imdb_id", "tmdb_id", "title", "year", "value", "rated_at", "version"))
    for movie in MOVIES:
        ids = movie.get("imdb_id"), movie.get("tmdb_id")
        writer.writerow((*ids, movie["title"], movie["year"], 9.5, rated_at, ""))
    return target.getvalue()


def export(person):
    return person.get("/v1/users/me/ratings/export").data


@pytest.mark.parametrize("rated_at", ["", "2025-01-01T00:00:00Z", "1950-01-01"])
def test_replaced_ratings_come_back_with_values_and_times(rate_all, member, upload, exact, rated_at):
    before = export(member)
    report = upload(member, write_rows(rated_at), on_conflict="replace").json
    assert report["updated"] == len(MOVIES)
    assert export(member) != before
    assert report["replaced_csv"].encode() == before
    restored = upload(member, report["replaced_csv"], on_conflict="replace").json
    assert (restored["format"], restored["updated"]) == ("csv", len(MOVIES))
    assert export(member) == before
    assert exact()


def test_replaced_csv_has_only_what_changed(rate_all, member, upload):
    file = "imdb_id,value,rated_at\ntt0113277,9,2025-01-01\ntt0116191,9,1950-01-01\ntt0118308,3.5,\n"
    report = upload(member, file).json
    assert (report["updated"], report["unchanged"], report["skipped"]["older"]) == (1, 1, 1)
    [row] = csv.DictReader(io.StringIO(report["replaced_csv"]))
    assert (row["imdb_id"], row["value"], row["rated_at"]) == ("tt0113277", "0.5", TIMES[0])


@pytest.mark.parametrize("on_conflict", ["newer", "keep"])
def test_replaced_csv_is_null_if_nothing_was_replaced(rate_all, member, upload, on_conflict):
    assert upload(member, write_rows("1950-01-01"), on_conflict=on_conflict).json["replaced_csv"] is None


def test_dry_run_shows_what_would_be_replaced(rate_all, member, upload):
    before = export(member)
    report = upload(member, write_rows("2025-01-01"), "?dry_run=true").json
    assert report["replaced_csv"].encode() == before == export(member)


def test_more_than_a_page_of_replaced_ratings_comes_back(user_id, add_many, rated):
    movie_ids = add_many(1200)
    ratings = [(movie_id, 1 + movie_id % 20, movie_id) for movie_id in movie_ids]
    write(lambda connection: set_ratings(connection, user_id, ratings, "newer"))
    before = rated(user_id)
    rows = [f"tt{9000000 + number},10" for number in range(1, 1101)]
    file = "\n".join(["imdb_id,value", *rows]).encode()
    report = import_file(user_id, io.BytesIO(file), on_conflict="replace")
    assert (report.updated, report.unchanged) == (1045, 55)
    import_file(user_id, io.BytesIO(report.replaced_csv.encode()), on_conflict="replace")
    assert rated(user_id) == before


def test_replaced_csv_is_left_out_if_it_would_be_too_long(rate_all, member, upload, monkeypatch):
    monkeypatch.setattr(exports, "MAX_REPLACED_LENGTH", 10)
    report = upload(member, write_rows("2025-01-01")).json
    assert (report["updated"], report["replaced_csv"]) == (len(MOVIES), None)
