"""Every text of the pages can be translated: a translation that puts messages into brackets leaves no text outside."""

import re
from html import unescape
from html.parser import HTMLParser
from operator import index
from pathlib import Path

import pytest
from jinja2 import nodes

from movierating import pages
from movierating.movies.genres import GENRES
from pages.conftest import PASSWORD

TEMPLATES = sorted((Path(pages.__file__).parent / "templates").iterdir())

# Data of the tests has no Latin letters, so those outside of brackets are text of a template.
NAME, TITLE, DIRECTOR = "Άλφα", "Ωδή", "Βήτα"
# Names, which are the same in every language. Genres are data.
NAMES = {"movierating", "movie", "rating", "CSV", "JSON", "Letterboxd", "IMDb", "Trakt", "Simkl", *GENRES}
# The API's messages are in English, and addresses and secrets are no text.
UNTRANSLATED = {"wrong", "problem", "code", "mail"}
TEXT_ATTRIBUTES = {
    "aria-label",
    "placeholder",
    "title",
    "alt",
    "content",
    "data-label",
    "data-empty",
    "data-failed",
}
VOID = {"meta", "link", "input", "br", "hr", "img"}


class TextCollector(HTMLParser):
    """Collects the text of a page that is outside of brackets."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._depth = 0
        self._open: list[bool] = []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag != "meta":
            self.texts += [re.sub(r"⟦.*⟧", "", values[name]) for name in TEXT_ATTRIBUTES & values.keys()]
        if tag not in VOID:
            classes = set((values.get("class") or "").split())
            self._open.append(tag in UNTRANSLATED or bool(classes & UNTRANSLATED))

    def handle_endtag(self, tag):
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data):
        outside = ""
        for letter in data:
            self._depth += (letter == "⟦") - (letter == "⟧")
            outside += letter if self._depth == 0 else ""
        if not any(self._open):
            self.texts.append(outside)


def list_untranslated(page):
    """Return the texts of a page that no translation can change."""
    collector = TextCollector()
    collector.feed(page)
    return list_words(collector.texts)


def list_words(texts):
    """Return those of the texts that contain more than names."""
    names = "|".join(map(re.escape, NAMES))
    texts = [re.sub(rf"\b({names})\b", "", text).strip() for text in texts]
    return [text for text in texts if re.search("[A-Za-z]", text)]


@pytest.mark.parametrize("file", TEMPLATES, ids=[file.name for file in TEMPLATES])
def test_template_has_no_text_outside_of_messages(app, file):
    template = app.jinja_env.parse(file.read_text())
    source = "".join(node.data for node in template.find_all(nodes.TemplateData))
    attributes = re.findall(
        rf'\b(?:{"|".join(TEXT_ATTRIBUTES)})="([^"]*)"', re.sub("<meta[^>]*>", "", source)
    )
    texts = unescape(re.sub(r'<[^>]*>|[\w-]+="[^"]*"', " ", source)).split("\n")
    assert list_words([*texts, *attributes]) == []


@pytest.fixture
def pseudo(app):
    """Translate the texts of the application's pages into themselves, in brackets."""

    def translate(message):
        return f"⟦{message}⟧"

    def translate_number(singular, plural, number):
        # gettext of Python 3.13 rejects numbers that are no integers; index() does so everywhere.
        return translate(singular if index(number) == 1 else plural)

    app.jinja_env.install_gettext_callables(translate, translate_number, newstyle=True)


@pytest.fixture
def ada(pseudo, browse, add_movie, add_titles, rate):
    """The browser of an admin who has rated two movies."""
    browser = browse("777", role="admin")
    browser.post("/settings/display-name", data={"display_name": NAME})
    facts = {"directors": [DIRECTOR], "genres": ["Drama"], "runtime_minutes": 90, "imdb_id": "tt0000001"}
    browser.movie = add_movie(title=TITLE, original_title="Όνομα", year=1999, **facts)
    add_titles(browser.movie, "Ψ")
    rate(browser, browser.movie, 8.5)
    rate(browser, add_movie(title="Γ", directors=[], genres=[], original_title="Γ", year=2001), 3)
    add_movie(title="Δ", directors=[DIRECTOR], genres=["War"], original_title="Δ")
    add_movie(title="Δ!", genres=[])
    return browser


PAGES = [
    *("/movies", "/movies?q=Ω", "/movies?q=ζζζ", "/movies?year_from=x"),
    *("/movies/{movie}", "/people/777", "/people/777/ratings"),
    *("/people/777/ratings?min_value=11", "/movies/{movie}/edit", "/movies/new"),
]
MEMBER_PAGES = [
    "/rate",
    "/for-you",
    "/people",
    "/settings",
]
ADMIN_PAGES = [
    *("/admin/users", "/admin/users?q=ζζζ", "/admin/invitations", "/admin/movies", "/admin/duplicates"),
    *("/admin/movies?q=ζζζ", "/movies/{movie}/delete"),
    *("/admin/movies/{movie}/merge", "/admin/movies/{movie}/merge?q=ζζζ", "/admin/movies/3/merge?into=2"),
]
VISITOR_PAGES = [
    "/login",
    "/sign-up",
]


