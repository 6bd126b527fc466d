"""Write a batch of a data set: accounts for its users, and the newest of their ratings.

Of a user's ratings of one movie the newest is stored, and the highest of equally old ones. So the result does not
depend on the order in which rows come, or on how often they come.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection, insert, select

from movierating import clock
from movierating.auth.models import User
from movierating.movies.import_counts import ImportCounts
from movierating.ratings.bulk import upsert_ratings
from movierating.ratings.bulk_aggregates import AggregateDeltas, execute_values
from movierating.ratings.formats.movielens import RatingBatch
from movierating.ratings.formats.rows import RejectedRow
from movierating.storage.dialect import advance_ids, get_last_id, in_many

_user = User.__table__.c

# A user and a movie.
Key = tuple[int, int]
# A rating in the order in which ratings of one key compare: `rated_at`, half points.
DatedValue = tuple[int, int]
_NEVER: DatedValue = (-1, 0)


@dataclass(slots=True)
class DatasetReport(ImportCounts):
    """Counts of the rows of a data set's files.

    `unchanged` ratings were there, or are older than what was there; `unmatched` ones are of movies that were rejected
    or are not listed.
    """

    movies_added: int = 0
    movies_present: int = 0
    users_added: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    unmatched: int = 0

    def reject_row(self, row: RejectedRow) -> None:
        """Count an invalid row."""
        self.reject(f"{row.file}:{row.line}", row.reason)


def load_batch(
    connection: Connection,
    batch: RatingBatch,
    movie_ids: Mapping[int, int],
    report: DatasetReport,
    deltas: AggregateDeltas,
) -> None:
    """Write a batch inside the caller's transaction; count its rows in `report` and collect its changes in `deltas`."""
    by_source, unmatched = _select_newest(batch, movie_ids)
    user_ids, created = _get_or_create_accounts(connection, {source_id for source_id, _ in by_source})
    newest = {(user_ids[source_id], movie_id): new for (source_id, movie_id), new in by_source.items()}
    # New accounts have no ratings to compare with.
    stored = _read_stored(connection, [key for key in newest if key[0] not in created])
    changed = {key: new for key, new in newest.items() if key not in stored or new > stored[key]}
    replaced = changed.keys() & stored.keys()
    now = clock.now()
    upsert_ratings(connection, [(*key, value, rated_at, now) for key, (rated_at, value) in changed.items()])
    deltas.subtract((*key, stored[key][1]) for key in replaced)
    deltas.add((*key, value) for key, (_, value) in changed.items())
    report.users_added += len(created)
    report.added += len(changed) - len(replaced)
    report.changed += len(replaced)
    report.unmatched += unmatched
    report.unchanged += len(batch.lines) - unmatched - len(changed)
    for row in batch.rejected:
        report.reject_row(row)


def _select_newest(batch: RatingBatch, movie_ids: Mapping[int, int]) -> tuple[dict[Key, DatedValue], int]:
    """Return each user's newest rating of each movie, and how many rows are of no movie.

    The keys have the data set's id of the user and our id of the movie.
    """
    newest: dict[Key, DatedValue] = {}
    unmatched = 0
    ratings = zip(batch.rated_at, batch.half_points, strict=True)
    for user_id, source_id, rating in zip(batch.user_ids, batch.movie_ids, ratings, strict=True):
        movie_id = movie_ids.get(source_id)
        if movie_id is None:
            unmatched += 1
        elif rating > newest.get((user_id, movie_id), _NEVER):
            newest[user_id, movie_id] = rating
    return newest, unmatched


def _get_or_create_accounts(connection: Connection, source_ids: set[int]) -> tuple[dict[int, int], set[int]]:
    """Return the account id of each of the data set's users, and the ids that were just created."""
    keys = {f"ml-{source_id}": source_id for source_id in source_ids}
    accounts = select(_user.username_key, _user.id).where(in_many(_user.username_key, keys))
    user_ids = {keys[key]: user_id for key, user_id in connection.execute(accounts)}
    missing = sorted(source_ids - user_ids.keys())
    if not missing:
        return user_ids, set()
    now, first = clock.now(), get_last_id(connection, User.__table__) + 1
    created = {source_id: user_id for user_id, source_id in enumerate(missing, first)}
    connection.execute(
        insert(User), [_make_account(source_id, user_id, now) for source_id, user_id in created.items()]
    )
    advance_ids(connection, User.__table__, created[missing[-1]])
    return user_ids | created, set(created.values())


def _make_account(source_id: int, user_id: int, now: int) -> dict[str, Any]:
    username = f"ml-{source_id}"
    account = {"id": user_id, "username": username, "username_key": username}
    return {**account, "display_name": f"MovieLens user {source_id}", "created_at": now, "updated_at": now}


# Text for the driver: Core's own work for a row's parameters would take longer than the database's for the row.
_SELECT_STORED = (
    "SELECT user_id, movie_id, rated_at, value FROM (values) AS pair"
    " JOIN rating ON user_id = column1 AND movie_id = column2"
)


def _read_stored(connection: Connection, keys: list[Key]) -> dict[Key, DatedValue]:
    results = execute_values(connection, _SELECT_STORED, keys)
    rows = chain.from_iterable(map(tuple, result) for result in results)
    return {(user_id, movie_id): (rated_at, value) for user_id, movie_id, rated_at, value in rows}
