"""The check of a file: options, choices of movies, and columns."""

import re

import pytest

from pages.import_file.forms import HEAT, UNKNOWN, check, read_counts, read_fields, run, send


def test_options_decide_about_ratings_that_are_there(ada, heat, rate, get_own):
    rate(ada, heat, 5)
    page = check(ada, HEAT)
    assert read_counts(page)["out"] == 1
    assert read_counts(send(ada, page, "check", on_conflict="replace"))["changed"] == 1
    done = run(ada, page, on_conflict="replace")
    assert read_counts(done)["changed"] == 1
    assert get_own() == {"Heat": 9}


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


def test_candidates_without_a_director_are_told_apart_by_their_ids(ada, add_movie):
    facts = {"title": "Emma", "year": 1996}
    add_movie(**facts, imdb_id="tt0116191", directors=["Douglas McGrath"])
    add_movie(**facts, imdb_id="tt0118308")
    page = check(ada, "title,year,value\nEmma,1996,9\n")
    assert re.findall(r'<option value="\d+">(.*?)</option>', page.text) == [
        "Emma (1996), Douglas McGrath",
        "Emma (1996), tt0118308",
    ]


def test_columns_of_an_unknown_csv_are_named(ada, heat, get_own):
    page = check(ada, UNKNOWN)
    assert page.status_code == 200
    assert '<option value="title=Film">Film</option>' in page.text
    assert re.findall(r"<td>(.*?)</td>", page.text)[:3] == ["Heat", "1995", "4,5"]
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
        ([], "The columns of the file are unknown (Film, Jahr, Sterne). Which one has the titles"),
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


def test_column_with_the_name_of_a_field_need_not_be_read(ada):
    page = check(ada, "Film,Year,Stars\nHeat,1995,4\n")
    assert '<option value="year=">none</option>' in page.text
    columns = ["title=Film", "rating=Stars", "year="]
    checked = send(ada, page, "check", column=columns)
    assert "1995" not in checked.text
    assert read_fields(checked)["column"] == columns
    named = send(ada, checked, "check", preview="1")
    assert '<option value="year=Year" selected>' not in named.text


def test_columns_that_letterboxd_imports_are_chosen(ada):
    page = check(ada, "Name,Year,imdbID,Rating,WatchedDate\nHeat,1995,tt0113277,4,2024-01-15\n")
    named = send(ada, page, "check", preview="1")
    chosen = re.findall(r'<option value="(\w+=\w+)" selected>', named.text)
    assert chosen == ["title=Name", "year=Year", "rating=Rating", "rated_at=WatchedDate", "imdb_id=imdbID"]


def test_check_of_ratings_above_ten_asks_for_the_highest_one(ada, heat, get_own):
    page = check(ada, "Title,Year,Rating,WatchedDate\nHeat,1995,80,\n")
    assert "Some ratings are above 10. Choose the highest rating. Nothing has been saved yet." in page.text
    run(ada, send(ada, page, "check", column=["title=Title", "rating=Rating"], scale="100"))
    assert get_own() == {"Heat": 8}


def test_columns_named_for_another_file_lead_to_the_first_step(ada):
    page = check(ada, ada.get("/settings/export?format=json").data, "ratings.json")
    response = send(ada, page, "check", column=["title=a", "rating=b"])
    assert response.status_code == 422
    assert "for CSV only" in response.text
