"""Imports and exports over HTTP: permissions, options, reports and files."""

import io

import pytest
from werkzeug.datastructures import FileStorage

from movierating.http import upload_slots
from movierating.ratings import imports
from ratings.transfers import EXPORT, FILE, IMPORT, zip_files

CALLS = [
    ("POST", "/v1/users/me/ratings", {"ratings": [{"movie_id": 1, "value": 5}]}),
    ("POST", "/v1/users/me/ratings/delete", {"ratings": [{"movie_id": 1}]}),
    ("POST", IMPORT, None),
    ("GET", EXPORT, None),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_requests_without_a_token_are_rejected(client, problem, method, path, body):
    problem(client.open(path, method=method, json=body), 401)


@pytest.mark.parametrize("scope", ["read", "write"])
@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_read_token_can_export_but_not_import(heat, client, member, problem, scope, method, path, body):
    token = member.post("/v1/auth/tokens", json={"name": "script", "scope": scope}).json["token"]
    sent = (
        {"json": body}
        if body
        else {"data": {"file": (io.BytesIO(FILE.encode()), "x")} if path == IMPORT else None}
    )
    response = client.open(path, method=method, headers={"Authorization": f"Bearer {token}"}, **sent)
    if scope == "read" and method == "POST":
        problem(response, 403)
        assert member.get(f"/v1/movies/{heat}/rating").status_code == 404
    else:
        assert response.status_code == 200


def test_the_report_names_the_files_of_a_zip_that_are_not_read(heat, member, upload):
    files = {
        "me/ratings.csv": FILE,
        "me/watched.csv": "Date,Name\n",
        "me/deleted/ratings.csv": FILE,
        "me/.DS_Store": "x",
        "__MACOSX/me/._ratings.csv": "x",
        f"{'x' * 300}.jpg": "x",
    }
    report = upload(member, zip_files(files)).json
    assert report["unread_files"] == ["me/watched.csv", "me/deleted/ratings.csv", "x" * 200]
    many = {"ratings.csv": FILE, **{f"{number}.txt": "x" for number in range(200)}}
    assert len(upload(member, zip_files(many)).json["unread_files"]) == 100


def test_the_report_is_as_documented(heat, member, upload):
    lines = [
        "tt0113277,Heat,1995,8.5",
        "tt0113277,Heat,1995,8.5",
        ",Emma,1996,7",
        ",Emma,1996,11",
    ]
    response = upload(member, "\n".join(["imdb_id,title,year,value", *lines]))
    assert response.status_code == 200
    assert response.content_type == "application/json"
    reason = {"reason": "there is no such movie"}
    assert list(response.json.items()) == [
        ("format", "csv"),
        ("dry_run", False),
        ("catalogue", None),
        ("read", 3),
        ("created", 1),
        ("updated", 0),
        ("unchanged", 0),
        ("skipped", {"older": 1, "not_a_movie": 0, "no_rating": 0}),
        (
            "unmatched",
            [{"file": None, "line": 4, "title": "Emma", "year": 1996, **reason, "candidates": []}],
        ),
        (
            "errors",
            [{"file": None, "line": 5, "reason": "the rating '11' is not a number from 0.5 to 10 by halves"}],
        ),
        ("notes", []),
        ("unread_files", []),
        ("details", None),
        ("details_csv", None),
        ("replaced_csv", None),
    ]


@pytest.mark.parametrize("query", [{}, {"dry_run": "true"}, {"dry_run": "false"}])
@pytest.mark.parametrize("form", [{}, {"dry_run": "true"}, {"dry_run": "false"}])
def test_options_of_the_form_override_those_of_the_query(heat, member, upload, query, form):
    text = "".join(f"?{name}={value}" for name, value in query.items())
    response = upload(member, FILE, text, **form)
    assert response.json["dry_run"] == ({**query, **form}.get("dry_run") == "true")
    assert response.json["created"] == 1
    there = member.get(f"/v1/movies/{heat}/rating").status_code == 200
    assert there != response.json["dry_run"]


@pytest.mark.parametrize("text", ["true", "True", "1"])
def test_dry_run_accepts_each_spelling_of_true(heat, member, upload, text):
    for query, form in ((f"?dry_run={text}", {}), ("", {"dry_run": text})):
        assert upload(member, FILE, query, **form).json["dry_run"] is True
    assert member.get(f"/v1/movies/{heat}/rating").status_code == 404


def test_each_import_option_has_its_effect(heat, member, upload, problem):
    member.put(f"/v1/movies/{heat}/rating", json={"value": 3, "rated_at": "2020-01-15T10:30:00Z"})
    assert upload(member, FILE, on_conflict="keep").json["skipped"]["older"] == 1
    assert upload(member, FILE).json["updated"] == 1
    problem(upload(member, FILE, format="imdb"), 422, "file")
    row = "title,year,value\nEmma,1996,7\n"
    assert upload(member, row, format="csv").json["unmatched"]
    assert upload(member, row, "?create_missing=true").json["created"] == 1


@pytest.mark.parametrize(
    ("query", "form", "location", "field"),
    [
        ("", {"note": "x"}, "files", "note"),
        ("?note=x", {}, "query", "note"),
        ("", {"dry_run": "yes"}, "files", "dry_run"),
        ("?dry_run=TRUE", {}, "query", "dry_run"),
        ("", {"dry_run": FileStorage(io.BytesIO(b"true"), "x")}, "files", "dry_run"),
        ("", {"scale": FileStorage(io.BytesIO(b"5"), "x")}, "files", "scale"),
        ("", {"format": "xls"}, "files", "format"),
        ("", {"on_conflict": "older"}, "files", "on_conflict"),
        ("", {"on_conflict": FileStorage(io.BytesIO(b"keep"), "x")}, "files", "on_conflict"),
        ("", {"file": [FileStorage(io.BytesIO(FILE.encode()), name) for name in "ab"]}, "files", "file"),
        ("", {"dry_run": ["true", "false"]}, "files", "dry_run"),
        ("?dry_run=true&dry_run=false", {}, "query", "dry_run"),
        ("", {"file": ["imdb_id,value\n", "x"]}, "files", "file"),
        ("", {"file": FileStorage(io.BytesIO(b""), "x.csv")}, "files", "file"),
    ],
)
def test_undocumented_form_is_rejected(heat, member, upload, problem, query, form, location, field):
    body = problem(upload(member, FILE, query, **form), 422, field)
    assert body["errors"][0]["location"] == location
    assert member.get(f"/v1/movies/{heat}/rating").status_code == 404


@pytest.mark.parametrize(
    ("name", "media_type", "file"),
    [
        ("", "text/csv; charset=utf-8", "movierating.csv"),
        ("?format=csv", "text/csv; charset=utf-8", "movierating.csv"),
        ("?format=json", "application/json", "movierating.json"),
        ("?format=letterboxd", "text/csv; charset=utf-8", "movierating-letterboxd.csv"),
        ("?format=imdb", "text/csv; charset=utf-8", "movierating-imdb.csv"),
        ("?format=trakt", "application/json", "movierating-trakt.json"),
        ("?format=simkl", "text/csv; charset=utf-8", "movierating-simkl.csv"),
    ],
)
def test_export_is_a_download_that_can_be_imported(heat, member, upload, name, media_type, file):
    member.put(f"/v1/movies/{heat}/rating", json={"value": 8, "rated_at": "2024-01-15T00:00:00Z"})
    response = member.get(EXPORT + name)
    assert response.status_code == 200
    assert response.content_type == media_type
    assert response.headers["Content-Disposition"] == f'attachment; filename="{file}"'
    assert response.headers["Cache-Control"] == "no-store"
    assert upload(member, response.data).json["unchanged"] == 1


@pytest.mark.parametrize("query", ["?format=xls", "?format=csv&format=json", "?limit=1"])
def test_unknown_export_format_is_rejected(member, problem, query):
    problem(member.get(EXPORT + query), 422, query[1:].partition("=")[0])


def test_third_upload_at_once_returns_503_with_retry_after(member, upload, problem, monkeypatch):
    monkeypatch.setattr(upload_slots, "SLOT_TIMEOUT_SECONDS", 0.01)
    leaving = [imports.IMPORT_SLOTS.acquire() for _ in range(2)]
    response = upload(member, "title,year,value\nHeat,1995,8\n")
    assert "Other files" in problem(response, 503)["detail"]
    assert response.headers["Retry-After"] == "1"
    for leave in leaving:
        leave()
    assert upload(member, "title,year,value\nHeat,1995,8\n").status_code == 200


@pytest.mark.parametrize(
    ("option", "value", "status"),
    [
        ("create_missing", "always", 200),
        ("create_missing", "True", 200),
        ("create_missing", "0", 200),
        ("create_missing", "Always", 422),
        ("create_missing", "sometimes", 422),
        ("details", "csv", 200),
        ("details", "json", 422),
        ("choices", '{"2": 1}', 200),
        ("choices", '{":2": "new"}', 200),
        ("choices", '{"2": true}', 422),
        ("choices", '{"2": 0}', 422),
        ("choices", "[2]", 422),
        ("choices", "2", 422),
        ("choices", "{", 422),
    ],
)
def test_import_takes_choices_and_words_beside_true_and_false(upload, member, option, value, status):
    response = upload(member, "title,year,value\nHeat,1995,8\n", **{option: value})
    assert response.status_code == status, response.json


def test_choices_for_rows_that_the_file_lacks_are_rejected(upload, member, problem):
    response = upload(
        member, "title,year,value\nHeat,1995,8\n", choices='{"2": "new", "7": 1, "x.csv:2": "new"}'
    )
    problem(response, 422, "choices")
    assert response.json["errors"][0]["message"] == "The file has no row at 7, x.csv:2."
