"""Both databases return equal responses, byte for byte: the same requests to a service on each, with real data."""

import http.client
import itertools
import random
from urllib.parse import quote, urlencode

import orjson
import pytest

import postgres
from both_databases import PASSWORD, TITLES, BothDatabases, add_data, migrate
from movierating import create_app
from movierating.movies.genres import GENRES
from movierating.movies.search import SORTS
from movierating.users import rating_history

pytestmark = pytest.mark.postgresql

WORDS = [
    *TITLES, "amelie", "Amélie", "AMÉLIE", "AME", "star wa", "wars star", "l'aventura", "se7en", "12 angry", "the",
    "the the", "a", "t", "to", "zzzz", "star OR wars", "star AND wars", "star NOT wars", "title:star", '"star wars"',
    '"star', "^star", "-star", "star -wars", "star & !wars", "'star' | 'wars'", "star <-> wars", "star\\", "star'",
    "a%b", "a\0b", "\0", "star\0wars", "\u0301", "\u200b", "  star   wars  ", "x" * 200, "love " * 40, "jean-pierre",
    "jeunet", "(1995)", "1995", "toy story", "Toy Story", "kurosawa", "хичкок", "ё", "ß", "SS", "ſ", "K", "\u212a",  # noqa: RUF001
]  # fmt: skip


@pytest.fixture(scope="module")
def services(data_folder, environ, serve, tmp_path_factory):
    """`BothDatabases` with the real MovieLens data set, our bundled movies and unusual titles."""
    folder, other_folder = (tmp_path_factory.mktemp(name) / "instance" for name in ("sqlite", "postgresql"))
    settings = {"DATABASE_URL": f"sqlite:///{folder / 'movierating.sqlite3'}", "SECRET_KEY": "k" * 40}
    tokens = add_data(create_app(environ(folder, **settings)), data_folder / "ml-latest-small")
    migrate(environ(folder, **settings), postgres.database_of(other_folder))
    running = serve(folder, **settings), serve(other_folder, SECRET_KEY=settings["SECRET_KEY"])
    addresses = [service.url.removeprefix("http://") for service in running]
    connections = [http.client.HTTPConnection(address, timeout=60) for address in addresses]
    yield BothDatabases(*connections, tokens)
    for connection in connections:
        connection.close()
    assert [service.stop() for service in running] == [0, 0]


def draw_filters(sort, dice):
    """Return random filters of a list of movies."""
    filters = {
        "q": dice.choice(WORDS),
        "genre": dice.sample(list(GENRES), dice.randint(1, 2)),
        "year": dice.randint(1950, 2018),
        "year_from": dice.randint(1900, 2000),
        "year_to": dice.randint(1980, 2020),
        "language": dice.choice(["fr", "en"]),
        "director": dice.choice([*TITLES, "Akira Kurosawa", "agnès varda"]),
        "min_count": dice.choice([1, 5, 50]),
        "ids": ",".join(map(str, dice.sample(range(1, 14_000), dice.choice([1, 30, 100])))),
        "exclude_genre": dice.sample(list(GENRES), dice.randint(1, 2)),
        "country": dice.choice(["FR", "US", "SU"]),
        "runtime_from": dice.choice([60, 90, 240]),
        "runtime_to": dice.choice([60, 100, 150]),
        "min_score": dice.choice([0, 6.5, 6.9, 7.53]),
    }
    names = set(dice.sample(sorted(filters), dice.choice([0, 1, 1, 2, 2, 3])))
    names |= {"q"} if sort == "relevance" else set()
    return {name: filters[name] for name in sorted(names)}


@pytest.mark.parametrize("sort", SORTS)
def test_lists_of_movies(services, sort):
    dice = random.Random(sort)
    pages = 0
    for _ in range(40):
        query = {"sort": sort, **draw_filters(sort, dice), "limit": dice.choice([1, 7, 20, 100])}
        pages += services.read_pages(f"/v1/movies?{urlencode(query, doseq=True)}")
    assert pages > 50


@pytest.mark.parametrize("sort", ["relevance", "-count", "title"])
def test_searches(services, sort):
    matches = 0
    for words in WORDS:
        query = urlencode({"q": words, "sort": sort, "limit": 10})
        matches += b'"title":' in services.send(f"/v1/movies?{query}")[2]
    assert matches > 60


def test_searches_for_parts_of_titles(services):
    _, _, body = services.send("/v1/movies?sort=-count&limit=100")
    titles = [movie["title"] for movie in orjson.loads(body)["items"]]
    for title in titles[::4]:
        for length in range(1, len(title) + 1, 3):
            query = urlencode({"q": title[:length], "sort": "relevance", "limit": 5})
            services.send(f"/v1/movies?{query}")


@pytest.mark.parametrize("sort", ["title", "year", "-mean"])
def test_all_pages_of_movies(services, sort):
    assert services.read_pages(f"/v1/movies?sort={sort}&limit=100", max_pages=1000) > 100


@pytest.mark.parametrize("sort", rating_history.SORTS)
def test_ratings_of_users(services, sort):
    dice = random.Random(sort)
    accounts = orjson.loads(services.send("/v1/users?q=ada", username="boss")[2])["items"]
    for user_id in [*(account["id"] for account in accounts), *dice.sample(range(1, 610), 8)]:
        for filters in ({}, {"min_value": 4.5}, {"max_value": 3}, {"genre": "Comedy", "min_value": 8}):
            query = urlencode({"sort": sort, "limit": 50, **filters})
            services.read_pages(f"/v1/users/{user_id}/ratings?{query}")


