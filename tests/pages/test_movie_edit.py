"""Edit a movie."""

import io
import re

import pytest

from pages.movie_form import FACTS, OPTIONAL, read_edit


def test_admin_changes_and_removes_facts(browse, client, kells):
    boss = browse("boss", role="admin")
    form = {"title": "Kells", "year": "2010", "edit": read_edit(boss, kells), "imdb_id": FACTS["imdb_id"]}
    assert boss.post(f"{kells}/edit", data=form).headers["Location"] == kells
    movie = client.get(f"/v1{kells}").json
    expected = {"title": "Kells", "year": 2010, "imdb_id": FACTS["imdb_id"], "tmdb_id": None, **OPTIONAL}
    assert {name: movie[name] for name in expected} == expected


def test_form_that_is_sent_back_unchanged_changes_nothing(browse, client, kells):
    boss = browse("boss", role="admin")
    before = client.get(f"/v1{kells}")
    page = boss.get(f"{kells}/edit").text
    assert "Tomm Moore\nNora Twomey</textarea>" in page
    assert page.count(" checked") == 2
    boss.post(f"{kells}/edit", data={**FACTS, "edit": read_edit(boss, kells)})
    assert client.get(f"/v1{kells}").headers["ETag"] == before.headers["ETag"]


def test_admin_changes_alternative_titles_line_by_line(browse, client, kells):
    boss = browse("boss", role="admin")
    form = {**FACTS, "alternative_titles": "Brendan\r\n\r\n Das Geheimnis \r\n"}
    assert boss.post(f"{kells}/edit", data={**form, "edit": read_edit(boss, kells)}).status_code == 303
    before = client.get(f"/v1{kells}")
    assert before.json["alternative_titles"] == ["Brendan", "Das Geheimnis"]
    assert "Brendan\nDas Geheimnis</textarea>" in boss.get(f"{kells}/edit").text
    boss.post(f"{kells}/edit", data={**form, "edit": read_edit(boss, kells)})
    assert client.get(f"/v1{kells}").headers["ETag"] == before.headers["ETag"]
    rejected = boss.post(
        f"{kells}/edit",
        data={**form, "alternative_titles": "The Secret of <Kells>", "edit": read_edit(boss, kells)},
    )
    assert rejected.status_code == 422
    assert 'aria-describedby="alternative_titles-error"' in rejected.text
    assert "“The Secret of &lt;Kells&gt;” must differ" in rejected.text


def test_form_without_alternative_titles_keeps_them(browse, client, kells):
    boss = browse("boss", role="admin")
    for titles in ({"alternative_titles": "Brendan"}, {}):
        data = {**FACTS, **titles, "edit": read_edit(boss, kells)}
        assert boss.post(f"{kells}/edit", data=data).status_code == 303
    assert client.get(f"/v1{kells}").json["alternative_titles"] == ["Brendan"]


def test_genres_keep_their_order(browse, client, add_movie):
    path = f"/movies/{add_movie(title='Heat', genres=['Thriller', 'Crime'])}"
    boss = browse("boss", role="admin")
    form = {"title": "Heat", "year": "1995", "genres": ["Crime", "Drama", "Thriller"]}
    assert boss.post(f"{path}/edit", data={**form, "edit": read_edit(boss, path)}).status_code == 303
    assert client.get(f"/v1{path}").json["genres"] == ["Thriller", "Crime", "Drama"]


def test_form_that_is_sent_twice_leads_to_the_movie_both_times(browse, client, kells):
    boss = browse("boss", role="admin")
    form = {**FACTS, "edit": read_edit(boss, kells), "title": "Mine"}
    for _ in range(2):
        assert boss.post(f"{kells}/edit", data=form).headers["Location"] == kells
    assert client.get(f"/v1{kells}").json["title"] == "Mine"


def test_change_of_another_admin_is_shown_beside_the_own_one(browse, client, kells):
    boss = browse("boss", role="admin")
    stale = {**FACTS, "edit": read_edit(boss, kells), "title": "Mine"}
    boss.post(f"{kells}/edit", data={**stale, "title": "Theirs", "genres": ["Family"]})
    response = boss.post(f"{kells}/edit", data=stale)
    assert response.status_code == 412
    assert re.findall(r'data-label="\w+">([^<]*)<', response.text) == [
        *("Mine", "Theirs"),
        *("Family, Animation", "Family"),
    ]
    assert client.get(f"/v1{kells}").json["title"] == "Theirs"
    edit = re.search(r'name="edit" value="(\d+)"', response.text)[1]
    assert boss.post(f"{kells}/edit", data={**stale, "edit": edit}).status_code == 303
    assert client.get(f"/v1{kells}").json["title"] == "Mine"


@pytest.mark.parametrize("edit", [None, "", "x"])
def test_change_without_the_version_is_422(browse, kells, edit):
    form = {**FACTS, "title": "Kells"} | ({} if edit is None else {"edit": edit})
    assert browse("boss", role="admin").post(f"{kells}/edit", data=form).status_code == 422


def test_year_is_required_only_of_a_movie_that_has_one(browse, add_movie, kells):
    boss = browse("boss", role="admin")
    path = f"/movies/{add_movie(title='Undated', year=None)}"
    for each, status in ((kells, 422), (path, 303)):
        form = {"title": "Changed", "edit": read_edit(boss, each)}
        assert boss.post(f"{each}/edit", data=form).status_code == status


@pytest.fixture
def propose(app, sign_up, kells):
    """`propose(title)` lets the file of a member have this title for the movie."""

    def propose_title(title):
        file = io.BytesIO(f"imdb_id,title,year,value\n{FACTS['imdb_id']},{title},2009,8\n".encode())
        assert sign_up().post("/v1/users/me/ratings/import", data={"file": (file, "x.csv")}).json["created"]

    return propose_title


def test_admin_adds_titles_of_members_files(browse, client, kells, propose):
    boss = browse("boss", role="admin")
    assert 'name="titles"' not in boss.get(f"{kells}/edit").text
    propose("El secreto <i>")
    propose("Das Geheimnis")
    form = {**FACTS, "edit": read_edit(boss, kells), "titles": ["secretoi", "other"]}
    before = client.get(f"/v1{kells}").json
    page = boss.get(f"{kells}/edit").text
    assert re.findall(r'name="titles" value="(\w+)">([^/]+)</', page) == [
        ("geheimnis", "Das Geheimnis"),
        ("secretoi", "El secreto &lt;i&gt;"),
    ]
    rejected = boss.post(f"{kells}/edit", data={**form, "year": "soon"}).text
    assert re.findall(r'value="(\w+)" checked>El secreto &', rejected)[-1:] == ["secretoi"]
    assert boss.post(f"{kells}/edit", data=form).status_code == 303
    assert 'value="geheimnis"' in (page := boss.get(f"{kells}/edit").text)
    assert 'value="secretoi"' not in page
    after = client.get(f"/v1{kells}").json
    assert {**after, "ratings": before["ratings"]} == before


def test_only_admins_edit(browse, kells, add_movie):
    ada = browse("eve")
    for response in (ada.get(f"{kells}/edit"), ada.post(f"{kells}/edit", data={**FACTS, "edit": "1"})):
        assert response.status_code == 403
    boss = browse("boss", role="admin")
    assert boss.get("/movies/99/edit").status_code == 404
    assert boss.post("/movies/99/edit", data={**FACTS, "edit": "1"}).status_code == 404