REJECTED_BY_MEMBER = [
    ("/settings/display-name", {"display_name": "x" * 101}),
    ("/settings/email", {"email": "x", "current_password": "x"}),
    ("/settings/password", {"password": "x", "current_password": "x"}),
    ("/settings/tokens", {"name": "", "scope": "read"}),
    ("/settings/tokens", {"name": "Λ", "scope": "write", "expires_at": ""}),
    ("/settings/close-account", {"username": "Ξ", "current_password": "x"}),
    ("/movies/new", {"title": "", "year": "x"}),
    ("/movies/new", {"title": TITLE, "year": "1999"}),
    ("/movies/2/edit", {"title": TITLE, "year": "2001", "edit": "99"}),
    ("/movies/2/delete", {"edit": "1"}),
    ("/admin/invitations", {}),
    ("/admin/users/1", {"role": "member"}),
    ("/admin/users/1/password-reset", {}),
    ("/admin/movies/2/merge", {"into": "2"}),
]
REJECTED_BY_VISITOR = [
    ("/login", {"login": "", "password": "x"}),
    ("/sign-up", {"username": "x", "email": "x", "password": "x", "display_name": "x" * 101}),
    ("/reset", {"token": "x", "password": "x"}),
]


def list_untranslated_of_all(browser, paths, movie):
    """Return the words that no translation can change, by page; the pages have at least one that is translated."""
    pages = {path: browser.get(path.format(movie=movie)).text for path in paths}
    assert [path for path, page in pages.items() if "⟦" not in page] == []
    return {path: texts for path, page in pages.items() if (texts := list_untranslated(page))}


def test_pages_of_a_member_can_be_translated(ada):
    assert list_untranslated_of_all(ada, PAGES + MEMBER_PAGES + ADMIN_PAGES, ada.movie) == {}
    for path, data in REJECTED_BY_MEMBER:
        assert (path, list_untranslated(ada.post(path, data=data).text)) == (path, [])


# Forms after which the next page has a notice.
NOTICES = [
    ("/movies/2/rating", {"value": "7"}),
    ("/movies/2/rating", {"remove": "1"}),
    ("/settings/display-name", {"display_name": NAME}),
    ("/settings/email", {"email": "a@example.org", "current_password": PASSWORD}),
    ("/settings/taste", {"listed": "false"}),
    ("/settings/tokens/1/revoke", {}),
    ("/admin/movies/3/different", {"into": "2"}),
    ("/admin/movies/4/merge", {"into": "3"}),
    ("/movies/3/delete", {"edit": "2"}),
    ("/settings/end-sessions", {}),
]


def test_notices_can_be_translated(ada):
    for path, data in NOTICES:
        response = ada.post(path, data=data)
        assert (path, response.status_code) == (path, 303)
        page = ada.get(response.headers["Location"]).text
        assert (path, 'class="notice"' in page or 'class="done"' in page) == (path, True)
        assert (path, list_untranslated(page)) == (path, [])


def test_pages_for_visitors_can_be_translated(ada, browse):
    assert list_untranslated_of_all(browse(), PAGES[:-2] + VISITOR_PAGES, ada.movie) == {}
    for path, data in REJECTED_BY_VISITOR:
        page = browse().post(path, data=data).text
        assert "<title>⟦Error: " in page
        assert (path, list_untranslated(page)) == (path, [])


@pytest.mark.parametrize("mode", ["closed", "invite"])
def test_closed_sign_up_can_be_translated(app, pseudo, client, mode):
    app.config["SIGNUP"] = mode
    assert list_untranslated(client.get("/sign-up").text) == []


@pytest.mark.parametrize(
    ("path", "data", "summary"),
    [
        ("/login", {"login": "", "password": "x"}, '<a href="#login">Username or e-mail</a>: '),
        ("/sign-up", {"username": "ada", "email": "x", "password": ""}, '<a href="#email">E-mail</a>: '),
        ("/settings/email", {"email": "x", "current_password": "x"}, '<a href="#email-email">E-mail</a>: '),
    ],
)
def test_summary_of_a_rejected_form_has_the_labels_of_its_fields(browse, path, data, summary):
    assert summary in browse("ada" if path.startswith("/settings") else None).post(path, data=data).text


def test_summary_of_a_rejected_form_has_the_order_of_its_fields(browse):
    page = browse().post("/sign-up", data={"username": "", "email": "", "password": ""}).text
    assert re.findall(r'<li><a href="#(\w+)"', page) == ["username", "email", "password"]
