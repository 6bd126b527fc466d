"""The caller's own ratings of movies: `include=my_rating` and `rated`."""

import pytest

from movierating.movies import search, search_plan
from movierating.movies.own_ratings import RATING
from movierating.movies.search import SORTS
from movierating.ratings.models import Rating
from movierating.storage.database import read

RATED_AT = "2021-01-01T00:00:00Z"
MINE = {"value": 8.5, "rated_at": RATED_AT}


@pytest.fixture
def rated(member, sign_up, add_movie):
    """The id of a movie that the member and another user rated; the next movie is not rated."""
    movie = add_movie(imdb_id="tt0000001", tmdb_id=7)
    add_movie()
    sign_up().put(f"/v1/movies/{movie}/rating", json={"value": 1})
    member.put(f"/v1/movies/{movie}/rating", json=MINE)
    return movie


@pytest.fixture(params=["/v1/movies/1", "/v1/movies/by-imdb/tt0000001", "/v1/movies/by-tmdb/7"])
def path(request, rated):
    """The path of the rated movie, by each of its ids."""
    return request.param


def test_described_columns_are_those_of_the_table():
    assert set(RATING.c.keys()) <= set(Rating.__table__.c.keys())
    assert RATING.name == Rating.__tablename__


def test_movie_contains_the_callers_rating(path, client, member, sign_up):
    plain = client.get(path).json
    assert "my_rating" not in plain
    response = member.get(f"{path}?include=my_rating")
    assert response.json == {**plain, "my_rating": MINE}
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["ETag"] != client.get(path).headers["ETag"]
    assert sign_up().get(f"{path}?include=my_rating").json == {**plain, "my_rating": None}


def test_list_of_movies_contains_the_callers_ratings(rated, client, member):
    items = member.get("/v1/movies?include=my_rating&sort=-count").json["items"]
    assert [item.pop("my_rating") for item in items] == [MINE, None]
    assert items == client.get("/v1/movies?sort=-count").json["items"]


def test_next_page_contains_the_callers_ratings_too(rated, member):
    page = member.get("/v1/movies?include=my_rating&sort=-created_at&limit=1")
    assert "include=my_rating" in page.headers["Link"]
    following = member.get(page.headers["Link"].partition(">")[0][1:])
    assert [item["my_rating"] for item in following.json["items"]] == [MINE]


def test_raters_of_a_movie_contain_the_callers_rating(rated, member, admin):
    path = f"/v1/movies/{rated}/ratings?include=my_rating"
    assert [item["my_rating"] for item in member.get(path).json["items"]] == [MINE, MINE]
    assert [item["my_rating"] for item in admin.get(path).json["items"]] == [None, None]
    assert member.get("/v1/movies/2/ratings?include=my_rating").json["items"] == []


PATHS = [
    "/v1/movies",
    "/v1/movies/1",
    "/v1/movies/1/ratings",
    "/v1/movies/by-imdb/tt0000001",
    "/v1/movies/by-tmdb/7",
]