def test_movies_and_profiles(services):
    dice = random.Random(2)
    _, _, body = services.send("/v1/movies?sort=-count&limit=40")
    shown = orjson.loads(body)["items"]
    for movie in [
        *shown,
        *({"id": each, "imdb_id": None, "tmdb_id": None} for each in dice.sample(range(1, 14_000), 60)),
    ]:
        path = f"/v1/movies/{movie['id']}"
        _, headers, _ = services.send(path)
        if tag := dict(headers).get("etag"):
            assert services.send(path, **{"If-None-Match": tag})[0] == 304
            services.send(f"{path}/ratings", **{"Accept-Encoding": "gzip"})
        services.send(f"{path}/rating", username="ada")
        services.send(f"/v1/movies/by-imdb/{movie['imdb_id'] or 'tt9999999999'}")
        services.send(f"/v1/movies/by-tmdb/{movie['tmdb_id'] or 2**31}")
        services.read_pages(f"{path}/ratings?limit=30", max_pages=3)
    for user_id in dice.sample(range(1, 620), 40):
        services.send(f"/v1/users/{user_id}")


def test_own_account_and_accounts_for_admins(services):
    for path in ("/v1/users/me", "/v1/auth/tokens", "/v1/genres"):
        services.send(path, username="ada")
    assert services.read_pages("/v1/users?limit=40", max_pages=20, username="boss") > 10
    for words in ("ADA", "ada-", "ż", "zo", "ml-1", "%", "_", "@", "ada@example.org", "\0", "z\U0010ffff"):
        services.send(f"/v1/users?{urlencode({'q': words})}", username="boss")


@pytest.mark.parametrize("name", ["csv", "json", "letterboxd", "imdb"])
def test_exports(services, name):
    status, _, body = services.send(f"/v1/users/me/ratings/export?format={name}", username="ada")
    assert status == 200
    assert len(body) > 10_000


INVALID_VALUES = ["", "0", "-1", "x", f"{2**63 - 1}", f"{2**63}", "1e3", "%00", "1%00", "٣", "'", "null"]
PARAMETERS = ["cursor", "limit", "sort", "q", "genre", "year", "language", "director", "min_count", "x"]
PARAMETERS += ["ids", "exclude_genre", "country", "runtime_from", "runtime_to", "min_score"]


def test_errors(services):
    for path, value in itertools.product(
        ("movies", "users", "movies/by-imdb", "movies/by-tmdb"), INVALID_VALUES
    ):
        services.send(f"/v1/{path}/{quote(value, safe='%')}")
        services.send(f"/v1/{path}/{quote(value, safe='%')}/ratings")
    for name, value in itertools.product(PARAMETERS, INVALID_VALUES):
        services.send(f"/v1/movies?{name}={quote(value, safe='%')}")
    assert services.send("/v1/movies?sort=relevance")[0] == 422
    assert services.send("/v1/users")[0] == 401
    assert services.send("/v1/users", username="ada")[0] == 403


MOVIE = {"title": "Neu", "year": 1997}
RATING = "/v1/movies/{}/rating"
# The first creates a movie, because a write that PostgreSQL rolls back uses up an id.
WRITES = [
    ("POST", "/v1/movies", {**MOVIE, "directors": ["Ä", "ä"], "genres": ["War", "Drama"]}),
    ("PUT", RATING, {"value": 8.5, "rated_at": "2019-01-01T00:00:00Z"}),
    ("PUT", RATING, {"value": 0.5, "rated_at": "2018-01-01T00:00:00Z"}),
    ("PUT", RATING, {"value": 0.3}),
    ("DELETE", RATING, None),
    ("DELETE", RATING, None),
    (
        "POST",
        "/v1/users/me/ratings",
        {"ratings": [{"movie_id": 5, "value": 7}, {"imdb_id": "tt0113277", "value": 7}]},
    ),
    ("POST", "/v1/users/me/ratings/delete", {"ratings": [{"movie_id": 5}, {"tmdb_id": 1}]}),
    ("POST", "/v1/users", {"username": "ADA", "email": "zoe@example.org", "password": PASSWORD}),
    ("POST", "/v1/users", {"username": "other", "email": "Zoe@Example.org", "password": PASSWORD}),
    ("POST", "/v1/movies", {"title": "STRASSE", "year": 1991}),
    ("POST", "/v1/movies", {**MOVIE, "title": "東京物語\0"}),
    ("POST", "/v1/movies", {**MOVIE, "imdb_id": "tt0113277"}),
    ("POST", "/v1/movies", {**MOVIE, "title": "neu"}),
    ("PATCH", "/v1/users/me", {"display_name": "\u202eada"}),
    ("POST", "/v1/auth/login", {"login": "ada\0", "password": PASSWORD}),
]


def test_writes_and_reads_after_them(services):
    for method, path, body in WRITES:
        for movie_id in (1, 99_999_999) if "{}" in path else (1,):
            for name in ("ada", "boss"):
                services.send(path.format(movie_id), method, body, username=name)
    for path in ("movies?limit=100", "movies/1", "movies?q=strasse&sort=relevance", "users/1"):
        services.send(f"/v1/{path}")
