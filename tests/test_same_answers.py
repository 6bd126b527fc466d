"""Both databases answer alike, to the byte: the same real data in each, and many requests to a service on either."""

import http.client
import itertools
import random
from urllib.parse import quote, urlencode

import orjson
import pytest

from movierating import create_app
from movierating.movies.genres import GENRES
from movierating.movies.search import SORTS
from movierating.users import rating_history
from twins import PASSWORD, TITLES, Twins, copy, fill

pytestmark = pytest.mark.postgresql

KEY = "k" * 40

WORDS = [
    *TITLES, "amelie", "Amélie", "AMÉLIE", "AME", "star wa", "wars star", "l'aventura", "se7en", "12 angry", "the",
    "the the", "a", "t", "to", "zzzz", "star OR wars", "star AND wars", "star NOT wars", "title:star", '"star wars"',
    '"star', "^star", "-star", "star -wars", "star & !wars", "'star' | 'wars'", "star <-> wars", "star\\", "star'",
    "a%b", "a\0b", "\0", "star\0wars", "\u0301", "\u200b", "  star   wars  ", "x" * 200, "love " * 40, "jean-pierre",
    "jeunet", "(1995)", "1995", "toy story", "Toy Story", "kurosawa", "хичкок", "ё", "ß", "SS", "ſ", "K", "\u212a",  # noqa: RUF001
]  # fmt: skip


@pytest.fixture(scope="module")
def twins(data_folder, environ, serve, tmp_path_factory):
    """`Twins` with the real MovieLens data set, our bundled movies and a few strange ones."""
    one, two = (tmp_path_factory.mktemp(name) / "instance" for name in ("sqlite", "postgresql"))
    settings = {"DATABASE_URL": f"sqlite:///{one / 'movierating.sqlite3'}", "SECRET_KEY": KEY}
    source = create_app(environ(one, **settings))
    tokens = fill(source, data_folder / "ml-latest-small")
    copy(source, create_app(environ(two, SECRET_KEY=KEY), prepared=False))
    services = serve(one, **settings), serve(two, SECRET_KEY=KEY)
    pair = [
        http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=60) for service in services
    ]
    yield Twins(*pair, tokens)
    for connection in pair:
        connection.close()
    assert [service.stop() for service in services] == [0, 0]


def asked_for(sort, dice):
    """Filters of a list of movies, drawn at random."""
    drawn = {
        "q": dice.choice(WORDS),
        "genre": dice.sample(list(GENRES), dice.randint(1, 2)),
        "year": dice.randint(1950, 2018),
        "year_from": dice.randint(1900, 2000),
        "year_to": dice.randint(1980, 2020),
        "language": dice.choice(["fr", "en"]),
        "director": dice.choice([*TITLES, "Akira Kurosawa", "agnès varda"]),
        "min_count": dice.choice([1, 5, 50]),
    }
    chosen = dice.sample(sorted(drawn), dice.choice([0, 1, 1, 2, 2, 3]))
    if sort == "relevance":
        chosen = [*chosen, "q"]
    return [("sort", sort), *((name, drawn[name]) for name in dict.fromkeys(chosen))]


@pytest.mark.parametrize("sort", SORTS)
def test_lists_of_movies(twins, sort):
    dice = random.Random(sort)
    pages = 0
    for _ in range(40):
        query = [*asked_for(sort, dice), ("limit", dice.choice([1, 7, 20, 100]))]
        pages += twins.pages(f"/v1/movies?{urlencode(query, doseq=True)}")
    assert pages > 50


@pytest.mark.parametrize("sort", ["relevance", "-count", "title"])
def test_searches(twins, sort):
    found = 0
    for words in WORDS:
        query = urlencode({"q": words, "sort": sort, "limit": 10})
        status, _, body = twins.ask(f"/v1/movies?{query}")
        found += status == 200 and body.count(b'"title":') > 0
    assert found > 60


def test_searches_as_they_are_typed(twins):
    _, _, body = twins.ask("/v1/movies?sort=-count&limit=100")
    titles = [movie["title"] for movie in orjson.loads(body)["items"]]
    for title in titles[::4]:
        for length in range(1, len(title) + 1, 3):
            twins.ask(f"/v1/movies?{urlencode({'q': title[:length], 'sort': 'relevance', 'limit': 5})}")


def test_all_movies_from_first_to_last(twins):
    for sort in ("title", "year", "-mean"):
        assert twins.pages(f"/v1/movies?sort={sort}&limit=100", most=1000) > 100


@pytest.mark.parametrize("sort", rating_history.SORTS)
def test_what_people_rated(twins, sort):
    dice = random.Random(sort)
    accounts = orjson.loads(twins.ask("/v1/users?q=ada", **twins.signed("boss"))[2])["items"]
    for user_id in [*(each["id"] for each in accounts), *dice.sample(range(1, 610), 8)]:
        for filters in ({}, {"min_value": 4.5}, {"max_value": 3}, {"genre": "Comedy", "min_value": 8}):
            query = urlencode({"sort": sort, "limit": 50, **filters})
            assert twins.pages(f"/v1/users/{user_id}/ratings?{query}") > 0


