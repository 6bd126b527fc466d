"""Ratings in and out over HTTP: who may, what is rejected, and what a hostile file comes to."""

import io
import json
import zipfile

import pytest
from werkzeug.datastructures import FileStorage

from movierating.http import upload_slots
from movierating.http.request import FILE_MEDIA_TYPES
from movierating.ratings import imports

IMPORT, EXPORT = "/v1/users/me/ratings/import", "/v1/users/me/ratings/export"
CALLS = [
    ("POST", "/v1/users/me/ratings", {"ratings": [{"movie_id": 1, "value": 5}]}),
    ("POST", "/v1/users/me/ratings/delete", {"ratings": [{"movie_id": 1}]}),
    ("POST", IMPORT, None),
    ("GET", EXPORT, None),
]
FILE = "imdb_id,value,rated_at\ntt0113277,8.5,2024-01-15T10:30:00Z\n"


def zip_files(files):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def zipped(name, data):
    return zip_files({name: data})


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


def test_an_import_needs_its_file(member, problem):
    body = problem(
        member.post(IMPORT, data={"dry_run": "true"}, content_type="multipart/form-data"), 422, "file"
    )
    assert body["errors"][0]["location"] == "files"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "image/png", ""])
def test_an_import_is_a_form_or_a_file(member, problem, content_type):
    body = problem(member.post(IMPORT, data=FILE, content_type=content_type), 415)
    assert "multipart/form-data, text/csv, application/json" in body["detail"]


JSON = json.dumps({"ratings": [{"imdb_id": "tt0113277", "value": 8.5, "rated_at": "2024-01-15T10:30:00Z"}]})


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("text/csv", FILE),
        ("text/csv; charset=utf-8", FILE),
        ("application/json", JSON),
        (
            "application/zip",
            zipped("ratings.csv", "Date,Name,Year,Letterboxd URI,Rating\n,Heat,1995,u,4.25\n"),
        ),
        ("application/octet-stream", FILE),
        # The content decides, not the type.
        ("text/xml", FILE),
        ("application/xml", JSON),
    ],
)
def test_the_body_may_be_the_file_itself(heat, member, upload, content_type, data):
    query = "?dry_run=true&details=true&on_conflict=keep"
    response = member.post(IMPORT + query, data=data, content_type=content_type)
    assert response.status_code == 200, response.text
    assert response.json == upload(member, data, query).json
    assert response.json["dry_run"] is True


def test_import_documents_the_form_for_generators_and_each_other_type_in_words(client):
    operation = client.get("/openapi.json").json["paths"][IMPORT]["post"]
    assert [*operation["requestBody"]["content"]] == ["multipart/form-data"]
    assert [name for name in FILE_MEDIA_TYPES if f"`{name}`" not in operation["description"]] == []


def test_file_in_a_form_needs_no_name_if_it_is_text_in_utf_8(heat, member, upload, problem):
    assert upload(member, FILE, file=FILE).json["created"] == 1
    part = (
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntitle,value\nAm\xe9lie,8\n\r\n--x--\r\n'
    )
    response = member.post(IMPORT, data=part, content_type="multipart/form-data; boundary=x")
    assert "UTF-8" in problem(response, 422, "file")["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "data", "field"),
    [
        ("", b"", "file"),
        ("", b"a,b\n1,2\n", "file"),
        ("?format=imdb", FILE, "file"),
        ("?file=x", FILE, "file"),
        ("?note=x", FILE, "note"),
        ("?dry_run=yes", FILE, "dry_run"),
    ],
)
def test_a_file_as_the_body_is_rejected_as_one_in_a_form_is(heat, member, problem, query, data, field):
    problem(member.post(IMPORT + query, data=data, content_type="text/csv"), 422, field)
    assert member.get(f"/v1/movies/{heat}/rating").status_code == 404


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("data", [b"", b"--x", b"--x\r\n\r\n", b"\0" * 100, b"--x\r\n" * 1000])
def test_a_broken_form_has_no_file(member, problem, content_type, data):
    problem(member.post(IMPORT, data=data, content_type=content_type), 422, "file")


