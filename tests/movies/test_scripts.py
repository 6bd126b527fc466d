"""Titles and names of any script, as long as they may be: they are stored, found, sorted and removed as any other."""

import random

import pytest

from movierating.operations import checks

TITLE_LETTERS, NAME_LETTERS, MOST_DIRECTORS = 500, 200, 50

# Letters that differ, as those that repeat take little room once they are compressed.
SCRIPTS = {
    "Hangul, which folding takes apart": range(0xAC00, 0xD7A3),
    "emoji": range(0x1F300, 0x1F5FF),
    "Han": range(0x4E00, 0x9FA5),
    "Han beyond two bytes": range(0x20000, 0x2A6D6),
    "Arabic ligatures, which become up to eighteen letters": range(0xFDF0, 0xFDFB),
    "Devanagari": range(0x0904, 0x0939),
}


@pytest.fixture(params=SCRIPTS)
def line(request):
    """`line(500)` is a text of so many letters of a script."""
    dice = random.Random(7)
    return lambda length: "".join(chr(dice.choice(SCRIPTS[request.param])) for _ in range(length))


def test_longest_title_and_names_are_stored_and_found(line, admin, client):
    directors = [line(NAME_LETTERS) for _ in range(MOST_DIRECTORS)]
    facts = {"title": line(TITLE_LETTERS), "original_title": line(TITLE_LETTERS), "directors": directors}
    made = admin.post("/v1/movies", json={"year": 1999, **facts})
    assert made.status_code == 201, made.text
    assert {name: made.json[name] for name in facts} == facts
    queries = [{"director": directors[-1]}, {"sort": "title"}]
    if facts["title"].isalnum():
        queries += [{"q": facts[name][:200]} for name in ("title", "original_title")]
    for query in queries:
        found = client.get("/v1/movies", query_string=query)
        assert found.status_code == 200, found.text
        assert [movie["id"] for movie in found.json["items"]] == [made.json["id"]]
    assert admin.post("/v1/movies", json={"year": 1999, **facts}).status_code == 409
    path = f"/v1/movies/{made.json['id']}"
    changes, tag = {"directors": [line(NAME_LETTERS)]}, {"If-Match": admin.get(path).headers["ETag"]}
    changed = admin.patch(path, json=changes, headers=tag)
    assert changed.status_code == 200, changed.text
    assert checks.run_checks(repair=False) == ([], [])
    tag = {"If-Match": changed.headers["ETag"]}
    assert admin.delete(path, headers=tag).status_code == 204


def test_longest_display_name_is_stored(line, client, sign_up):
    ada = sign_up("ada")
    changed = ada.patch("/v1/users/me", json={"display_name": line(100)})
    assert (changed.status_code, len(changed.json["display_name"])) == (200, 100)
