"""The upload of a file to import: what is accepted, who sees it, and how long it waits."""

import html
import io
import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from movierating.pages.import_options import FORMAT_NAMES
from movierating.ratings import stored_files
from movierating.ratings.formats.upload_reader import FORMATS
from movierating.ratings.models import StoredFile, StoredFilePart
from movierating.storage.database import read
from pages.import_file.forms import HEAT, check, read_counts, read_fields, run, send, upload

CASES = Path(__file__).parents[2] / "ratings" / "formats" / "cases"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "The file is empty"),
        (b"%PDF-1.4", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        ("<!doctype html><p>Log in</p>", "The file is a web page"),
        ('{"a": 1}', "JSON"),
        (b"PK\x03\x04broken", "ZIP"),
    ],
)
def test_file_that_cannot_be_read_is_explained_each_time(ada, content, text):
    page = check(ada, content)
    assert page.status_code == 422
    assert text in html.unescape(page.text)
    assert "<title>Error: Import your ratings" in page.text
    assert "Continue with" not in page.text
    assert "Accepted formats" not in page.text
    # A GET deletes nothing.
    assert ada.get("/import/check").text == page.text


def test_form_without_a_file_is_shown_again(ada):
    for data in ({}, {"file": (io.BytesIO(b""), "")}, {"file": "text"}):
        response = ada.post("/import", data=data, content_type="multipart/form-data")
        assert response.status_code == 422
        assert "Choose a file." in response.text


def test_file_over_the_limit_is_rejected(make_app, sign_up):
    app = make_app(MAX_UPLOAD_BYTES="2048", MAX_JSON_BYTES="1024")
    browser = app.test_client()
    browser.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    sign_up("ada")
    browser.post("/login", data={"login": "ada", "password": "correct horse battery"})
    response = upload(browser, "x" * 3000)
    assert response.status_code == 413
    assert "larger than" in response.text
    assert upload(browser, "title,year,value\n" + "x" * 1500).status_code == 303


def test_script_gets_the_address_of_the_check(ada, heat):
    response = upload(ada, HEAT, headers={"X-Part": "upload"})
    assert response.status_code == 201
    assert read_counts(ada.get(response.headers["Location"]))["new"] == 1


def test_another_host_goes_on_with_the_upload(ada, heat, make_app, get_own):
    page = check(ada, HEAT)
    other = make_app().test_client()
    other.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    other.post("/login", data={"login": "ada", "password": "correct horse battery"})
    assert run(other, page).status_code == 200
    assert get_own() == {"Heat": 9}


def test_upload_of_another_member_is_not_seen(ada, browse, heat):
    page = check(ada, HEAT)
    bob = browse("bob")
    for response in (
        bob.get(f"/import/check?upload={read_fields(page)['upload'][0]}"),
        send(bob, page, "run"),
    ):
        assert response.headers["Location"] == "/import?gone=1"
    assert "Continue with" not in bob.get("/import").text
    done = send(ada, page, "run").headers["Location"]
    for path in (done, done.replace("/done", "/rows.csv"), done.replace("/done", "/former.csv")):
        assert bob.get(path).status_code == 303
    assert ada.get(done.replace("/done", "/former.csv")).status_code == 404


def test_login_of_anyone_purges_uploads_that_have_expired(ada, browse, heat, monkeypatch):
    check(ada, HEAT)
    browse("bob")
    assert read().scalar(select(func.count()).select_from(StoredFilePart)) == 1
    monkeypatch.setattr(stored_files, "LIFETIME_SECONDS", 0)
    browse("eve")
    for model in (StoredFile, StoredFilePart):
        assert read().scalar(select(func.count()).select_from(model)) == 0


@pytest.mark.parametrize("step", ["check", "rows", "run"])
def test_upload_that_has_gone_leads_to_the_first_step(ada, heat, step, monkeypatch):
    page = check(ada, HEAT)
    monkeypatch.setattr(stored_files, "LIFETIME_SECONDS", 0)
    response = send(ada, page, step)
    assert response.headers["Location"] == "/import?gone=1"
    assert "is not stored any more" in ada.get("/import?gone=1").text


def test_file_that_waits_is_offered(ada, heat):
    check(ada, HEAT, "C:/Users/ada/my <ratings>\x7f.csv")
    page = ada.get("/import").text
    assert "Continue with my &lt;ratings&gt;.csv" in page
    path = re.search(r'href="(/import/check\?[^"]+)"', page)[1]
    assert read_counts(ada.get(path))["new"] == 1


@pytest.mark.parametrize("path", ["/import", "/import/check", "/import/done", "/import/rows.csv"])
def test_pages_need_a_login(client, path):
    response = client.get(path)
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/login")


@pytest.mark.parametrize("step", ["", "/check", "/rows", "/run", "/restore"])
def test_form_of_another_site_is_403(ada, heat, get_own, step):
    page = check(ada, HEAT)
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert ada.post(f"/import{step}", data=read_fields(page), headers=headers).status_code == 403
    assert get_own() == {}


@pytest.mark.parametrize("path", ["/rate", "/people/ada", "/settings"])
def test_import_is_linked(ada, path):
    assert ada.get(path).text.count('href="/import"') == 2


def test_formats_have_names():
    assert FORMAT_NAMES.keys() == set(FORMATS)


def test_every_case_reaches_the_check_or_is_explained(ada):
    for file in sorted(CASES.rglob("*.*")):
        page = check(ada, file.read_bytes(), file.name)
        has_result = 'class="counts"' in page.text or 'id="column-title"' in page.text
        assert (file, page.status_code, has_result) in ((file, 200, True), (file, 422, False))
