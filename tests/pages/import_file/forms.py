"""The forms of an import as a browser sends them, and what its pages say."""

import html
import io
import re

HEAT = "imdb_id,title,year,value\ntt0113277,Heat,1995,9\n"

UNKNOWN = "Film;Jahr;Sterne\nHeat;1995;4,5\nEmma;1996;3\n"


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
