"""Create and get accounts, and what `own_account` and `administration` share to change them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from movierating import clock, rating_stats
from movierating.auth import one_time_links, passwords
from movierating.auth.models import User
from movierating.auth.service import normalize_name
from movierating.errors import Conflict, NotFound, TokenRevoked
from movierating.monitoring import counters
from movierating.ratings.service import delete_all_ratings
from movierating.storage.database import read, write
from movierating.storage.dialect import violates_unique
from movierating.storage.statements import CompiledStatement

# How long a repeated sign-up logs in to the account. After that, it must not be a way to try the password.
REPEAT_SECONDS = 600

# Raises PreconditionFailed unless the account is the one that the caller expects.
AccountCheck = Callable[[dict[str, Any]], None]

_user = User.__table__.c
_PUBLIC = (_user.id, _user.username, _user.display_name, _user.created_at)
PRIVATE_COLUMNS = (*_PUBLIC, _user.email, _user.role, _user.active)
_AGGREGATES = tuple(rating_stats.get_aggregate_columns(User.__table__))
_PROFILE = CompiledStatement(
    select(*_PUBLIC, *_AGGREGATES).where(_user.id == bindparam("user"), _user.active)
)
_PROFILE_BY_KEY = CompiledStatement(
    select(*_PUBLIC, *_AGGREGATES).where(_user.username_key == bindparam("key"), _user.active)
)


def sign_up(
    username: str,
    email: str,
    password: str,
    display_name: str | None = None,
    role: str = "member",
    *,
    invitation: str | None = None,
) -> dict[str, Any]:
    """Create an account and return it as its owner sees it; `invitation` is the token of one, which is used up.

    Raise Forbidden for an invalid invitation, Conflict if the username or e-mail is taken, in any letter case, and
    InvalidRequest for a weak password. The invitation stays valid after an error.
    """
    if invitation is not None:
        one_time_links.require_invitation(invitation)
    row = {
        **_build_names(username, email, display_name),
        "password_hash": passwords.hash_new_password(password, username, email),
        "role": role,
    }
    user_id = write_unique(partial(_insert_account, row=row, invitation=invitation))
    counters.increment(counters.SIGN_UPS)
    return get_own_account(user_id)


def _insert_account(connection: Connection, row: Mapping[str, Any], invitation: str | None) -> Any:
    if invitation is not None:
        one_time_links.use_invitation(connection, invitation)
    now = clock.now()
    return connection.scalar(insert(User).values(**row, created_at=now, updated_at=now).returning(_user.id))


def was_just_created(username: str, email: str) -> bool:
    """Return True if there is an account with this username and e-mail that is at most REPEAT_SECONDS old."""
    has_names = (_user.username_key == normalize_name(username)) & (_user.email_key == normalize_name(email))
    first = clock.now() - REPEAT_SECONDS * clock.SECOND
    statement = select(_user.id).where(has_names, _user.created_at >= first)
    return read().execute(statement).first() is not None


def _build_names(username: str, email: str, display_name: str | None) -> dict[str, str]:
    return {
        "username": username,
        "username_key": normalize_name(username),
        "email": email,
        "email_key": normalize_name(email),
        "display_name": display_name or username,
    }


def write_unique(job: Any) -> Any:
    """Run a write that may set a username or e-mail. Raise Conflict if the database says that it is taken."""
    try:
        return write(job)
    except IntegrityError as error:
        if violates_unique(error, "username_key"):
            conflict = Conflict(
                "This username is taken.", kind="username-taken", conflict={"field": "username"}
            )
        else:
            conflict = Conflict("This e-mail is taken.", kind="email-taken", conflict={"field": "email"})
        raise conflict from error


def get_own_account(user_id: int, connection: Connection | None = None) -> dict[str, Any]:
    """Return the caller's account with e-mail, role and statistics. Raise Unauthenticated if it was deleted."""
    columns = (*PRIVATE_COLUMNS, _user.listed)
    statement = select(*columns, *_AGGREGATES).where(_user.id == user_id)
    row = (connection or read()).execute(statement).one_or_none()
    if row is None:
        raise TokenRevoked
    stats = rating_stats.format_stats(row[len(columns) :])
    return {**format_account(row), "listed": bool(row.listed), "ratings": stats}


