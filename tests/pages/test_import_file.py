"""The import of ratings in three steps: file, check, done."""

import html
import io
import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from movierating.http import upload_slots
from movierating.pages import import_file
from movierating.pages.import_options import FORMAT_NAMES
from movierating.ratings import imports, stored_files
from movierating.ratings.formats.upload_reader import FORMATS
from movierating.ratings.models import StoredFile, StoredFilePart
from movierating.storage.database import read

HEAT = "imdb_id,title,year,value\ntt0113277,Heat,1995,9\n"
UNKNOWN = "Film;Jahr;Sterne\nHeat;1995;4,5\nEmma;1996;3\n"
CASES = Path(__file__).parents[1] / "ratings" / "formats" / "cases"


@pytest.fixture
def ada(browse):
    return browse("ada")


@pytest.fixture
def heat(add_movie):
    return add_movie(title="Heat", year=1995, imdb_id="tt0113277")


@pytest.fixture
def get_own(ada):
    """`get_own()` returns ada's ratings by title, as the API's export has them."""

    def get_own():
        items = ada.get("/settings/export?format=json").json["ratings"]
        return {item["title"]: item["value"] for item in items}

    return get_own


def upload(browser, content, name="ratings.csv", **options):
    """Send a file with the form of the first step."""
    content = content.encode() if isinstance(content, str) else content
    return browser.post("/import", data={"file": (io.BytesIO(content), name)}, **options)


def check(browser, content, name="ratings.csv"):
    """Send a file and follow to its check."""
    response = upload(browser, content, name)
    assert response.status_code == 303, response.text
    return browser.get(response.headers["Location"])


def read_fields(page):
    """Return the fields of the form of a check as a browser would send them."""
    form = page.text.partition('id="confirm"')[2].partition("</form>")[0]
    fields = {}
    for tag in re.findall(r"<input [^>]+>", form):
        if 'type="radio"' in tag and " checked" not in tag:
            continue
        name, value = re.search(r'name="([^"]+)"', tag)[1], re.search(r'value="([^"]*)"', tag)[1]
        fields.setdefault(name, []).append(html.unescape(value))
    return fields


def send(browser, page, step, **changes):
    """Send the form of a check to a step, with changed fields."""
    return browser.post(f"/import/{step}", data={**read_fields(page), **changes})


def run(browser, page, **changes):
    """Import the checked file and follow to the report."""
    response = send(browser, page, "run", **changes)
    assert response.status_code == 303, response.text
    return browser.get(response.headers["Location"])


def read_counts(page):
    """Return the six numbers of a check or a report."""
    numbers = re.findall(r"<dd>([\d,]+)", page.text.partition('class="counts"')[2].partition("</dl>")[0])
    return dict(zip(("new", "changed", "same", "out", "unmatched", "errors"), map(int, numbers), strict=True))


def test_file_is_checked_and_imported(ada, heat, get_own):
    page = check(ada, HEAT)
    assert page.status_code == 200
    assert "1 row in ratings.csv" in page.text
    assert read_counts(page) == {"new": 1, "changed": 0, "same": 0, "out": 0, "unmatched": 0, "errors": 0}
    assert get_own() == {}
    done = run(ada, page)
    assert "1 rating is imported" in done.text
    assert 'href="/people/ada"' in done.text
    assert get_own() == {"Heat": 9}
    assert read_counts(check(ada, HEAT))["same"] == 1


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "The file is empty"),
        (b"%PDF-1.4", "a PDF document"),
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


def test_options_decide_about_ratings_that_are_there(ada, heat, rate, get_own):
    rate(ada, heat, 5)
    page = check(ada, HEAT)
    assert read_counts(page)["out"] == 1
    assert read_counts(send(ada, page, "check", on_conflict="replace"))["changed"] == 1
    done = run(ada, page, on_conflict="replace")
    assert read_counts(done)["changed"] == 1
    assert get_own() == {"Heat": 9}


