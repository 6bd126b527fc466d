"""The list of a user's ratings: items, sorts, filters and pages."""

import pytest
from sqlalchemy import update

from movierating.movies.models import Movie
from movierating.storage.database import write
from movierating.users.rating_history import list_highest_ratings

RATED = [  # title, genres, value, rated_at
    ("Alien", ["Horror"], 9, "2021-01-01T00:00:00Z"),
    ("Brazil", ["Comedy"], 7.5, "2023-01-01T00:00:00Z"),
    ("Casablanca", ["Drama", "Romance"], 9, "2020-01-01T00:00:00Z"),
    ("Dune", ["Drama"], 4, "2022-01-01T00:00:00Z"),
]


@pytest.fixture
def history(member, add_movie):
    """The path of the list of a member with the four ratings above."""
    for title, genres, value, rated_at in RATED:
        movie = add_movie(title=title, genres=genres)
        member.put(f"/v1/movies/{movie}/rating", json={"value": value, "rated_at": rated_at})
    return f"/v1/users/{member.id}/ratings"


def get_initials(response):
    assert response.status_code == 200, response.text
    return "".join(item["movie"]["title"][0] for item in response.json["items"])


def test_item_contains_rating_and_movie_without_statistics(client, history):
    item = client.get(f"{history}?limit=1").json["items"][0]
    assert set(item) == {"movie", "value", "rated_at", "created_at", "updated_at"}
    assert (item["value"], item["rated_at"]) == (7.5, "2023-01-01T00:00:00Z")
    movie = client.get(f"/v1/movies/{item['movie']['id']}").json
    assert item["movie"] == {name: movie[name] for name in item["movie"]}
    assert movie.keys() - item["movie"].keys() == {"ratings", "alternative_titles"}


def test_list_contains_only_the_users_ratings(client, history, sign_up):
    other = sign_up()
    other.put("/v1/movies/1/rating", json={"value": 1})
    assert client.get(history).json["items"][1]["value"] == 4
    assert [item["value"] for item in client.get(f"/v1/users/{other.id}/ratings").json["items"]] == [1]


QUERIES = [
    ("", "BDAC"),
    ("sort=-rated_at", "BDAC"),
    ("sort=rated_at", "CADB"),
    ("sort=-value", "CABD"),
    ("sort=value", "DBAC"),
    ("sort=title", "ABCD"),
    ("min_value=7.5", "BAC"),
    ("max_value=7.5", "BD"),
    ("min_value=7.5&max_value=7.5", "B"),
    ("min_value=9.5", ""),
    ("min_value=9&max_value=4", ""),
    ("genre=Drama", "DC"),
    ("genre=Drama&min_value=5&sort=title", "C"),
    ("genre=Western", ""),
]


def test_history_is_sorted_and_filtered(client, history, subtests):
    for query, initials in QUERIES:
        with subtests.test(str(query)):
            assert get_initials(client.get(f"{history}?{query}")) == initials
            assert get_initials(client.get(f"{history}?{query}&limit=100")) == initials


def test_highest_ratings_are_those_of_widely_known_movies_first(member, history):
    for title, prominence in (("Alien", 90), ("Casablanca", 80), ("Dune", 100)):
        change = update(Movie).where(Movie.title == title).values(prominence=prominence)
        write(lambda connection, change=change: connection.execute(change))
    highest = list_highest_ratings(member.id, 3)
    assert [rating["movie"]["title"] for rating in highest] == ["Alien", "Casablanca", "Brazil"]


@pytest.mark.parametrize("sort", ["-rated_at", "rated_at", "-value", "value", "title"])
def test_pages_join_to_the_whole_list(client, history, sort):
    items, query = [], {"sort": sort, "limit": 1}
    while "cursor" not in query or query["cursor"]:
        page = client.get(history, query_string=query).json
        items += page["items"]
        query["cursor"] = page["next_cursor"]
    assert items == client.get(f"{history}?sort={sort}").json["items"]


def test_rating_added_between_two_pages_moves_no_other(client, member, history, add_movie):
    first = client.get(f"{history}?limit=2")
    member.put(f"/v1/movies/{add_movie(title='Emma')}/rating", json={"value": 1})
    member.delete("/v1/movies/2/rating")
    assert get_initials(client.get(history, query_string={"cursor": first.json["next_cursor"]})) == "AC"


