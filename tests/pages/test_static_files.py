"""The files of the pages."""

import re

import pytest

from movierating.pages.static_files import get_url

pytestmark = pytest.mark.any_database

KILOBYTE = 1024
SHEET = "/static/pages/site.css"


def list_addresses(client):
    return set(re.findall(r'(?:src|href)="(/static/pages/[^"]+)"', client.get("/movies").text))


def test_files_of_a_page_may_be_kept_for_ever_under_their_hash(client):
    addresses = list_addresses(client)
    assert len(addresses) == 4
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["Cache-Control"]


def test_style_sheet_names_the_font_that_pages_preload(client):
    preloaded = re.search(r'rel="preload" href="/static/pages/([^"]+)"', client.get("/movies").text)[1]
    assert f"url({preloaded})" in client.get("/static/pages/site.css").text


@pytest.mark.parametrize("path", ["site.css", "site.css?v=abc"])
def test_file_without_its_hash_is_revalidated(client, path):
    assert "immutable" not in client.get(f"/static/pages/{path}").headers["Cache-Control"]


@pytest.mark.parametrize("path", ["nosuch.css", "..%2fblueprint.py", "../blueprint.py"])
def test_other_files_are_not_served(client, path):
    assert client.get(f"/static/pages/{path}").status_code == 404


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("site.css", 8 * KILOBYTE),
        ("rate.js upload.js", 4 * KILOBYTE),
        ("unsaved.js", KILOBYTE),
        ("newsreader.woff2", 41 * KILOBYTE),
    ],
)
def test_files_stay_small(app, client, name, limit):
    with app.test_request_context():
        urls = [get_url(each) for each in name.split()]
    sent = [client.get(url, headers={"Accept-Encoding": "gzip"}).data for url in urls]
    assert sum(map(len, sent)) <= limit


COLOURS = r"--(\w+):light-dark\((#\w+),(#\w+)\)"


def compute_contrast(*colours):
    """Return the contrast of two colours as WCAG 2 defines it, from 1 to 21."""
    dark, light = sorted(map(compute_luminance, colours))
    return (light + 0.05) / (dark + 0.05)


def compute_luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    shares = [each / 255 for each in bytes.fromhex(digits)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("names", "minimum"),
    [("ink soft accent bad", 4.5), ("edge focus", 3)],
    ids=["text", "graphics"],
)
def test_colours_have_the_contrast_that_wcag_demands(client, names, minimum, scheme):
    colours = {name: pair[scheme] for name, *pair in re.findall(COLOURS, client.get(SHEET).text)}
    for name in names.split():
        for background in ("paper", "card", "wash"):
            assert compute_contrast(colours[name], colours[background]) >= minimum, (name, background)
    assert compute_contrast(colours["on"], colours["accent"]) >= 4.5


def test_style_sheet_has_no_text_that_a_translation_could_not_change(client):
    assert re.findall(r'content:"[^"]*[a-z][^"]*"', client.get(SHEET).text) == []


def test_font_comes_with_its_licence(client):
    assert "SIL Open Font License" in client.get("/static/pages/OFL.txt").text


def test_pages_have_no_inline_script_or_style(browse, add_movie):
    browser = browse("ada")
    for path in (
        "/movies",
        f"/movies/{add_movie()}",
        "/rate",
        "/people/ada",
        "/people/ada/ratings",
        "/import",
        "/nosuch",
    ):
        text = browser.get(path).text
        assert re.findall(r"<script(?! src=)|<style|\bstyle=|\bon\w+=|javascript:", text) == []