def test_former_ratings_come_back(ada, heat, rate, get_own):
    rate(ada, heat, 5)
    done = run(ada, check(ada, HEAT), on_conflict="replace")
    former = ada.get(re.search(r'href="(/import/former\.csv[^"]+)"', done.text)[1])
    assert former.headers["Content-Disposition"] == 'attachment; filename="movierating-import-former.csv"'
    assert "tt0113277" in former.text
    report = re.search(r'name="report" value="(\w+)"', done.text)[1]
    response = ada.post("/import/restore", data={"report": report})
    page = ada.get(response.headers["Location"])
    assert read_counts(page)["changed"] == 1
    run(ada, page)
    assert get_own() == {"Heat": 5}


def test_import_that_replaced_nothing_cannot_be_undone(ada, heat):
    done = run(ada, check(ada, HEAT))
    report = re.search(r"report=(\w+)", done.request.url)[1]
    check(ada, HEAT, "waiting.csv")
    assert ada.post("/import/restore", data={"report": report}).status_code == 404
    assert "waiting.csv" in ada.get("/import").text


def test_missing_movies_are_added_on_request(ada, get_own):
    page = check(ada, HEAT)
    assert read_counts(page)["unmatched"] == 1
    added = send(ada, page, "check", create_missing="true")
    assert read_counts(added)["new"] == 1
    assert "is added" in added.text
    run(ada, added)
    assert get_own() == {"Heat": 9}


def test_choices_settle_rows_and_can_be_forgotten(ada, add_movie, get_own):
    remake = add_movie(title="The Island", year=2005, directors=["Michael Bay"])
    page = check(ada, "title,year,value\nThe Island,2006,7\nThe Island,2007,4\n")
    assert read_counts(page)["unmatched"] == 2
    assert "The Island (2005), Michael Bay</option>" in page.text
    page = send(ada, page, "check", **{"choice:2": str(remake)})
    assert read_counts(page)["new"] == 1
    assert "1 row is settled by your choice." in page.text
    page = send(ada, page, "check", **{"choice:3": "new"})
    assert read_counts(page) | {"new": 2, "unmatched": 0} == read_counts(page)
    assert read_counts(send(ada, page, "check", forget="1"))["unmatched"] == 2
    run(ada, page)
    assert get_own() == {"The Island": 4} | get_own()
    assert sorted(get_own().values()) in ([4], [4, 7])


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("choices", "{", 422),
        ("choices", '{"2": true}', 422),
        ("choices", '{"77": 1}', 422),
        ("choice:2", "9" * 30, 422),
        ("choice:77", "1", 422),
        ("on_conflict", "sometimes", 422),
        ("create_missing", "maybe", 422),
        ("scale", "7", 422),
        ("column", "title", 422),
    ],
)
def test_options_have_the_rules_of_the_api(ada, heat, field, value, status):
    page = check(ada, HEAT)
    response = send(ada, page, "check", **{field: value})
    assert response.status_code == status
    assert response.content_type.startswith("text/html")
    assert send(ada, page, "check").status_code == 200


def test_columns_of_an_unknown_csv_are_named(ada, heat, get_own):
    page = check(ada, UNKNOWN)
    assert page.status_code == 200
    assert '<option value="title=Film">Film</option>' in page.text
    columns = ["title=Film", "year=Jahr", "rating=Sterne"]
    preview = send(ada, page, "check", column=["", *columns], scale="5", preview="1")
    assert re.findall(r"<td><b>([\d.]+)</b>", preview.text) == ["9", "6"]
    assert '<option value="title=Film" selected>' in preview.text
    checked = send(ada, page, "check", column=columns, scale="5")
    assert read_counts(checked) | {"new": 1, "unmatched": 1} == read_counts(checked)
    assert read_fields(checked)["column"] == columns
    run(ada, checked)
    assert get_own() == {"Heat": 9}


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ([], "not known"),
        (["title=Film"], "Choose the column of ratings"),
        (["rating=Sterne"], "Choose the column of titles"),
        (["title=Film", "rating=Punkte"], "no column"),
    ],
)
def test_columns_that_do_not_suffice_are_explained(ada, columns, text):
    page = check(ada, UNKNOWN)
    response = send(ada, page, "check", column=columns)
    assert response.status_code == (422 if columns else 200)
    assert text in response.text
    assert 'value="title=Film"' in response.text


