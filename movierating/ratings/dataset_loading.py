"""A piece of a data set on its way into the database: accounts for its people, and their newest ratings.

Of a user's ratings of one movie the newest stays, and the highest of equally old ones, so nothing depends on the order
in which rows come or on how often they come.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any

from sqlalchemy import Connection, insert, select

from movierating import clock
from movierating.auth.models import User
from movierating.ratings.bulk_aggregates import Sums
from movierating.ratings.formats.movielens import RatingBatch
from movierating.ratings.formats.rows import BadRow
from movierating.storage.database import batched
from movierating.storage.dialect import advance_ids, get_last_id, in_many, to_driver_sql, values_query

_REASONS_KEPT = 50

_user = User.__table__.c

Key = tuple[int, int]
# A rating as it is compared with another of the same user and movie: `rated_at`, half points.
Given = tuple[int, int]
_NEVER: Given = (-1, 0)

_KEYS_A_STATEMENT = 500


@dataclass(slots=True)
class Report:
    """Counts of what an import did with the rows of its files.

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
        """Count a row that is rejected."""
        self.refused += 1
        if len(self.reasons) < _REASONS_KEPT:
            self.reasons.append(f"{row.file}:{row.line}: {row.reason}")

    def include(self, part: "Report") -> None:
        """Add the counts of a part of the import."""
        for count in fields(self)[:-1]:
            setattr(self, count.name, getattr(self, count.name) + getattr(part, count.name))
        self.reasons += part.reasons[: _REASONS_KEPT - len(self.reasons)]


def load_batch(
    connection: Connection, batch: RatingBatch, movie_ids: Mapping[int, int], report: Report, sums: Sums
) -> None:
    """Write a batch inside the caller's transaction; what it does is counted in `report` and collected in `sums`."""
    by_user, unmatched = _newest(batch, movie_ids)
    accounts, made = _accounts(connection, {user_id for user_id, _ in by_user})
    newest = {(accounts[user_id], movie_id): given for (user_id, movie_id), given in by_user.items()}
    # Accounts made just now have no ratings to compare with.
    old = _stored(connection, [key for key in newest if key[0] not in made])
    added = {key: given for key, given in newest.items() if key not in old}
    changed = {key: given for key, given in newest.items() if key in old and given > old[key]}
    _store(connection, added, changed)
    sums.subtract((*key, old[key][1]) for key in changed)
    sums.add((*key, value) for key, (_, value) in chain(added.items(), changed.items()))
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
    """Return the account of each of the data set's users, and which of them were just created."""
    keys = {f"ml-{source_id}": source_id for source_id in source_ids}
    chosen = select(_user.username_key, _user.id).where(in_many(_user.username_key, keys))
    found = {keys[key]: user_id for key, user_id in connection.execute(chosen)}
    missing = sorted(source_ids - found.keys())
    if not missing:
        return found, set()
    now, first = clock.now(), get_last_id(connection, User.__table__) + 1
    made = {source_id: user_id for user_id, source_id in enumerate(missing, first)}
    connection.execute(insert(User), [_account(source_id, made[source_id], now) for source_id in missing])
    advance_ids(connection, User.__table__, made[missing[-1]])
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
    "SELECT user_id, movie_id, rated_at, value FROM (values) AS pair"
    " JOIN rating ON user_id = column1 AND movie_id = column2"
)
_ADD = "INSERT INTO rating (user_id, movie_id, rated_at, value, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)"
_CHANGE = "UPDATE rating SET rated_at = ?, value = ?, updated_at = ? WHERE user_id = ? AND movie_id = ?"


def _stored(connection: Connection, keys: list[Key]) -> dict[Key, Given]:
    if not keys:
        return {}
    found = {}
    for chunk in batched(keys, _KEYS_A_STATEMENT):
        placeholders, parameters = values_query(connection, chunk)
        for row in connection.exec_driver_sql(_FIND.replace("(values)", f"({placeholders})"), parameters):
            found[row[0], row[1]] = (row[2], row[3])
    return found


def _store(connection: Connection, added: Mapping[Key, Given], changed: Mapping[Key, Given]) -> None:
    now = clock.now()
    if added:
        connection.exec_driver_sql(
            to_driver_sql(connection, _ADD), [(*key, *given, now, now) for key, given in added.items()]
        )
    if changed:
        connection.exec_driver_sql(
            to_driver_sql(connection, _CHANGE), [(*given, now, *key) for key, given in changed.items()]
        )
