"""A service on each database with the same data, to which tests send the same requests."""

import http.client
import random
import re
from dataclasses import dataclass
from urllib.parse import quote

import orjson
from flask_migrate import upgrade
from sqlalchemy import func, insert, select, text

from movierating.movies import service as movies
from movierating.movies.search_index import MOVIE_SEARCH
from movierating.ratings import datasets, service
from movierating.ratings.formats import movielens
from movierating.storage import database, dialect
from movierating.storage.database import db
from movierating.users import service as users

PASSWORD = "correct horse battery"
# Headers that differ between any two responses.
VARYING_HEADERS = {"date", "x-request-id"}
REQUEST_ID, MOMENT = re.compile(rb'"request_id":"[^"]+"'), re.compile(rb'"20[2-9]\d-[\d-]+T[\d:.]+Z"')

# Titles that fold to the same text or to nothing, differ by accents only, or contain special characters of SQL.
TITLES = [
    "Zebra", "zebra II", "Ähre", "Ahre II", "Ångström", "Œuvre", "Ærø", "straße", "Strasse II", "ﬁn", "Fin II",
    "!", "?!", "...", "'", '"', "''", "%", "_", "100%", "a_b", "\\", "\\\\n", ";--", "$1", ":name", "?", "NULL", "0",
    "-1", "1e3", "½", "²", "Ⅷ", "İstanbul", "ıI", "東京物語", "東京", "Москва слезам не верит", "МОСКВА", "Ελλάδα",  # noqa: RUF001
    "한국", "한국 영화", "🎬", "🎬🎬", "e\u0301tude", "\u00e9tude II", "O'Brien", "o\u2019brien II", "AND", "OR NOT",
    "NEAR(a b)", "star*", "(star)", "star:*", "!star", "a & b", "a | b", "<->", "L.A.", "la", "Spider-Man", "spiderman",
]  # fmt: skip


@dataclass
class Twins:
    """A service on each database, with the same data and key."""

    sqlite: http.client.HTTPConnection
    postgresql: http.client.HTTPConnection
    token: dict[str, str]

    def ask(self, path, method="GET", body=None, **headers):
        """Send a request to both, assert that the responses are equal, and return status, headers and body."""
        first, second = (_ask(each, method, path, body, headers) for each in (self.sqlite, self.postgresql))
        assert first == second, (method, path)
        return first

    def signed(self, name):
        return {"Authorization": f"Bearer {self.token[name]}"}

    def pages(self, path, most=6, **headers):
        """Read up to `most` pages of a list with the cursors of both; return the number of pages."""
        cursor = ""
        for asked in range(1, most + 1):  # noqa: B007
            status, _, body = self.ask(path + cursor, **headers)
            following = orjson.loads(body)["next_cursor"] if status == 200 else None
            if following is None:
                break
            cursor = f"{'&' if '?' in path else '?'}cursor={quote(following)}"
        return asked


def _ask(connection, method, path, body, headers):
    data = body if isinstance(body, bytes | None) else orjson.dumps(body)
    if data is not None:
        headers = {"Content-Type": "application/json", **headers}
    connection.request(method, path, data, headers)
    response = connection.getresponse()
    kept = sorted((name.lower(), value) for name, value in response.getheaders())
    content = REQUEST_ID.sub(b"", response.read())
    if method != "GET":
        # The two services wrote at different times.
        content, kept = MOMENT.sub(b"", content), [pair for pair in kept if pair[0] != "etag"]
    return response.status, [pair for pair in kept if pair[0] not in VARYING_HEADERS], content


def fill(app, folder):
    """Add MovieLens, unusual titles and people; return the tokens of an admin and of a member with many ratings."""
    tokens = {}
    with app.app_context():
        datasets.import_movielens(movielens.open_folder(folder), lambda _done: None)
        for number, title in enumerate(TITLES):
            facts = {"title": title, "year": 1990 + number % 3, "directors": [title], "genres": ["Drama"]}
            movies.create_movie({**facts, "original_title": TITLES[-number]} if number % 2 else facts)
        for name in ("ada", "Żółw", "zoe", "Ada-2", "boss"):
            role = "admin" if name == "boss" else "member"
            users.sign_up(name, f"{name}@example.org", PASSWORD, f"{name} 🎬", role)
        _rate_as(app, "ada")
        for name in ("ada", "boss"):
            response = app.test_client().post("/v1/auth/login", json={"login": name, "password": PASSWORD})
            tokens[name] = response.json["access_token"]
        database.close()
    return tokens


def _rate_as(app, name):
    """Add 500 ratings of a person outside the data set, many of them at the same time."""
    user_id, dice = users.find_user_id(name), random.Random(1)
    last = database.read().scalar(select(func.max(db.metadata.tables["movie"].c.id)))
    for movie_id in sorted({*dice.sample(range(1, last), 450), *range(last - len(TITLES), last + 1)}):
        service.rate_movie(user_id, movie_id, dice.randint(1, 20), dice.randint(-3, 3) * 10**15)


def copy(source, target):
    """Migrate the empty database of `target` and copy all rows of `source` to it."""
    tables = [*db.metadata.sorted_tables, MOVIE_SEARCH]
    with source.app_context():
        stored = {}
        for table in tables:
            columns = [column for column in table.c if getattr(column, "computed", None) is None]
            rows = database.read().execute(select(*columns))
            stored[table.name] = [row._asdict() for row in rows]
        number = dialect.get_user_version(database.read())
        database.close()
    with target.app_context():
        upgrade()

        def job(connection):
            for table in tables:
                if stored[table.name]:
                    connection.execute(insert(table), stored[table.name])
                if getattr(table, "kwargs", {}).get("sqlite_autoincrement") and stored[table.name]:
                    dialect.advance_ids(connection, table, max(row["id"] for row in stored[table.name]))
            dialect.set_user_version(connection, number)

        database.write(job)
        # Autovacuum would do this later.
        database.read().execute(text("ANALYZE"))
        database.close()