def test_columns_named_for_another_file_lead_to_the_first_step(ada):
    page = check(ada, ada.get("/settings/export?format=json").data, "ratings.json")
    response = send(ada, page, "check", column=["title=a", "rating=b"])
    assert response.status_code == 422
    assert "for CSV only" in response.text


def test_page_shows_fifty_rows_of_a_kind_and_the_csv_all(ada, heat):
    lines = "".join(f"Film {number},1990,{'x' if number % 2 else 7}\n" for number in range(120))
    page = check(ada, f"title,year,value\n{lines}Heat,1995,8\n")
    assert read_counts(page) == {"new": 1, "changed": 0, "same": 0, "out": 0, "unmatched": 60, "errors": 60}
    assert page.text.count("And 10 more") == 2
    assert page.text.count('class="at"') == 100
    rows = send(ada, page, "rows")
    assert rows.headers["Content-Disposition"] == 'attachment; filename="movierating-import-rows.csv"'
    assert len(rows.text.splitlines()) == 122
    done = run(ada, page)
    rows = ada.get(re.search(r'href="(/import/rows\.csv[^"]+)"', done.text)[1])
    assert rows.mimetype == "text/csv"
    assert len(rows.text.splitlines()) == 122


def test_busy_service_keeps_the_upload(ada, heat, get_own, monkeypatch):
    monkeypatch.setattr(upload_slots, "SLOT_TIMEOUT_SECONDS", 0.01)
    page = check(ada, HEAT)
    releases = [imports.IMPORT_SLOTS.acquire() for _ in range(2)]
    for response in (send(ada, page, "check"), send(ada, page, "run"), ada.get("/import/check")):
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        assert "Other files are being imported" in response.text
    busy = send(ada, page, "run", on_conflict="keep")
    for release in releases:
        release()
    form = busy.text.partition('<form method="post" action="/import/run">')[2]
    fields = {"id": 'id="confirm"' + form}
    again = ada.post("/import/run", data=read_fields(type("Page", (), {"text": fields["id"]})))
    assert again.status_code == 303
    assert get_own() == {"Heat": 9}


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


def test_form_that_is_sent_twice_keeps_the_first_report(ada, heat, get_own):
    page = check(ada, HEAT)
    first = send(ada, page, "run")
    assert send(ada, page, "run").headers["Location"] == "/import?gone=1"
    assert read_counts(ada.get(first.headers["Location"]))["new"] == 1


def test_report_is_shown_even_if_it_cannot_be_stored(ada, heat, get_own, monkeypatch):
    page = check(ada, HEAT)

    def fail(*_):
        raise import_file.Unavailable("The database is busy.")

    monkeypatch.setattr(stored_files, "store_file", fail)
    response = send(ada, page, "run")
    assert response.status_code == 200
    assert "1 rating is imported" in response.text
    assert get_own() == {"Heat": 9}


def test_file_that_waits_is_offered(ada, heat):
    check(ada, HEAT, "C:/Users/ada/my <ratings>\x7f.csv")
    page = ada.get("/import").text
    assert "Continue with my &lt;ratings&gt;.csv" in page
    path = re.search(r'href="(/import/check\?[^"]+)"', page)[1]
    assert read_counts(ada.get(path))["new"] == 1


def test_titles_of_a_file_are_escaped(ada):
    page = check(ada, 'title,year,value\n"<script>alert(1)</script>",1990,7\n')
    assert "<script>alert" not in page.text
    assert "<script>alert" not in run(ada, page).text


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
