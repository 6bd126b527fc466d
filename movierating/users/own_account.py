"""Change and delete an account as its owner; `administration` does so for an administrator."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from movierating.auth import passwords
from movierating.auth.models import User
from movierating.auth.service import normalize_name, revoke_all
from movierating.errors import Forbidden, TokenRevoked, invalid_field
from movierating.storage.database import read, write
from movierating.users.service import (
    AccountCheck,
    delete_with_ratings,
    get_own_account,
    set_columns,
    write_unique,
)

_user = User.__table__.c


def update_own_account(
    user_id: int, changes: Mapping[str, Any], check: AccountCheck | None = None
) -> dict[str, Any]:
    """Change `display_name`, `listed`, `email` or `password`; the last two need `current_password`.

    A new password revokes all sessions and personal tokens. `check` gets the old account and may raise. Raise
    InvalidRequest without the current password, Forbidden for a wrong one, Conflict if the e-mail is taken,
    Unauthenticated if the account was deleted or its password changed meanwhile.
    """
    verified_hash = None
    if "email" in changes or "password" in changes:
        verified_hash = _verify_password(user_id, changes.get("current_password"))
    values = _build_columns(user_id, changes)

    def job(connection: Connection) -> None:
        """Check the account as it is now, and change it."""
        if verified_hash is not None:
            _check_password_unchanged(connection, user_id, verified_hash)
        if check is not None:
            check(get_own_account(user_id, connection))
        set_columns(connection, user_id, values)
        if "password" in changes:
            revoke_all(connection, user_id)

    write_unique(job)
    return get_own_account(user_id)


def _build_columns(user_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns to update.

    Raise InvalidRequest for a weak password, and Unauthenticated if the account was deleted.
    """
    values = {name: changes[name] for name in ("display_name", "email", "listed") if name in changes}
    if "email" in values:
        values["email_key"] = normalize_name(values["email"])
    if "password" in changes:
        account = get_own_account(user_id)
        email = values.get("email") or account["email"] or ""
        values["password_hash"] = passwords.hash_new_password(changes["password"], account["username"], email)
    return values


def delete_own_account(user_id: int, current_password: str, check: AccountCheck | None = None) -> None:
    """Delete an account with its ratings, and update the aggregates. `check` gets the account and may raise.

    Raise Forbidden for a wrong password, Conflict if no active admin would remain, and Unauthenticated if the account
    was deleted or its password changed meanwhile.
    """
    verified_hash = _verify_password(user_id, current_password)

    def job(connection: Connection) -> None:
        _check_password_unchanged(connection, user_id, verified_hash)
        if check is not None:
            check(get_own_account(user_id, connection))
        delete_with_ratings(connection, user_id)

    write(job)


def _verify_password(user_id: int, password: str | None) -> str:
    """Return the hash of the account's password.

    Raise InvalidRequest for no password, Forbidden for a wrong one, Unauthenticated if the account was deleted.
    """
    if password is None:
        raise invalid_field("json", "current_password", "Missing data for required field.")
    password_hash = _read_password_hash(read(), user_id)
    if not passwords.verify_password(password_hash, password) or password_hash is None:
        raise Forbidden("The current password is wrong.", kind="wrong-password")
    return password_hash


def _check_password_unchanged(connection: Connection, user_id: int, verified_hash: str) -> None:
    """Raise Unauthenticated if the password changed since it was verified, or if the account was deleted."""
    if _read_password_hash(connection, user_id) != verified_hash:
        # The change ended the caller's session.
        raise TokenRevoked


def _read_password_hash(connection: Connection, user_id: int) -> str | None:
    row = connection.execute(select(_user.password_hash).where(_user.id == user_id)).one_or_none()
    if row is None:
        raise TokenRevoked
    password_hash: str | None = row.password_hash
    return password_hash