def test_list_supports_if_none_match(client, history, member):
    tag = client.get(history).headers["ETag"]
    assert client.get(history, headers={"If-None-Match": tag}).status_code == 304
    member.put("/v1/movies/1/rating", json={"value": 1})
    assert client.get(history, headers={"If-None-Match": tag}).status_code == 200


INVALID_PARAMETERS = {
    "sort": ["score", "", "value&sort=title"],
    "min_value": ["0", "7.3", "nan"],
    "max_value": ["10.5", "eight"],
    "genre": ["drama", "Nonsense"],
}


def test_invalid_query_returns_422(client, member, problem, subtests):
    for name, values in INVALID_PARAMETERS.items():
        for value in values:
            with subtests.test(f"{name}={value}"):
                problem(client.get(f"/v1/users/{member.id}/ratings?{name}={value}"), 422, name)


@pytest.mark.parametrize(
    "other", [{"sort": "title"}, {"genre": "Drama"}, {"min_value": 1}, {"max_value": 10}], ids=str
)
def test_cursor_of_another_sort_or_other_filters_returns_422(client, history, problem, other):
    for first, second in (({}, other), (other, {})):
        cursor = client.get(history, query_string={"limit": 1, **first}).json["next_cursor"]
        assert client.get(history, query_string={"cursor": cursor, "limit": 2, **first}).status_code == 200
        problem(client.get(history, query_string={"cursor": cursor, **second}), 422, "cursor")


OWN = "/v1/users/me/ratings"


def test_own_list_equals_the_public_list(client, member, history, subtests):
    for query, _ in QUERIES:
        with subtests.test(query):
            assert member.get(f"{OWN}?{query}").data == client.get(f"{history}?{query}").data


def test_own_list_requires_a_token_and_is_private(client, member, history, problem):
    problem(client.get(OWN), 401)
    problem(client.get(f"{OWN}?limit=0"), 401)
    assert member.get(OWN).headers["Cache-Control"] == "private, no-cache"


def test_own_list_without_ratings_is_empty(member):
    assert member.get(OWN).json == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("query", ["", "&genre=Drama"])
def test_own_list_by_last_update_starts_with_the_latest(member, history, query):
    member.put("/v1/movies/3/rating", json={"value": 1})
    initials = [member.get(f"{OWN}?sort=-updated_at{query}")]
    assert get_initials(initials[0]) == ("CD" if query else "CDBA")
    assert "".join(_read_initials(member, f"{OWN}?sort=-updated_at&limit=1{query}")) == get_initials(
        initials[0]
    )


def _read_initials(member, path):
    cursor = ""
    while cursor is not None:
        page = member.get(f"{path}{cursor and f'&cursor={cursor}'}")
        yield get_initials(page)
        cursor = page.json["next_cursor"]


@pytest.mark.parametrize("sort", ["-updated_at", "title", "-value"])
def test_own_list_since_an_update_contains_it_and_later_ones(member, history, sort):
    updated = {item["movie"]["title"]: item["updated_at"] for item in member.get(OWN).json["items"]}
    query = {"updated_since": updated["Casablanca"], "sort": sort}
    assert sorted(get_initials(member.get(OWN, query_string=query))) == ["C", "D"]
    member.put("/v1/movies/1/rating", json={"value": 1})
    assert sorted(get_initials(member.get(OWN, query_string=query))) == ["A", "C", "D"]


@pytest.mark.parametrize(
    "value", ["", "yesterday", "2024-01-15", "2024-02-30T00:00:00Z", "1700000000", "%00"]
)
def test_own_list_with_an_invalid_time_returns_422(member, problem, value):
    problem(member.get(f"{OWN}?updated_since={value}"), 422, "updated_since")


@pytest.mark.parametrize(
    ("query", "field"), [("sort=-updated_at", "sort"), ("updated_since=x", "updated_since")]
)
def test_public_list_has_no_sort_or_filter_by_last_update(client, history, problem, query, field):
    problem(client.get(f"{history}?{query}"), 422, field)


def test_cursor_of_another_time_returns_422(member, history, problem):
    path = f"{OWN}?limit=1&updated_since=2024-01-01T00:00:0"
    cursor = member.get(f"{path}0Z").json["next_cursor"]
    problem(member.get(f"{path}1Z&cursor={cursor}"), 422, "cursor")