def get_account(user_id: int) -> dict[str, Any]:
    """Return an account as admins see it. Raise NotFound."""
    row = read().execute(select(*PRIVATE_COLUMNS).where(_user.id == user_id)).one_or_none()
    return format_account(_require_row(row))


_NAMES = CompiledStatement(select(_user.username, _user.display_name).where(_user.id == bindparam("user")))


def get_names(user_id: int) -> dict[str, str]:
    """Return the username and the display name of an account. Raise NotFound."""
    username, display_name = _require_row(_NAMES.first(read(), user=user_id))
    return {"username": username, "display_name": display_name}


def get_profile(user_id: int) -> dict[str, Any]:
    """Return the public profile of an active account, without the e-mail. Raise NotFound."""
    return _format_profile(_require_row(_PROFILE.first(read(), user=user_id)))


def get_profile_by_username(username: str) -> dict[str, Any]:
    """Return the public profile of the active account with this username, in any letter case. Raise NotFound."""
    return _format_profile(_require_row(_PROFILE_BY_KEY.first(read(), key=normalize_name(username))))


def get_profile_of_any_account(user_id: int, connection: Connection | None = None) -> dict[str, Any]:
    """Return the profile of an account as if it were active. Raise NotFound."""
    statement = select(*_PUBLIC, *_AGGREGATES).where(_user.id == user_id)
    return _format_profile(_require_row((connection or read()).execute(statement).one_or_none()))


def _format_profile(row: Sequence[Any]) -> dict[str, Any]:
    return {**_format_public(row), "ratings": rating_stats.format_stats(row[len(_PUBLIC) :])}


def _require_row(row: Any) -> Any:
    if row is None:
        raise NotFound("No such user.")
    return row


def _format_public(row: Sequence[Any]) -> dict[str, Any]:
    user_id, username, display_name, created_at = row[: len(_PUBLIC)]
    names = {"id": user_id, "username": username, "display_name": display_name}
    return {**names, "created_at": clock.format_rfc3339(created_at)}


def format_account(row: Sequence[Any]) -> dict[str, Any]:
    """Return the fields of an account from a row that starts with its columns."""
    email, role, active = row[len(_PUBLIC) : len(PRIVATE_COLUMNS)]
    return {**_format_public(row), "email": email, "role": role, "active": bool(active)}


def set_columns(connection: Connection, user_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of an account, if there are any to change."""
    if values:
        connection.execute(update(User).where(_user.id == user_id).values(**values, updated_at=clock.now()))


def delete_with_ratings(connection: Connection, user_id: int) -> None:
    """Delete an account with its ratings, and update the aggregates. Raise Conflict if no active admin would remain."""
    check_admin_remains(connection, user_id)
    delete_all_ratings(connection, user_id)
    connection.execute(delete(User).where(_user.id == user_id))


def check_admin_remains(connection: Connection, user_id: int) -> None:
    """Raise Conflict if this account is the only active admin."""
    # An account without a password (an imported user) can't log in, so it is no admin either.
    is_admin = (_user.role == "admin") & _user.active & _user.password_hash.is_not(None)
    if connection.scalars(select(_user.id).where(is_admin).limit(2)).all() == [user_id]:
        raise Conflict(
            "No active admin would remain; make another account an admin first.", kind="last-admin"
        )


def find_user_id(username: str) -> int:
    """Return the id of the account with this username. Raise NotFound."""
    user_id = read().scalar(select(_user.id).where(_user.username_key == normalize_name(username)))
    if user_id is None:
        raise NotFound(f"No such user: {username!r}.")
    return int(user_id)
