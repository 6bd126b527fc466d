"""Bodies of imports: a form or the file itself, their media types, and bounds on their size."""

import io
import json

import pytest

from movierating.http.request_parser import FILE_MEDIA_TYPES
from ratings.transfers import FILE, IMPORT, zipped


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