@pytest.mark.parametrize("form", [True, False], ids=["form", "file"])
@pytest.mark.parametrize(("size", "status"), [(0, 200), (4096, 413)])
def test_file_over_the_limit_is_rejected(make_app, upload, size, status, form):
    app = make_app(MAX_UPLOAD_BYTES="4096", MAX_JSON_BYTES="1024")
    with app.app_context():
        from movierating.users import service

        service.sign_up("ada", "ada@example.org", "correct horse battery", None)
        client = app.test_client()
        login = {"login": "ada", "password": "correct horse battery"}
        token = client.post("/v1/auth/login", json=login).json["access_token"]
        file = FILE.encode() + b"\n" * (size or 2000)
        sent = (
            {"data": {"file": (io.BytesIO(file), "x")}}
            if form
            else {"data": file, "content_type": "text/csv"}
        )
        response = client.post(IMPORT, headers={"Authorization": f"Bearer {token}"}, **sent)
    assert response.status_code == status


@pytest.mark.parametrize("path", [IMPORT, f"{IMPORT}/preview"])
@pytest.mark.parametrize("content_type", [*FILE_MEDIA_TYPES, "multipart/form-data; boundary=x"])
def test_size_of_an_upload_is_bounded_by_its_path_whatever_its_type(make_app, path, content_type):
    app = make_app(MAX_UPLOAD_BYTES="4096", MAX_JSON_BYTES="1024")
    with app.app_context():
        from movierating.users import service

        service.sign_up("ada", "ada@example.org", "correct horse battery", None)
        client = app.test_client()
        login = {"login": "ada", "password": "correct horse battery"}
        token = client.post("/v1/auth/login", json=login).json["access_token"]

        def send(to, size):
            headers = {"Authorization": f"Bearer {token}"}
            return client.post(to, data=b"\n" * size, content_type=content_type, headers=headers).status_code

        assert (send(path, 4096), send(path, 4097)) == (422, 413)
        assert send("/v1/users/me/ratings/delete", 1025) in (413, 415)


@pytest.mark.parametrize("content_type", ["text/csv", "multipart/form-data; boundary=x"])
def test_compressed_upload_is_rejected(member, problem, content_type):
    coded = {"HTTP_CONTENT_ENCODING": "gzip"}
    problem(member.post(IMPORT, data=FILE, content_type=content_type, environ_overrides=coded), 415)


HOSTILE = {
    "a zip bomb": zipped("ratings.csv", b"Date,Name,Year,Letterboxd URI,Rating\n" + b"0" * 50_000_000),
    "a nested zip": zipped("ratings.zip", zipped("ratings.csv", b"Date,Name,Year,Letterboxd URI,Rating\n")),
    "half a zip": zipped("ratings.csv", FILE)[:60],
    "no zip": b"PK\x03\x04" + b"\0" * 100,
    "deep JSON": b'{"ratings": [' + b"[" * 1000 + b"]" * 1000 + b"]}",
    "deeper JSON": b"[" * 100_000,
    "an endless number": b'{"ratings": [{"imdb_id": "tt0113277", "value": ' + b"9" * 100_000 + b"}]}",
    "no text": bytes(range(256)) * 100,
    "a million columns": b"imdb_id,value" + b",x" * 1_000_000 + b"\n",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_rejected_or_its_rows_reported(heat, member, upload, everything, data):
    before = everything()["rating"]
    response = upload(member, data, create_missing="true")
    assert response.status_code in (200, 413, 422), response.text
    if response.status_code == 200:
        assert response.json["created"] == 0
        assert response.json["unmatched"] + response.json["errors"]
    assert everything()["rating"] == before


@pytest.mark.parametrize(
    "row",
    [
        b"tt0113277\0,8,",
        b"tt0113277,NaN,",
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


@pytest.mark.parametrize(
    ("name", "media_type", "file"),
    [
        ("", "text/csv; charset=utf-8", "movierating-csv.csv"),
        ("?format=csv", "text/csv; charset=utf-8", "movierating-csv.csv"),
        ("?format=json", "application/json", "movierating-json.json"),
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