@pytest.mark.parametrize("path", PATHS)
def test_response_is_never_returned_to_anyone_else(rated, path, client, member, problem):
    path = f"{path}?include=my_rating"
    tag = member.get(path).headers["ETag"]
    problem(client.get(path), 401)
    problem(client.get(path, headers={"If-None-Match": tag}), 401)
    problem(client.get(path, headers={"Authorization": "Bearer x"}), 401)
    assert member.get(path, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("value", ["", "ratings", "MY_RATING", "my_rating,x", "%00", "x" * 5000])
def test_unknown_include_returns_422(rated, path, client, member, problem, value):
    problem(member.get(f"{path}?include={value}"), 422, "include")
    problem(client.get(f"{path}?include={value}"), 422, "include")


@pytest.mark.parametrize("path", PATHS)
def test_repeated_include_returns_422(rated, path, client, member, problem):
    problem(member.get(f"{path}?include=my_rating&include=my_rating"), 422, "include")
    problem(client.get(f"{path}?include=x&include=my_rating"), 401)


@pytest.mark.parametrize("path", ["/v1/movies/99", "/v1/movies/by-imdb/tt0", "/v1/movies/by-tmdb/99"])
def test_order_of_errors_is_401_then_404_then_422(client, member, problem, path):
    problem(client.get(f"{path}?include=my_rating&x=1"), 401)
    problem(member.get(f"{path}?include=my_rating&x=1"), 404)
    problem(client.get(f"{path}?include=x"), 404)


@pytest.mark.sqlite
@pytest.mark.parametrize("limit", [1, 100])
@pytest.mark.parametrize("path", ["/v1/movies", "/v1/movies/1/ratings"])
def test_page_takes_one_statement_more(rated, member, path, limit):
    seen = []
    driver = read().connection.dbapi_connection
    member.get(f"{path}?limit={limit}&include=my_rating")
    driver.set_trace_callback(seen.append)
    numbers = []
    for query in ("", "&include=my_rating"):
        member.get(f"{path}?limit={limit}{query}")
        numbers.append(len(seen))
        seen.clear()
    driver.set_trace_callback(None)
    assert numbers[1] == numbers[0] + 1


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("others", ["", "&genre=Drama&year_from=1990&min_count=1"])
def test_rated_filters_by_the_callers_ratings(member, sign_up, add_movie, sort, others):
    ids = [add_movie(title=f"Moon {number}", genres=["Drama"]) for number in range(8)]
    other = sign_up()
    for movie in ids:
        other.put(f"/v1/movies/{movie}/rating", json={"value": 5})
    for movie in ids[::3]:
        member.put(f"/v1/movies/{movie}/rating", json={"value": 7})
    query = f"sort={sort}{'&q=moon' if sort == 'relevance' else ''}{others}"
    everything = [movie["id"] for movie in member.get(f"/v1/movies?{query}").json["items"]]
    assert len(everything) == len(ids)
    for rated in (True, False):
        expected = [movie for movie in everything if (movie in ids[::3]) == rated]
        assert _list_ids(member, f"/v1/movies?{query}&rated={str(rated).lower()}&limit=2") == expected


def _list_ids(caller, path):
    ids, cursor = [], ""
    while cursor is not None:
        page = caller.get(f"{path}{cursor and f'&cursor={cursor}'}").json
        assert "my_rating" not in page["items"][0]
        ids += [movie["id"] for movie in page["items"]]
        cursor = page["next_cursor"]
    return ids


@pytest.mark.parametrize("query", ["rated=true", "rated=false", "rated=x", "rated=", "rated=true&limit=0"])
def test_rated_requires_a_token(rated, client, member, problem, query):
    member.get(f"/v1/movies?{query}")
    problem(client.get(f"/v1/movies?{query}"), 401)


@pytest.mark.parametrize("value", ["", "x", "yes", "TRUE", "2", "null", "%00", "true&rated=true"])
def test_invalid_rated_returns_422(member, problem, value):
    problem(member.get(f"/v1/movies?rated={value}"), 422, "rated")


def test_rated_with_include_adds_the_ratings(rated, member):
    (movie,) = member.get("/v1/movies?rated=true&include=my_rating").json["items"]
    assert movie["my_rating"] == MINE
    (movie,) = member.get("/v1/movies?rated=false&include=my_rating").json["items"]
    assert movie["my_rating"] is None


def test_rated_without_ratings_is_empty(rated, sign_up):
    assert sign_up().get("/v1/movies?rated=true").json["items"] == []


def test_cursor_of_rated_belongs_to_the_caller(rated, member, sign_up, problem):
    path = "/v1/movies?rated=false&limit=1"
    cursor = sign_up().get(path).json["next_cursor"]
    problem(member.get(f"{path}&cursor={cursor}"), 422, "cursor")


@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort != "relevance"])
def test_few_rated_movies_are_sorted_and_unrated_ones_walked(app, monkeypatch, sort):
    counts = {"": 74_000, "rated": 2_000, "unrated": 2_000}
    monkeypatch.setattr(search_plan, "_count", lambda kind="", *_: counts[kind])
    search_plan._count_cached.cache_clear()
    values = {"rater": 1}
    column = search._SORTS[sort].columns[0].name
    assert search_plan.choose_plan(("rated",), values, column, 20).sorted_filter == 0
    assert search_plan.choose_plan(("unrated",), values, column, 20).sorted_filter is None
    search_plan._count_cached.cache_clear()
