"""Verify the current password of an account before a change that needs it."""

from sqlalchemy import Connection, select

from movierating.auth import passwords
from movierating.auth.models import User
from movierating.errors import Forbidden, TokenRevoked, invalid_field
from movierating.storage.database import read

_user = User.__table__.c


def verify_current_password(user_id: int, password: str | None) -> str:
    """Return the hash of the account's password.

    Raise InvalidRequest for no password, Forbidden for a wrong one, Unauthenticated if the account was deleted.
    """
    if password is None:
        raise invalid_field("json", "current_password", "Missing data for required field.")
    password_hash = _read_password_hash(read(), user_id)
    if not passwords.verify_password(password_hash, password) or password_hash is None:
        raise Forbidden("The current password is wrong.", kind="wrong-password")
    return password_hash


def check_password_unchanged(connection: Connection, user_id: int, verified_hash: str) -> None:
    """Raise Forbidden if the password changed since it was verified, Unauthenticated if the account was deleted."""
    if _read_password_hash(connection, user_id) != verified_hash:
        raise Forbidden("The current password is wrong.", kind="wrong-password")


def _read_password_hash(connection: Connection, user_id: int) -> str | None:
    row = connection.execute(select(_user.password_hash).where(_user.id == user_id)).one_or_none()
    if row is None:
        raise TokenRevoked
    password_hash: str | None = row.password_hash
    return password_hash
