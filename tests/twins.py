"""A service on each database with the same data, which is asked the same."""

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
# What differs between any two answers.
THEIR_OWN = {"date", "x-request-id"}
REQUEST_ID, MOMENT = re.compile(rb'"request_id":"[^"]+"'), re.compile(rb'"20[2-9]\d-[\d-]+T[\d:.]+Z"')

# Titles that fold to the same or to nothing, that sort by their marks, and that hold what databases have a meaning for.
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
        """What both answer: status, headers, body."""
        first, second = (_ask(each, method, path, body, headers) for each in (self.sqlite, self.postgresql))
        assert first == second, (method, path)
        return first

    def signed(self, name):
        return {"Authorization": f"Bearer {self.token[name]}"}

    def pages(self, path, most=6, **headers):
        """Ask for a list page by page; the number of pages. A page is asked for by the cursor that both gave."""
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
    answer = connection.getresponse()
    kept = sorted((name.lower(), value) for name, value in answer.getheaders())
    content = REQUEST_ID.sub(b"", answer.read())
    if method != "GET":
        # Each wrote at a moment of its own.
        content, kept = MOMENT.sub(b"", content), [pair for pair in kept if pair[0] != "etag"]
    return answer.status, [pair for pair in kept if pair[0] not in THEIR_OWN], content


def fill(app, folder):
    """MovieLens, the strange titles, and people; the tokens of an admin and of a member who rated much."""
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
            answer = app.test_client().post("/v1/auth/login", json={"login": name, "password": PASSWORD})
            tokens[name] = answer.json["access_token"]
        database.close()
    return tokens


def _rate_as(app, name):
    """Half a thousand ratings, many at one moment, by who is not of the data set."""
    user_id, dice = users.find_user_id(name), random.Random(1)
    last = database.read().scalar(select(func.max(db.metadata.tables["movie"].c.id)))
    for movie_id in sorted({*dice.sample(range(1, last), 450), *range(last - len(TITLES), last + 1)}):
        service.rate_movie(user_id, movie_id, dice.randint(1, 20), dice.randint(-3, 3) * 10**15)


def copy(source, target):
    """All rows of one application's database into another's, which is migrated and empty."""
    tables = [*db.metadata.sorted_tables, MOVIE_SEARCH]
    with source.app_context():
        stored = {}
        for table in tables:
            columns = [column for column in table.c if getattr(column, "computed", None) is None]
            rows = database.read().execute(select(*columns))
            stored[table.name] = [row._asdict() for row in rows]
        number = dialect.kept_number(database.read())
        database.close()
    with target.app_context():
        upgrade()

        def job(connection):
            for table in tables:
                if stored[table.name]:
                    connection.execute(insert(table), stored[table.name])
                if getattr(table, "kwargs", {}).get("sqlite_autoincrement") and stored[table.name]:
                    dialect.took_ids(connection, table, max(row["id"] for row in stored[table.name]))
            dialect.keep_number(connection, number)

        database.write(job)
        # As autovacuum would have done by now.
        database.read().execute(text("ANALYZE"))
        database.close()
