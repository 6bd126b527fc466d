"""The import of a checked file, its report, and how to undo it."""

import io
import re
import tracemalloc
import zipfile

import pytest

from movierating.http import upload_slots
from movierating.pages import import_file
from movierating.ratings import imports, stored_files
from pages.import_file.forms import HEAT, check, read_counts, read_fields, run, send, upload


def test_file_is_checked_and_imported(ada, heat, get_own):
    page = check(ada, HEAT)
    assert page.status_code == 200
    assert "1 row in ratings.csv" in page.text
    assert read_counts(page) == {"new": 1, "changed": 0, "same": 0, "out": 0, "unmatched": 0, "errors": 0}
    assert get_own() == {}
    done = run(ada, page)
    assert "1 rating is imported" in done.text
    assert "From ratings.csv. The file is no longer stored." in done.text
    assert 'href="/people/ada"' in done.text
    assert get_own() == {"Heat": 9}
    assert read_counts(check(ada, HEAT))["same"] == 1


def test_check_counts_the_rows_of_all_files_of_a_zip(ada):
    header, row = "Date,Name,Year,Letterboxd URI,Rating", "2024-01-15,Nowhere,1950,u,4"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("ratings.csv", f"{header}\n{row}\n2024-01-15,Emma,1996,v,7\n")
        archive.writestr(
            "diary.csv", f"{header},Rewatch,Tags,Watched Date\n{row},,,\n2024-01-16{row[10:]},,,\n"
        )
    page = check(ada, target.getvalue(), "letterboxd.zip")
    assert "4 rows in letterboxd.zip" in page.text
    assert read_counts(page)["unmatched"] == 1


@pytest.mark.parametrize(
    ("rated_at", "on_conflict"), [("", "newer"), ("2021-01-15", "keep")], ids=["undated", "newer"]
)
def test_row_without_effect_is_not_called_older(ada, heat, rated_at, on_conflict):
    header = "imdb_id,value,rated_at"
    run(ada, check(ada, f"{header}\ntt0113277,5,2020-01-15\n"))
    page = check(ada, f"{header}\ntt0113277,9,{rated_at}\n")
    page = send(ada, page, "check", on_conflict=on_conflict)
    assert read_counts(page)["out"] == 1
    assert "1 where another rating stays" in page.text
    assert "older than" not in page.text


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


def test_page_of_a_report_does_not_read_the_rows_of_the_csv(ada):
    rows = "".join(f"No Such Film {number} {'x' * 120},1990,7\n" for number in range(3000))
    address = send(ada, check(ada, f"title,year,value\n{rows}"), "run").headers["Location"]
    size = len(ada.get(address.replace("/done", "/rows.csv")).data)
    ada.get(address)
    tracemalloc.start()
    page = ada.get(address)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "3,000" in page.text
    assert peak < size


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


@pytest.mark.parametrize("step", ["check", "rows", "run"])
def test_form_that_is_sent_again_leads_to_the_report(ada, heat, step):
    page = check(ada, HEAT)
    first = send(ada, page, "run")
    assert send(ada, page, step).headers["Location"] == first.headers["Location"]
    assert read_counts(ada.get(first.headers["Location"]))["new"] == 1


def test_forms_that_are_sent_at_the_same_time_lead_to_the_report_of_the_change(ada, heat, monkeypatch):
    page, store_file, others = check(ada, HEAT), stored_files.store_file, []

    def send_again_and_store(*arguments, **options):
        monkeypatch.setattr(stored_files, "store_file", store_file)
        others.append(send(ada, page, "run"))
        return store_file(*arguments, **options)

    monkeypatch.setattr(stored_files, "store_file", send_again_and_store)
    first = send(ada, page, "run")
    assert others[0].headers["Location"] == first.headers["Location"]
    assert read_counts(ada.get(first.headers["Location"]))["new"] == 1


def test_form_of_an_earlier_import_does_not_lead_to_the_last_report(ada, heat):
    earlier = check(ada, HEAT)
    send(ada, earlier, "run")
    run(ada, check(ada, HEAT))
    assert send(ada, earlier, "run").headers["Location"] == "/import?gone=1"


def test_upload_that_is_replaced_during_its_import_leads_to_no_earlier_report(ada, heat, monkeypatch):
    run(ada, check(ada, HEAT))
    page, import_ratings = check(ada, HEAT), imports.import_file

    def upload_and_import(*arguments, **options):
        upload(ada, HEAT)
        return import_ratings(*arguments, **options)

    monkeypatch.setattr(imports, "import_file", upload_and_import)
    report = send(ada, page, "run")
    assert (report.status_code, read_counts(report)["same"]) == (200, 1)


def test_report_is_shown_even_if_it_cannot_be_stored(ada, heat, get_own, monkeypatch):
    missing = "".join(f"tt000{number},Nowhere,1950,7\n" for number in range(1001, 1052))
    page = check(ada, HEAT + missing)

    def fail(*_, **__):
        raise import_file.Unavailable("The database is busy.")

    monkeypatch.setattr(stored_files, "store_file", fail)
    response = send(ada, page, "run")
    assert response.status_code == 200
    assert "1 rating is imported" in response.text
    assert "The file is no longer stored." not in response.text
    assert "And 1 more." in response.text
    assert get_own() == {"Heat": 9}


def test_titles_of_a_file_are_escaped(ada):
    page = check(ada, 'title,year,value\n"<script>alert(1)</script>",1990,7\n')
    assert "<script>alert" not in page.text
    assert "<script>alert" not in run(ada, page).text
