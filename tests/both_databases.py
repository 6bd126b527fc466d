"""A service on each database with the same data, to which tests send the same requests."""

import http.client
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from urllib.parse import quote

import orjson
from sqlalchemy import func, insert, select

from movierating.movies import seed
from movierating.movies import service as movies
from movierating.movies.models import DataMigration, Movie
from movierating.ratings import datasets, service
from movierating.ratings.formats import movielens
from movierating.storage import database
from movierating.users import service as users

PASSWORD = "correct horse battery"
# Headers that differ between any two responses.
VARYING_HEADERS = {"date", "x-request-id"}
REQUEST_ID, TIME = re.compile(rb'"request_id":"[^"]+"'), re.compile(rb'"20[2-9]\d-[\d-]+T[\d:.]+Z"')

# Titles that fold to the same text or to nothing, differ by accents only, or contain special characters of SQL.
TITLES = [
    "Zebra", "zebra II", "Ähre", "Ahre II", "Ångström", "Œuvre", "Ærø", "straße", "Strasse II", "ﬁn", "Fin II",
    "!", "?!", "...", "'", '"', "''", "%", "_", "100%", "a_b", "\\", "\\\\n", ";--", "$1", ":name", "?", "NULL", "0",
    "-1", "1e3", "½", "²", "Ⅷ", "İstanbul", "ıI", "東京物語", "東京", "Москва слезам не верит", "МОСКВА", "Ελλάδα",  # noqa: RUF001
    "한국", "한국 영화", "🎬", "🎬🎬", "e\u0301tude", "\u00e9tude II", "O'Brien", "o\u2019brien II", "AND", "OR NOT",
    "NEAR(a b)", "star*", "(star)", "star:*", "!star", "a & b", "a | b", "<->", "L.A.", "la", "Spider-Man", "spiderman",
]  # fmt: skip


@dataclass
class BothDatabases:
    """Connections to a service on each database, and the access tokens of its users."""

    sqlite: http.client.HTTPConnection
    postgresql: http.client.HTTPConnection
    tokens: dict[str, str]

    def send(self, path, method="GET", body=None, username=None, **headers):
        """Send a request to both, assert that the responses are equal, and return status, headers and body."""
        if username is not None:
            headers["Authorization"] = f"Bearer {self.tokens[username]}"
        first, second = (_send(each, method, path, body, headers) for each in (self.sqlite, self.postgresql))
        assert first == second, (method, path)
        return first

    def read_pages(self, path, max_pages=6, username=None):
        """Read up to `max_pages` pages of a list; return how many there were."""
        address = path
        for number in range(1, max_pages + 1):
            status, _, body = self.send(address, username=username)
            cursor = orjson.loads(body)["next_cursor"] if status == 200 else None
            if cursor is None:
                return number
            address = f"{path}{'&' if '?' in path else '?'}cursor={quote(cursor)}"
        return max_pages


def _send(connection, method, path, body, headers):
    """Return a response without what may differ between the services."""
    if body is not None:
        headers = {"Content-Type": "application/json", **headers}
    connection.request(method, path, body and orjson.dumps(body), headers)
    response = connection.getresponse()
    content, varying = REQUEST_ID.sub(b"", response.read()), VARYING_HEADERS
    if method != "GET":
        # The two services wrote at different times.
        content, varying = TIME.sub(b"", content), varying | {"etag"}
    received = sorted((name.lower(), value) for name, value in response.getheaders())
    return response.status, [pair for pair in received if pair[0] not in varying], content


def add_data(app, movielens_folder):
    """Add MovieLens, unusual titles and users; return the access tokens of a member with many ratings and an admin."""
    with app.app_context():
        # Otherwise each service would load the other bundled movies at its own speed.
        loaded = {"name": seed.get_catalogue_migration(), "applied_at": 0}
        database.write(lambda connection: connection.execute(insert(DataMigration), [loaded]))
        datasets.import_movielens(movielens.open_folder(movielens_folder), lambda _done: None)
        for number, title in enumerate(TITLES):
            facts = {"title": title, "year": 1990 + number % 3, "directors": [title], "genres": ["Drama"]}
            movies.create_movie({**facts, "original_title": TITLES[-number]} if number % 2 else facts)
        for name in ("ada", "Żółw", "zoe", "Ada-2", "boss"):
            role = "admin" if name == "boss" else "member"
            users.sign_up(name, f"{name}@example.org", PASSWORD, f"{name} 🎬", role)
        _add_ratings(users.find_user_id("ada"))
        client, tokens = app.test_client(), {}
        for name in ("ada", "boss"):
            response = client.post("/v1/auth/login", json={"login": name, "password": PASSWORD})
            tokens[name] = response.json["access_token"]
        database.close()
    return tokens


def _add_ratings(user_id):
    """Add 500 ratings, many of them at the same time."""
    dice = random.Random(1)
    last = database.read().scalar(select(func.max(Movie.id)))
    for movie_id in sorted({*dice.sample(range(1, last), 450), *range(last - len(TITLES), last + 1)}):
        service.rate_movie(user_id, movie_id, dice.randint(1, 20), dice.randint(-3, 3) * 10**15)


def migrate(environment, url):
    """Copy an instance's SQLite database to the empty PostgreSQL database at `url`."""
    command = [sys.executable, "-m", "movierating", "migrate-database", url]
    subprocess.run(command, env=environment, capture_output=True, check=True)
