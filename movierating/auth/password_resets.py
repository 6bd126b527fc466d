"""Set a lost password, with a one-time link or by the operator."""

from sqlalchemy import Connection, select, update

from movierating import clock
from movierating.auth import one_time_links, passwords
from movierating.auth.models import User
from movierating.auth.service import revoke_all
from movierating.errors import NotFound
from movierating.storage.database import read, write

_user = User.__table__.c


def reset_password(token: str, password: str) -> None:
    """Set the password of the account of a one-time link, and revoke all its sessions, tokens and links.

    Raise Forbidden if the link is not valid, and InvalidRequest for a weak password, after which it is still valid.
    """
    account = one_time_links.find_password_reset(token)
    password_hash = passwords.hash_new_password(password, account.username, account.email or "")

    def job(connection: Connection) -> None:
        _set_password(connection, one_time_links.use_password_reset(connection, token), password_hash)

    write(job)


def set_password(user_id: int, password: str) -> None:
    """Set the password of an account without the old one, and revoke all its sessions, tokens and links.

    Raise NotFound, and InvalidRequest for a weak password.
    """
    account = read().execute(select(_user.username, _user.email).where(_user.id == user_id)).one_or_none()
    if account is None:
        raise NotFound("No such user.")
    password_hash = passwords.hash_new_password(password, account.username, account.email or "")
    write(lambda connection: _set_password(connection, user_id, password_hash))


def _set_password(connection: Connection, user_id: int, password_hash: str) -> None:
    values = {"password_hash": password_hash, "updated_at": clock.now()}
    connection.execute(update(User).where(_user.id == user_id).values(values))
    revoke_all(connection, user_id)
