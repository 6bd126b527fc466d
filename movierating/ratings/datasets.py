"""Data sets of many people's ratings, loaded so that they can be loaded again.

The movies are matched or added in one transaction. The ratings follow in chunks, each with the accounts and the sums
that go with it in its own transaction: a run that is killed leaves everything exact, and the next one goes on. Of a
user's ratings of one movie the newest stays, and the highest of equally old ones, so nothing depends on the order in
which rows come or on how often they come.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from movierating import times
from movierating.auth.models import User
from movierating.database import among, newest_id, write
from movierating.movies.matching import AmbiguousError, Catalogue
from movierating.movies.models import Movie
from movierating.movies.titles import fold
from movierating.ratings.aggregates import Sums
from movierating.ratings.formats.movielens import Dataset, MovieRow, RatingBatch
from movierating.ratings.formats.tables import BadRow

# Others who write wait for one chunk at most; smaller ones would move the sums of the same movies more often.
CHUNK_ROWS = 50_000
_REASONS_KEPT = 50

_movie, _user = Movie.__table__.c, User.__table__.c

Key = tuple[int, int]
# A rating as it is compared with another of the same user and movie: `rated_at`, half points.
Given = tuple[int, int]
_NEVER: Given = (-1, 0)


@dataclass(slots=True)
class Report:
    """What an import did with the rows of its files.

    `unchanged` ratings were there, or are older than what was there; `unmatched` ones are of movies that were refused
    or are not listed. `refused` counts the rows that were not taken; `reasons` has a line for each of the first.
    """

    movies_added: int = 0
    movies_present: int = 0
    users_added: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    unmatched: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)

    def refuse(self, row: BadRow) -> None:
        """Count a row that is not taken."""
        self.refused += 1
        if len(self.reasons) < _REASONS_KEPT:
            self.reasons.append(f"{row.file}:{row.line}: {row.reason}")

    def include(self, part: "Report") -> None:
        """Count what a part of the import did."""
        for count in fields(self)[:-1]:
            setattr(self, count.name, getattr(self, count.name) + getattr(part, count.name))
        self.reasons += part.reasons[: _REASONS_KEPT - len(self.reasons)]


def import_movielens(dataset: Dataset, progress: Callable[[int], None]) -> Report:
    """Load a data set; its users become accounts `ml-<id>` that can't sign in. A second run changes nothing.

    `created_at` and `updated_at` are the time of loading. `progress` is told how many bytes of the ratings file are
    done. An OSError of the files ends the import; what is loaded by then stays.
    """
    report, movie_ids = write(lambda connection: _match(connection, dataset))
    for chunk in _chunks(dataset.ratings()):
        report.include(write(partial(_load, chunk=chunk, movie_ids=movie_ids)))
        progress(chunk[-1].bytes_read)
    return report


def _match(connection: Connection, dataset: Dataset) -> tuple[Report, dict[int, int]]:
    """The movies that are meant by the data set's ids.

    The rows are gone through until they change nothing, for one may complete or add what another fits; so each means
    the same movie in the next run.
    """
    catalogue, newest = Catalogue(connection), newest_id(connection, Movie.__table__)
    changes = None
    while changes != catalogue.changes:
        changes = catalogue.changes
        report, found = Report(), dict[int, int]()
        for row in dataset.movies():
            refusal = row if isinstance(row, BadRow) else _match_row(catalogue, dataset, row, found)
            if refusal:
                report.refuse(refusal)
    catalogue.flush()
    movies = set(found.values())
    report.movies_added = sum(movie_id > newest for movie_id in movies)
    report.movies_present = len(movies) - report.movies_added
    return report, found


def _match_row(catalogue: Catalogue, dataset: Dataset, row: MovieRow, found: dict[int, int]) -> BadRow | None:
    """Find or add a row's movie and note its id, or say why not."""
    file, titles = dataset.movie_table.path.name, (row.title, row.alternative_title)
    if row.source_id in found:
        return BadRow(file, row.line, f"the movie id {row.source_id} is listed before")
    if (row.year, row.imdb_id, row.tmdb_id) == (None, None, None) and fold(row.title) == "unknown":
        return BadRow(file, row.line, "nothing is known of the movie")
    try:
        movie_id = catalogue.find_and_complete(row.imdb_id, row.tmdb_id, titles, row.year)
    except AmbiguousError as error:
        return BadRow(file, row.line, f"{row.title}: {error}")
    found[row.source_id] = catalogue.add(_facts(row)) if movie_id is None else movie_id
    return None


def _facts(row: MovieRow) -> dict[str, Any]:
    return {
        "title": row.title,
        "original_title": row.alternative_title,
        "year": row.year,
        "genres": row.genres,
        "imdb_id": row.imdb_id,
        "tmdb_id": row.tmdb_id,
    }


