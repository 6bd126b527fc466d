"""The filters and the default sort of lists of movies, over HTTP."""

import re

import pytest

ANY = {"If-Match": "*"}

NEW_FILTERS = [
    "ids={0},{2}",
    "country=FR",
    "runtime_from=90",
    "runtime_to=90",
    "min_score=6.6",
    "exclude_genre=War",
]


@pytest.fixture
def films(add_movie, member):
    """The ids of three movies, two of which pass each of NEW_FILTERS."""
    facts = [
        {"title": "Moon 1", "country": "FR", "runtime_minutes": 90, "genres": ["Drama"]},
        {"title": "Moon 2", "country": "FR", "runtime_minutes": 80, "genres": ["Drama", "War"]},
        {"title": "Moon 3", "country": "SU", "runtime_minutes": 100},
    ]
    ids = [add_movie(year=2000, **each) for each in facts]
    for movie_id in (ids[0], ids[2]):
        member.put(f"/v1/movies/{movie_id}/rating", json={"value": 10})
    return ids


def list_ids(client, query):
    response = client.get(f"/v1/movies?{query}")
    assert response.status_code == 200, response.json
    return [movie["id"] for movie in response.json["items"]]


@pytest.mark.parametrize("rest", ["", "&q=moon", "&sort=title", "&sort=-score&q=moon", "&sort=-year"])
@pytest.mark.parametrize("new", NEW_FILTERS)
def test_filters_apply_to_every_page_and_their_cursor_to_no_other_list(client, films, problem, new, rest):
    query = new.format(*films) + rest
    expected = list_ids(client, query)
    assert len(expected) == 2
    page = client.get(f"/v1/movies?{query}&limit=1")
    link = re.fullmatch(r'<(.+)>; rel="next"', page.headers["Link"])[1]
    cursor = page.json["next_cursor"]
    pages = [page, client.get(link), client.get(f"/v1/movies?{query}&limit=5&cursor={cursor}")]
    assert [[movie["id"] for movie in each.json["items"]] for each in pages] == [
        [each] for each in expected + expected[1:]
    ]
    for other in ["", *(each.format(*films) for each in NEW_FILTERS if each != new)]:
        problem(client.get(f"/v1/movies?{other}{rest}&cursor={cursor}"), 422, "cursor")


@pytest.mark.parametrize("new", NEW_FILTERS)
def test_a_cached_filtered_list_shows_a_new_rating_and_an_edit(client, admin, films, new):
    path = f"/v1/movies?{new.format(*films)}"
    before = client.get(path)
    assert client.get(path).data == before.data
    assert client.get(path, headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
    movie_id = before.json["items"][0]["id"]
    admin.put(f"/v1/movies/{movie_id}/rating", json={"value": 1})
    admin.put(f"/v1/movies/{movie_id}/rating", json={"value": 10})
    shown = {movie["id"]: movie for movie in client.get(path).json["items"]}
    assert shown[movie_id]["ratings"]["count"] == before.json["items"][0]["ratings"]["count"] + 1
    edit = {"country": "DE", "runtime_minutes": None, "genres": ["War"]}
    admin.patch(f"/v1/movies/{movie_id}", json=edit, headers=ANY)
    still_passes = new.startswith(("ids", "min_score"))
    assert (movie_id in list_ids(client, new.format(*films))) == still_passes


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("exclude_genre=War&exclude_genre=Drama", [3]),
        ("genre=Drama&exclude_genre=War", [1]),
        ("genre=Drama&exclude_genre=Drama", []),
        ("runtime_from=85&runtime_to=95", [1]),
        ("runtime_from=95&runtime_to=85", []),
        ("country=FR&runtime_to=85&exclude_genre=Horror&min_score=6.5", [2]),
        ("min_score=0&sort=title", [1, 2, 3]),
        ("min_score=6.635&sort=title", []),
        ("min_score=65e-1&sort=title", [1, 2, 3]),
        ("ids=9223372036854775807,99", []),
        ("ids=3,1,3&sort=title", [1, 3]),
        ("ids=1%2C2&country=SU", []),
    ],
)
def test_filters_are_combined(client, films, query, numbers):
    assert list_ids(client, query) == [films[number - 1] for number in numbers]


def test_the_shown_score_is_its_own_minimum(client, films):
    score = client.get(f"/v1/movies/{films[0]}").json["ratings"]["score"]
    assert list_ids(client, f"min_score={score}&sort=title") == [films[0], films[2]]


def test_id_of_a_merged_movie_selects_the_one_that_stays(client, admin, films):
    assert admin.post(f"/v1/movies/{films[0]}/merge", json={"into": films[1]}).status_code == 200
    assert list_ids(client, f"ids={films[0]}") == [films[1]]
    assert list_ids(client, f"ids={films[0]},{films[1]},{films[2]}&sort=title") == films[1:]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("ids=1,x", "ids.1"),
        ("ids=", "ids"),
        ("ids=1&ids=2", "ids"),
        ("ids=" + "1," * 100 + "1", "ids"),
        ("country=fr", "country"),
        ("country=FR&country=DE", "country"),
        ("runtime_from=-1", "runtime_from"),
        ("runtime_to=0", "runtime_to"),
        ("min_score=ten", "min_score"),
        ("min_score=10.01", "min_score"),
        ("exclude_genre=war", "exclude_genre.0"),
        ("exclude_genre=War&exclude_genre=", "exclude_genre.1"),
    ],
)
def test_invalid_filter_is_reported_with_its_field(client, problem, query, field):
    problem(client.get(f"/v1/movies?{query}"), 422, field)


def test_a_hundred_ids_are_a_page(client, films):
    ids = ",".join(map(str, range(1, 101)))
    assert list_ids(client, f"ids={ids}&limit=100&sort=title") == films


def test_default_sort_of_a_list_with_q_is_relevance(client, add_movie):
    other, exact, unrelated = (add_movie(title=title) for title in ("The Alien Factor", "Alien", "Emma"))
    assert [movie["id"] for movie in client.get("/v1/movies?q=alien").json["items"]] == [exact, other]
    assert client.get("/v1/movies").json["items"][0]["id"] == unrelated
