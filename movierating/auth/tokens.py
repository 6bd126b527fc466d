"""Personal tokens: named credentials for scripts with a scope, stored as hashes."""

import hashlib
import re
import secrets
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from movierating import clock
from movierating.auth.models import PersonalToken, User
from movierating.auth.service import Caller, require_open_session
from movierating.errors import (
    Conflict,
    InsufficientStorage,
    NotFound,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
    Unavailable,
)
from movierating.storage.database import read, write
from movierating.storage.dialect import lock_rows
from movierating.storage.pagination import KeysetPaginator, Sort
from movierating.storage.statements import CompiledStatement

PREFIX = "mr_"
_FORMAT = re.compile(r"mr_[\w-]{43}", re.ASCII)
MAX_TOKENS_PER_USER = 100

# Without an interval, every read with a token would also be a write.
LAST_USED_INTERVAL_SECONDS = 60
# The request waits for the record, which is of less use than its response.
LAST_USED_TIMEOUT_SECONDS = 0.2

_token, _user = PersonalToken.__table__.c, User.__table__.c
_COLUMNS = (_token.id, _token.name, _token.scope, _token.created_at, _token.expires_at, _token.last_used_at)
_BY_USER = KeysetPaginator(
    select(*_COLUMNS).where(_token.user_id == bindparam("user")),
    Sort("tokens", (_token.id,), descending=False),
)


def create_token(
    user_id: int, session_id: str | None, name: str, scope: str, expires_at: int | None
) -> dict[str, Any]:
    """Create a token of 256 random bits and return its columns with the secret as `token`.

    Raise Conflict beyond MAX_TOKENS_PER_USER tokens. Raise Unauthenticated if the session has ended: a new password
    revokes all tokens, and none may be created after it. The operator needs no session (None) but an active account:
    raise Conflict if it is deactivated, NotFound if there is none.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    row = {"name": name, "scope": scope, "created_at": clock.now(), "expires_at": expires_at}

    def insert_token(connection: Connection) -> int:
        """Insert the token, and return its id."""
        if session_id is not None:
            require_open_session(connection, session_id)
        lock_rows(connection, User.__table__, [user_id])
        if session_id is None:
            _require_active_account(connection, user_id)
        existing = select(_token.id).where(_token.user_id == user_id).limit(MAX_TOKENS_PER_USER)
        if len(connection.execute(existing).all()) == MAX_TOKENS_PER_USER:
            raise Conflict(
                f"An account can have {MAX_TOKENS_PER_USER} personal tokens; revoke one first.",
                kind="too-many-tokens",
            )
        statement = insert(PersonalToken).values(user_id=user_id, token_hash=hash_token(secret), **row)
        return int(connection.execute(statement.returning(_token.id)).scalar_one())

    return {"id": write(insert_token, ()), "token": secret, "last_used_at": None, **row}


def _require_active_account(connection: Connection, user_id: int) -> None:
    is_active = connection.scalar(select(_user.active).where(_user.id == user_id))
    if is_active is None:
        raise NotFound("No such user.")
    if not is_active:
        raise Conflict("The account is deactivated; activate it first.")


def list_tokens(user_id: int, cursor: str | None, limit: int) -> tuple[list[Any], str | None]:
    """Return a page of the account's tokens, oldest first, and the next cursor."""
    rows, next_cursor = _BY_USER.page(cursor, limit, user=user_id)
    names = [column.name for column in _COLUMNS]
    return [dict(zip(names, row, strict=False)) for row in rows], next_cursor


def revoke_token(user_id: int, token_id: int) -> None:
    """Revoke one of the account's tokens. Raise NotFound."""
    token = delete(PersonalToken).where(_token.id == token_id, _token.user_id == user_id)
    if not write(lambda connection: connection.execute(token).rowcount, ()):
        raise NotFound("You have no such token.")


_TOKEN_CALLER = CompiledStatement(
    select(
        _token.id, _token.scope, _token.expires_at, _token.last_used_at, _user.id.label("user_id"), _user.role
    )
    .join(User, _user.id == _token.user_id)
    .where(_token.token_hash == bindparam("hash"), _user.active)
)


def find_token_caller(secret: str) -> Caller:
    """Return the caller of a personal token, and record its use. Raise Unauthenticated."""
    now = clock.now()
    row = _TOKEN_CALLER.first(read(), hash=hash_token(secret))
    if row is None:
        raise TokenRevoked if _FORMAT.fullmatch(secret) else TokenInvalid
    if row.expires_at is not None and row.expires_at <= now:
        raise TokenExpired
    if row.last_used_at is None or row.last_used_at < now - LAST_USED_INTERVAL_SECONDS * clock.SECOND:
        used = update(PersonalToken).where(_token.id == row.id).values(last_used_at=now)
        # Neither a full disk nor a program that holds the lock must stop reads.
        with suppress(InsufficientStorage, Unavailable):
            write(lambda connection: connection.execute(used), (), timeout_seconds=LAST_USED_TIMEOUT_SECONDS)
    return Caller(row.user_id, row.role, None, row.scope)


def hash_token(secret: str) -> str:
    """Return the SHA-256 of a random token in hexadecimal: the form in which tokens are stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
