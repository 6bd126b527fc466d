"""Store a fingerprint of the secret key in the database, to detect a lost key, and hosts that use different keys.

It is stored in the name of a row of the table of data migrations, behind _PREFIX.
"""

from hashlib import blake2b

from sqlalchemy import Connection, delete, insert, select

from movierating import clock
from movierating.movies.models import DataMigration
from movierating.storage.database import read, write

_name = DataMigration.__table__.c.name
_PREFIX = "signed with "


def record_key(secret_key: str) -> bool:
    """Record the key's fingerprint. Return True if another key was recorded before."""
    fingerprint = _PREFIX + blake2b(secret_key.encode(), person=b"movierating", digest_size=12).hexdigest()

    def job(connection: Connection) -> bool:
        recorded = _list_fingerprints(connection)
        connection.execute(delete(DataMigration).where(_name.in_(recorded)))
        connection.execute(insert(DataMigration).values(name=fingerprint, applied_at=clock.now()))
        return bool(recorded - {fingerprint})

    # An ordinary start does not wait for other writers.
    return _list_fingerprints(read()) != {fingerprint} and write(job)


def _list_fingerprints(connection: Connection) -> set[str]:
    return set(connection.scalars(select(_name).where(_name.startswith(_PREFIX))))