def test_movies_their_ratings_and_profiles(twins):
    dice = random.Random(2)
    _, _, body = twins.ask("/v1/movies?sort=-count&limit=40")
    shown = orjson.loads(body)["items"]
    for movie in [*shown, *({"id": each, "imdb_id": None} for each in dice.sample(range(1, 14_000), 60))]:
        _, headers, _ = twins.ask(f"/v1/movies/{movie['id']}")
        if tag := dict(headers).get("etag"):
            assert twins.ask(f"/v1/movies/{movie['id']}", **{"If-None-Match": tag})[0] == 304
        twins.ask(f"/v1/movies/{movie['id']}/rating", **twins.signed("ada"))
        twins.ask(f"/v1/movies/by-imdb/{movie['imdb_id'] or 'tt9999999999'}")
        twins.pages(f"/v1/movies/{movie['id']}/ratings?limit=30", most=3)
    for user_id in dice.sample(range(1, 620), 40):
        twins.ask(f"/v1/users/{user_id}")


def test_what_is_ones_own_and_what_admins_see(twins):
    for path in ("/v1/users/me", "/v1/auth/tokens", "/v1/genres"):
        twins.ask(path, **twins.signed("ada"))
    assert twins.pages("/v1/users?limit=40", most=20, **twins.signed("boss")) > 10
    for words in (
        "ADA",
        "ada-",
        "ż",
        "zo",
        "ml-1",
        "ml",
        "%",
        "_",
        "@",
        "ada@example.org",
        "\0",
        "z\U0010ffff",
    ):
        twins.ask(f"/v1/users?{urlencode({'q': words})}", **twins.signed("boss"))


@pytest.mark.parametrize("name", ["csv", "json", "letterboxd", "imdb"])
def test_exports(twins, name):
    status, _, body = twins.ask(f"/v1/users/me/ratings/export?format={name}", **twins.signed("ada"))
    assert status == 200
    assert len(body) > 10_000


NONSENSE = [
    "",
    "0",
    "-1",
    "x",
    "9223372036854775807",
    "9223372036854775808",
    "1e3",
    "%00",
    "1%00",
    "٣",
    "'",
    "null",
]


def test_refusals(twins):
    for path, value in itertools.product(("movies", "users", "movies/by-imdb"), NONSENSE):
        twins.ask(f"/v1/{path}/{quote(value, safe='%')}")
        twins.ask(f"/v1/{path}/{quote(value, safe='%')}/ratings")
    names = (
        "cursor",
        "limit",
        "sort",
        "q",
        "genre",
        "year",
        "year_from",
        "language",
        "director",
        "min_count",
        "x",
    )
    for name, value in itertools.product(names, NONSENSE):
        twins.ask(f"/v1/movies?{name}={quote(value, safe='%')}")
    assert twins.ask("/v1/movies?sort=relevance")[0] == 422
    assert twins.ask("/v1/users")[0] == 401
    assert twins.ask("/v1/users", **twins.signed("ada"))[0] == 403


# What PostgreSQL refuses has used up an id, so what makes one comes first.
WRITES = [
    (
        "POST",
        "/v1/movies",
        {"title": "Neu", "year": 1997, "directors": ["Ä", "ä"], "genres": ["War", "Drama"]},
    ),
    ("PUT", "/v1/movies/{}/rating", {"value": 8.5, "rated_at": "2019-01-01T00:00:00Z"}),
    ("PUT", "/v1/movies/{}/rating", {"value": 0.5, "rated_at": "2018-01-01T00:00:00Z"}),
    ("PUT", "/v1/movies/{}/rating", {"value": 0.3}),
    ("DELETE", "/v1/movies/{}/rating", None),
    ("DELETE", "/v1/movies/{}/rating", None),
    (
        "POST",
        "/v1/users/me/ratings",
        {"ratings": [{"movie_id": 5, "value": 7}, {"imdb_id": "tt0113277", "value": 7}]},
    ),
    ("POST", "/v1/users/me/ratings/delete", {"ratings": [{"movie_id": 5}, {"tmdb_id": 1}]}),
    ("POST", "/v1/users", {"username": "ADA", "email": "zoe@example.org", "password": PASSWORD}),
    ("POST", "/v1/users", {"username": "other", "email": "Zoe@Example.org", "password": PASSWORD}),
    ("POST", "/v1/movies", {"title": "STRASSE", "year": 1991}),
    ("POST", "/v1/movies", {"title": "東京物語\0", "year": 1997}),
    ("POST", "/v1/movies", {"title": "Neu", "year": 1997, "imdb_id": "tt0113277"}),
    ("POST", "/v1/movies", {"title": "neu", "year": 1997}),
    ("PATCH", "/v1/users/me", {"display_name": "\u202eada"}),
    ("POST", "/v1/auth/login", {"login": "ada\0", "password": PASSWORD}),
]


def test_writes_and_what_is_read_after_them(twins):
    for method, path, body in WRITES:
        for movie_id in (1, 99_999_999) if "{}" in path else (1,):
            for name in ("ada", "boss"):
                twins.ask(path.format(movie_id), method, body, **twins.signed(name))
    for path in (
        "/v1/movies?limit=100",
        "/v1/movies/1",
        "/v1/movies?q=strasse&sort=relevance",
        "/v1/users/1",
    ):
        twins.ask(path)
