"""The form of a movie as a browser sends it."""

import re

FACTS = {
    "title": "The Secret of Kells",
    "original_title": "Brendan and the Secret of Kells",
    "year": "2009",
    "runtime_minutes": "75",
    "genres": ["Animation", "Family"],
    "directors": "Tomm Moore\r\n Nora Twomey \r\n",
    "language": "en",
    "country": "IE",
    "imdb_id": "tt0485601",
    "tmdb_id": "26963",
    "wikidata_id": "Q1212085",
}
OPTIONAL = {"runtime_minutes": None, "genres": [], "directors": [], "original_title": None, "language": None}


def read_edit(browser, path):
    """Return the hidden field of the form by which a change of another admin is noticed."""
    return re.search(r'name="edit" value="(\d+)"', browser.get(f"{path}/edit").text)[1]