def _chunks(batches: Iterable[RatingBatch]) -> Iterator[list[RatingBatch]]:
    chunk: list[RatingBatch] = []
    for batch in batches:
        chunk.append(batch)
        if sum(len(batch.lines) + len(batch.bad) for batch in chunk) >= CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _load(connection: Connection, chunk: list[RatingBatch], movie_ids: Mapping[int, int]) -> Report:
    """Write a chunk's ratings, the accounts that they need, and the sums; the report is of this chunk alone."""
    report, sums = Report(), Sums()
    movie_ids = _still_there(connection, chunk, movie_ids)
    for batch in chunk:
        _load_batch(connection, batch, movie_ids, report, sums)
    sums.write(connection)
    return report


def _still_there(
    connection: Connection, chunk: list[RatingBatch], movie_ids: Mapping[int, int]
) -> dict[int, int]:
    """The chunk's part of `movie_ids`, without the movies that an admin has removed since they were matched."""
    wanted = movie_ids.keys() & set().union(*(batch.movie_ids for batch in chunk))
    ours = {movie_ids[source_id] for source_id in wanted}
    there = set(connection.scalars(select(_movie.id).where(among(_movie.id, ours))))
    return {source_id: movie_ids[source_id] for source_id in wanted if movie_ids[source_id] in there}


def _load_batch(
    connection: Connection, batch: RatingBatch, movie_ids: Mapping[int, int], report: Report, sums: Sums
) -> None:
    by_user, unmatched = _newest(batch, movie_ids)
    accounts, made = _accounts(connection, {user_id for user_id, _ in by_user})
    newest = {(accounts[user_id], movie_id): given for (user_id, movie_id), given in by_user.items()}
    # Accounts made just now have no ratings to compare with.
    old = _stored(connection, [key for key in newest if key[0] not in made])
    added = {key: given for key, given in newest.items() if key not in old}
    changed = {key: given for key, given in newest.items() if key in old and given > old[key]}
    _store(connection, added, changed)
    sums.take_out((*key, old[key][1]) for key in changed)
    sums.put_in((*key, value) for key, (_, value) in chain(added.items(), changed.items()))
    report.users_added += len(made)
    report.added += len(added)
    report.changed += len(changed)
    report.unmatched += unmatched
    report.unchanged += len(batch.lines) - unmatched - len(added) - len(changed)
    for row in batch.bad:
        report.refuse(row)


def _newest(batch: RatingBatch, movie_ids: Mapping[int, int]) -> tuple[dict[Key, Given], int]:
    """Each user's newest rating of each movie, by the data set's id and ours; and how many are of no movie."""
    newest: dict[Key, Given] = {}
    unmatched = 0
    given = zip(batch.rated_at, batch.half_points, strict=True)
    for user_id, source_id, rating in zip(batch.user_ids, batch.movie_ids, given, strict=True):
        movie_id = movie_ids.get(source_id)
        if movie_id is None:
            unmatched += 1
        elif rating > newest.get((user_id, movie_id), _NEVER):
            newest[user_id, movie_id] = rating
    return newest, unmatched


def _accounts(connection: Connection, source_ids: set[int]) -> tuple[dict[int, int], set[int]]:
    """The account of each of the data set's users, and which of them were made just now."""
    keys = {f"ml-{source_id}": source_id for source_id in source_ids}
    chosen = select(_user.username_key, _user.id).where(among(_user.username_key, keys))
    found = {keys[key]: user_id for key, user_id in connection.execute(chosen)}
    missing = sorted(source_ids - found.keys())
    if not missing:
        return found, set()
    now, first = times.now(), newest_id(connection, User.__table__) + 1
    made = {source_id: user_id for user_id, source_id in enumerate(missing, first)}
    connection.execute(insert(User), [_account(source_id, made[source_id], now) for source_id in missing])
    return found | made, set(made.values())


def _account(source_id: int, user_id: int, now: int) -> dict[str, Any]:
    name = f"ml-{source_id}"
    return {
        "id": user_id,
        "username": name,
        "username_key": name,
        "display_name": f"MovieLens user {source_id}",
        "created_at": now,
        "updated_at": now,
    }


# Text for the driver: Core's own work for a row's parameters would take longer than the database's for the row.
_FIND = (
    "SELECT user_id, movie_id, rated_at, rating.value FROM json_each(?) AS pair JOIN rating"
    " ON user_id = json_extract(pair.value, '$[0]') AND movie_id = json_extract(pair.value, '$[1]')"
)
_ADD = "INSERT INTO rating (user_id, movie_id, rated_at, value, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)"
_CHANGE = "UPDATE rating SET rated_at = ?, value = ?, updated_at = ? WHERE user_id = ? AND movie_id = ?"


def _stored(connection: Connection, keys: list[Key]) -> dict[Key, Given]:
    if not keys:
        return {}
    rows = connection.exec_driver_sql(_FIND, (orjson.dumps(keys).decode(),))
    return {(user_id, movie_id): (rated_at, value) for user_id, movie_id, rated_at, value in rows}


def _store(connection: Connection, added: Mapping[Key, Given], changed: Mapping[Key, Given]) -> None:
    now = times.now()
    if added:
        connection.exec_driver_sql(_ADD, [(*key, *given, now, now) for key, given in added.items()])
    if changed:
        connection.exec_driver_sql(_CHANGE, [(*given, now, *key) for key, given in changed.items()])
