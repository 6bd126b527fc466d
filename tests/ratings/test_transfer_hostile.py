"""Hostile files are rejected, or their rows are reported, and the data of others does not change."""

import json

import pytest

from ratings.transfers import FILE, zipped

DAMAGED, MALFORMED, NO_TEXT = (
    "The ZIP file is damaged.",
    "The JSON is malformed",
    "does not begin with a line of text",
)
HEADER = b"Date,Name,Year,Letterboxd URI,Rating\n"
HOSTILE = {
    "a zip bomb": (
        zipped("ratings.csv", HEADER + b"0" * 50_000_000),
        "unpacks to more than 200 times its size",
    ),
    "a nested zip": (zipped("ratings.zip", zipped("ratings.csv", HEADER)), "Unpack the archive in it first."),
    "half a zip": (zipped("ratings.csv", FILE)[:60], DAMAGED),
    "no zip": (b"PK\x03\x04" + b"\0" * 100, DAMAGED),
    "deep JSON": (b'{"ratings": [' + b"[" * 1000 + b"]" * 1000 + b"]}", MALFORMED),
    "deeper JSON": (b"[" * 100_000, MALFORMED),
    "an endless number": (
        b'{"ratings": [{"imdb_id": "tt0113277", "value": ' + b"9" * 100_000 + b"}]}",
        MALFORMED,
    ),
    "no text": (bytes(range(256)) * 100, NO_TEXT),
    "a million columns": (b"imdb_id,value" + b",x" * 1_000_000 + b"\n", "The first line has 131,072"),
}


@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_rejected(heat, member, upload, everything, problem, data, reason):
    before = everything()["rating"]
    [error] = problem(upload(member, data, create_missing="true"), 422, "file")["errors"]
    assert reason in error["message"]
    assert everything()["rating"] == before


@pytest.mark.parametrize(
    "row",
    [
        b"tt0113277\0,8,",
        b"tt0113277,inf,",
        b"tt0113277,1e309,",
        "tt0113277,\u0665,".encode(),
        b"tt0113277,8," + b"9" * 200_000,
        b"tt" + b"9" * 5000 + b",8,",
        b'tt0113277,"8,',
        b"tt0113277,8," + b"x," * 100_000,
    ],
)
def test_hostile_row_is_reported_and_the_next_one_imported(heat, member, upload, row):
    data = b"imdb_id,value,rated_at\n" + row + b"\ntt0113277,8.5,\n"
    report = upload(member, data).json
    assert [error["line"] for error in report["errors"]] == [2]
    assert report["created"] == 1


def test_hostile_json_values_are_reported_rows(heat, member, upload):
    ratings = [
        {"imdb_id": "tt0113277", "value": 10**400},
        {"tmdb_id": 10**30, "value": 8},
        {"tmdb_id": 1.5e300, "value": 8},
        {"title": "Heat", "year": 10**20, "value": 8},
        {"title": ["Heat"], "year": 1995, "value": 8},
        {"title": "He\ud800at", "year": 1995, "value": 8},
        {"title": "x" * 501, "year": 1995, "value": 8},
        [],
        None,
    ]
    response = upload(member, json.dumps({"ratings": ratings}), create_missing="true")
    assert response.status_code == 200, response.text
    assert [error["line"] for error in response.json["errors"]] == list(range(len(ratings)))
