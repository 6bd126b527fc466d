"""Entity tags, and lists with their next page, on real lists."""

import re
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest

LISTS = [
    "/v1/movies",
    "/v1/movies/{movie_id}/ratings",
    "/v1/users/{user_id}/ratings",
    "/v1/users",
    "/v1/auth/tokens",
]


@pytest.fixture
def lists(admin, sign_up, add_movie):
    """The addresses of LISTS, each with three items for the admin."""
    people = [admin, sign_up("ada"), sign_up("bob")]
    movie_ids = [add_movie() for _ in people]
    for person, movie_id in zip(people, movie_ids, strict=True):
        person.put(f"/v1/movies/{movie_ids[0]}/rating", json={"value": 8})
        admin.put(f"/v1/movies/{movie_id}/rating", json={"value": 8})
        admin.post("/v1/auth/tokens", json={"name": f"for {movie_id}", "scope": "read"})
    return [path.format(movie_id=movie_ids[0], user_id=admin.id) for path in LISTS]


def next_address(response):
    link = response.headers.get("Link")
    return link and re.fullmatch(r'<(.+)>; rel="next"', link)[1]


def test_links_of_a_list_lead_to_its_last_page(admin, lists):
    for path in lists:
        seen, address = [], f"{path}?limit=1"
        while address:
            page = admin.get(address)
            assert page.json.keys() == {"items", "next_cursor"}
            seen += page.json["items"]
            address = next_address(page)
            assert (address is None) == (page.json["next_cursor"] is None)
        assert len(seen) == 3
        assert seen == admin.get(path).json["items"]


def test_link_keeps_the_query_and_changes_the_cursor(client, add_movie):
    for number in range(3):
        add_movie(title=f"Füür & Flamme {number}", genres=["Drama", "War"])
    page = client.get("/v1/movies?genre=Drama&genre=War&q=f%C3%BC%C3%BCr%20%26&limit=1&sort=title")
    for _ in range(2):
        address = urlsplit(next_address(page))
        assert (address.scheme, address.netloc, address.path) == ("", "", "/v1/movies")
        query = {"genre": ["Drama", "War"], "q": ["füür &"], "limit": ["1"], "sort": ["title"]}
        assert parse_qs(address.query) == {**query, "cursor": [page.json["next_cursor"]]}
        page = client.get(address.geturl())
    assert next_address(page) is None


@pytest.mark.parametrize(
    ("query", "remaining"),
    [
        ("limit=1&%63ursor={}&sort=title", {"limit": "1", "sort": "title"}),
        ("cursor={}&limit=1", {"limit": "1"}),
        ("%6cimit=1&q=movie%20+&", {"limit": "1", "q": "movie  "}),
        ("limit=1&q=movie%2", {"limit": "1", "q": "movie%2"}),
        ("limit=1&q=movie+<>%22é;", {"limit": "1", "q": 'movie <>"é;'}),
    ],
)
def test_link_is_correct_for_any_spelling_of_the_query(client, add_movie, query, remaining):
    for number in range(3):
        add_movie(title=f"Movie 2 é {number}")
    sort = {name: value for name, value in remaining.items() if name != "limit"}
    cursor = client.get("/v1/movies", query_string={**sort, "limit": 1}).json["next_cursor"]
    page = client.get(f"/v1/movies?{query.format(f'%{ord(cursor[0]):02x}{cursor[1:]}')}")
    address = urlsplit(next_address(page))
    assert re.fullmatch(r"[A-Za-z0-9&=%+._~-]+", address.query)
    assert dict(parse_qsl(address.query, strict_parsing=True)) == {
        **remaining,
        "cursor": page.json["next_cursor"],
    }
    assert address.query.count("=") == len(remaining) + 1


@pytest.mark.parametrize("prefix", ["/films", "/m\u00e9dia th\u00e8que"])
def test_urls_start_with_the_mount_point(member, add_movie, prefix):
    add_movie()
    mounted = {"environ_overrides": {"SCRIPT_NAME": prefix.encode().decode("latin-1")}}
    created = member.post("/v1/movies", json={"title": "Emma", "year": 1996}, **mounted)
    page = member.get("/v1/movies?limit=1", **mounted)
    assert created.headers["Location"] == f"{quote(prefix)}/v1/movies/{created.json['id']}"
    assert next_address(page).startswith(f"{quote(prefix)}/v1/movies?limit=1&cursor=")


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1.5", "abc", "", "1e1", "٣", "9" * 30, "20&limit=20"])
def test_limit_must_be_from_1_to_100(admin, lists, problem, limit):
    for path in lists:
        errors = problem(admin.get(f"{path}?limit={limit}"), 422, "limit")["errors"]
        assert [error["location"] for error in errors] == ["query"]
        assert admin.get(f"{path}?limit=1").status_code == admin.get(f"{path}?limit=100").status_code == 200


def test_page_has_20_items_by_default(client, add_movie):
    for _ in range(21):
        add_movie()
    assert len(client.get("/v1/movies").json["items"]) == 20
    assert len(client.get("/v1/movies?limit=100").json["items"]) == 21


@pytest.mark.parametrize("cursor", ["", "a", "abc", "*", "==", "ä", "%00", "A" * 60, "A" * 4001, "null", "1"])
def test_invalid_cursor_returns_422(admin, lists, problem, cursor):
    for path in lists:
        problem(admin.get(f"{path}?cursor={cursor}"), 422, "cursor")


def test_cursor_of_another_list_or_order_returns_422(admin, lists, problem):
    cursors = {path: admin.get(f"{path}?limit=1").json["next_cursor"] for path in lists}
    for path in lists:
        for other in lists:
            if other != path:
                problem(admin.get(path, query_string={"cursor": cursors[other]}), 422, "cursor")
    problem(
        admin.get("/v1/movies", query_string={"cursor": cursors["/v1/movies"], "sort": "title"}),
        422,
        "cursor",
    )


def test_list_returns_304_for_its_etag(admin, lists):
    for path in [*lists, "/v1/genres"]:
        tag = admin.get(path).headers["ETag"]
        assert re.fullmatch(r'"[!#-~]+"', tag)
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            response = admin.get(path, headers={"If-None-Match": known})
            assert response.status_code == 304
            assert response.data == b""
            assert response.headers["ETag"] == tag
        assert admin.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_304_of_a_list_has_its_link(client, add_movie):
    add_movie(), add_movie()
    page = client.get("/v1/movies?limit=1")
    again = client.get("/v1/movies?limit=1", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    assert again.headers["Link"] == page.headers["Link"]
