"""Whether the hosts of one database sign with one key: a fingerprint of the last that was used lies in the database."""

from hashlib import blake2b

from sqlalchemy import Connection, delete, insert, select

from movierating import clock
from movierating.movies.models import DataMigration
from movierating.storage.database import write

_name = DataMigration.__table__.c.name
_FINGERPRINT = "signed with "


def record_key(secret_key: str) -> bool:
    """Whether another key was used with this database before; from now on it is this one."""
    own = _FINGERPRINT + blake2b(secret_key.encode(), person=b"movierating", digest_size=12).hexdigest()

    def job(connection: Connection) -> bool:
        known = set(connection.scalars(select(_name).where(_name.startswith(_FINGERPRINT))))
        if known != {own}:
            connection.execute(delete(DataMigration).where(_name.in_(known)))
            connection.execute(insert(DataMigration).values(name=own, reached_at=clock.now()))
        return bool(known - {own})

    return write(job)
