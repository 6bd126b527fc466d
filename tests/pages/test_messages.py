"""Messages of the API on pages: they name no parameters of the API, and say what to do on the page."""

import html
import io

import pytest

from pages.conftest import PASSWORD

GONE = "This page of the list is no longer there."


@pytest.mark.parametrize(
    ("path", "first_page"),
    [
        ("/movies?genre=Drama&cursor=abc&from=26", "/movies?genre=Drama"),
        ("/people/ada/ratings?sort=title&cursor=abc", "/people/ada/ratings?sort=title"),
        ("/people?cursor=abc", "/people"),
        ("/admin/movies?q=a&cursor=abc", "/admin/movies?q=a"),
        ("/admin/users?cursor=abc", "/admin/users"),
        ("/admin/invitations?cursor=abc", "/admin/invitations"),
    ],
)
def test_invalid_cursor_leads_to_the_first_page(browse, path, first_page):
    browser = browse("ada", role="admin")
    response = browser.get(path)
    assert response.status_code == 422
    assert f'{GONE} <a href="{html.escape(first_page)}">First page</a>' in response.text
    assert "next_cursor" not in response.text
    assert browser.get(first_page).status_code == 200


@pytest.mark.parametrize("path", ["/movies", "/for-you", "/people/ada/ratings"])
def test_first_page_is_below_the_mount_point_of_the_service(browse, path):
    browser, below = browse("ada"), {"environ_overrides": {"SCRIPT_NAME": "/films"}}
    browser.post("/login", data={"login": "ada", "password": PASSWORD}, **below)
    response = browser.get(f"{path}?cursor=abc", **below)
    assert response.status_code == 422
    assert f'{GONE} <a href="/films{path}">First page</a>' in response.text


@pytest.mark.parametrize(("text", "message"), [("１９９９", "１９９９"), ("1½", "1½"), ("fünf", "fünf")])  # noqa: RUF001
def test_invalid_number_is_quoted_as_it_was_typed(browse, text, message):
    form = {"title": "Emma", "year": text}
    response = browse("ada").post("/movies/new", data=form)
    assert f"Must be a whole number, not &#34;{message}&#34;." in response.text


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/movies?min_score=z", "min_score: Must be a number, not &#34;z&#34;."),
        ("/for-you?limit=z", "limit: Must be a whole number, not &#34;z&#34;."),
        ("/for-you?year_from=z", '<a href="#year_from">From</a>: Must be a whole number, not &#34;z&#34;.'),
    ],
)
def test_message_links_a_field_of_the_form_and_names_another_parameter(browse, path, message):
    response = browse("ada").get(path)
    assert response.status_code == 422
    assert f"<li>{message}</li>" in response.text


def test_missing_field_is_named_as_in_the_form(browse):
    response = browse("ada").post("/movies/new", data={"year": "1996"})
    assert '<a href="#title">Title</a>: Fill in this field.' in response.text
    assert "title:" not in response.text


def check(browser, content, **fields):
    data = {"file": (io.BytesIO(content.encode()), "my.csv")}
    address = browser.post("/import", data=data, content_type="multipart/form-data").headers["Location"]
    upload = address.partition("upload=")[2]
    return browser.post("/import/check", data={"upload": upload, **fields})


def test_columns_are_chosen_and_not_typed(browse):
    response = check(browse("ada"), "Foo,Bar\nEmma,7\n", column=["title=Foo"])
    assert response.status_code == 422
    assert "Choose the column of ratings." in response.text
    assert "rating=COLUMN" not in response.text


def test_note_about_the_scale_names_the_field_of_the_form(browse):
    response = check(browse("ada"), "Foo,Bar\nEmma,7\n", column=["title=Foo", "rating=Bar"])
    assert response.status_code == 200
    assert "ratings are read on a scale of 10; “Highest rating” sets another" in response.text
    assert "`scale`" not in response.text


def test_preview_of_a_file_names_the_field_of_the_form(browse):
    response = check(browse("ada"), "Foo,Bar\nEmma,4.5\n", column=["title=Foo", "rating=Bar"], preview="1")
    assert "ratings are read on a scale of 5; “Highest rating” sets another" in response.text
    assert "`scale`" not in response.text


def test_note_about_stars_names_the_link_to_the_field_of_the_form(browse):
    response = check(browse("ada"), "Title,Year,Rating\nEmma,1996,4\n")
    assert "read as stars; “Name the columns” has a field for the highest rating" in response.text
    assert "scale=10" not in response.text


def test_scale_of_ratings_above_10_is_chosen_on_the_page(browse):
    response = check(browse("ada"), "Title,Year,Rating\nEmma,1996,85\n")
    assert response.status_code == 200
    assert '<select id="column-rating"' in response.text
    assert "scale=100" not in response.text
