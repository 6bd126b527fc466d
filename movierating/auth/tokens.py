"""Personal tokens: named, scoped credentials for scripts, of which only a hash is stored."""

import hashlib
import secrets
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from movierating import clock
from movierating.auth.models import PersonalToken, User
from movierating.auth.service import Caller, require_session
from movierating.errors import Conflict, InsufficientStorage, NotFound, Unavailable
from movierating.storage.database import read, write
from movierating.storage.dialect import lock_rows
from movierating.storage.pagination import Pages, Sort
from movierating.storage.statements import Prepared

PREFIX = "mr_"
MAX_TOKENS_PER_USER = 100

# Writing the time of each use would make a write of every read.
LAST_USED_INTERVAL_SECONDS = 60

_token, _user = PersonalToken.__table__.c, User.__table__.c
_SHOWN = (_token.id, _token.name, _token.scope, _token.created_at, _token.expires_at, _token.last_used_at)


_OF_USER = Pages(
    select(*_SHOWN).where(_token.user_id == bindparam("user")), Sort("tokens", (_token.id,), descending=False)
)


def create_token(
    user_id: int, session_id: str, name: str, scope: str, expires_at: int | None
) -> dict[str, Any]:
    """Make a token of 256 random bits; the answer holds it as `token`, the only time it is shown.

    Raises Conflict beyond MAX_TOKENS_PER_USER tokens, and Unauthenticated if the session has ended: a
    new password must not leave a token behind.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    row = {
        "name": name,
        "scope": scope,
        "created_at": clock.now(),
        "expires_at": expires_at,
        "last_used_at": None,
    }

    def job(connection: Connection) -> int:
        require_session(connection, session_id)
        lock_rows(connection, User.__table__, [user_id])
        held = select(_token.id).where(_token.user_id == user_id).limit(MAX_TOKENS_PER_USER)
        if len(connection.execute(held).all()) == MAX_TOKENS_PER_USER:
            raise Conflict(f"An account can hold {MAX_TOKENS_PER_USER} personal tokens.")
        statement = insert(PersonalToken).values(user_id=user_id, token_hash=_hash(secret), **row)
        return int(connection.execute(statement.returning(_token.id)).scalar_one())

    return {"id": write(job, ()), "token": secret, **row}


def list_tokens(user_id: int, cursor: str | None, limit: int) -> tuple[list[Any], str | None]:
    """A page of the account's tokens, oldest first, and the next cursor."""
    rows, next_cursor = _OF_USER.page(cursor, limit, user=user_id)
    return [
        {column.name: value for column, value in zip(_SHOWN, row, strict=False)} for row in rows
    ], next_cursor


def revoke_token(user_id: int, token_id: int) -> None:
    """End one of the account's tokens. Raises NotFound."""
    own = delete(PersonalToken).where(_token.id == token_id, _token.user_id == user_id)
    if not write(lambda connection: connection.execute(own).rowcount, ()):
        raise NotFound("You have no such token.")


_CALLER = Prepared(
    select(
        _token.id, _token.scope, _token.expires_at, _token.last_used_at, _user.id.label("user_id"), _user.role
    )
    .join(User, _user.id == _token.user_id)
    .where(_token.token_hash == bindparam("hash"), _user.active)
)


def find_token_caller(secret: str) -> Caller | None:
    """The caller a personal token stands for, or None; notes the use, to the minute."""
    now = clock.now()
    row = _CALLER.first(read(), hash=_hash(secret))
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    if row.last_used_at is None or row.last_used_at < now - LAST_USED_INTERVAL_SECONDS * clock.SECOND:
        used = update(PersonalToken).where(_token.id == row.id).values(last_used_at=now)
        # A full disk keeps nobody from reading.
        with suppress(InsufficientStorage, Unavailable):
            write(lambda connection: connection.execute(used), ())
    return Caller(row.user_id, row.role, None, row.scope)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
