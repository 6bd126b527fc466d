"""Log in, refresh and end sessions, and find the caller of an access token."""

import functools
import secrets
import unicodedata
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from movierating import clock
from movierating.auth import passwords
from movierating.auth.models import OneTimeLink, PersonalToken, Session, User
from movierating.errors import TokenRevoked, Unauthenticated
from movierating.monitoring import counters
from movierating.storage.cache_versions import CALLER
from movierating.storage.database import get_version, read, write
from movierating.storage.statements import CompiledStatement

REFRESH_TOKEN_SECONDS = 30 * 24 * 3600
_SESSION_LIFETIME = REFRESH_TOKEN_SECONDS * clock.SECOND

# A page waits until its session is prolonged, which can be done later.
PROLONGING_TIMEOUT_SECONDS = 0.2

# Beyond it, a login ends the session that was refreshed longest ago.
MAX_SESSIONS_PER_USER = 100

# Two tabs may send the same refresh token at once; one that is sent again later has been stolen.
REUSE_GRACE_SECONDS = 10

_WRONG_LOGIN = "No account has this name and password."

_user, _session = User.__table__.c, Session.__table__.c


@dataclass(frozen=True, slots=True)
class Caller:
    """The user who makes a request. `session_id` is None for a personal token; `scope` is `read` or `write`."""

    user_id: int
    role: str
    session_id: str | None
    scope: str


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """A session as its pair of tokens states it; `issued_at` is in microseconds."""

    user_id: int
    session_id: str
    generation: int
    issued_at: int


def normalize_name(text: str) -> str:
    """Return the form in which usernames and e-mails are unique: NFKC, case-folded, trimmed."""
    return unicodedata.normalize("NFKC", text.strip()).casefold()


def _find_account(name: str) -> Any:
    column = _user.email_key if "@" in name else _user.username_key
    account = select(_user.id, _user.username_key, _user.password_hash, _user.active)
    return read().execute(account.where(column == normalize_name(name))).one_or_none()


def find_account_key(name: str) -> str:
    """Return one key for the username and the e-mail of an account, or the normalized name if there is none."""
    account = _find_account(name)
    return account.username_key if account else normalize_name(name)


def login(name: str, password: str, lifetime_seconds: int = REFRESH_TOKEN_SECONDS) -> TokenGrant:
    """Open a session for the account with this username or e-mail.

    Raise Unauthenticated, with the same message and at the same cost for every reason.
    """
    account = _find_account(name)
    password_hash = account.password_hash if account else None
    matches = passwords.verify_password(password_hash, password)
    if account is None or password_hash is None or not matches or not account.active:
        counters.increment(counters.FAILED_LOGINS)
        raise Unauthenticated(_WRONG_LOGIN)
    new_hash = passwords.hash_password(password) if passwords.needs_rehash(password_hash) else None
    return write(
        lambda connection: _open_session(connection, account.id, password_hash, new_hash, lifetime_seconds),
        [(CALLER, account.id)],
    )


def _open_session(
    connection: Connection, user_id: int, verified_hash: str, new_hash: str | None, lifetime_seconds: int
) -> TokenGrant:
    # The password may have changed, or the account been deactivated, during the verification.
    account = (_user.id == user_id) & (_user.password_hash == verified_hash) & _user.active
    if connection.execute(select(_user.id).where(account)).one_or_none() is None:
        raise Unauthenticated(_WRONG_LOGIN)
    if new_hash is not None:
        connection.execute(update(User).where(account).values(password_hash=new_hash))
    now = clock.now()
    connection.execute(delete(Session).where(_session.expires_at < now))
    others = select(_session.id).where(_session.user_id == user_id).order_by(_session.rotated_at.desc())
    extra = _session.id.in_(others.offset(MAX_SESSIONS_PER_USER - 1))
    connection.execute(delete(Session).where(extra))
    grant = TokenGrant(user_id, secrets.token_urlsafe(16), 1, now)
    row = {"created_at": now, "rotated_at": now, "expires_at": now + lifetime_seconds * clock.SECOND}
    connection.execute(insert(Session).values(id=grant.session_id, user_id=user_id, **row))
    return grant


def refresh(spent: TokenGrant) -> TokenGrant:
    """Exchange the grant of a refresh token for the session's next one.

    Raise Unauthenticated if the token was used before. More than REUSE_GRACE_SECONDS later, also end the session.
    """
    grant = write(lambda connection: _rotate(connection, spent), [(CALLER, spent.user_id)])
    if grant is None:
        raise TokenRevoked
    return grant


def _rotate(connection: Connection, spent: TokenGrant) -> TokenGrant | None:
    now = clock.now()
    session = (_session.id == spent.session_id) & (_session.user_id == spent.user_id)
    active = select(_user.active).where(_user.id == spent.user_id).scalar_subquery()
    rotated = connection.execute(
        update(Session)
        .where(session, _session.generation == spent.generation, _session.expires_at > now, active)
        .values(generation=spent.generation + 1, rotated_at=now, expires_at=now + _SESSION_LIFETIME)
    )
    if rotated.rowcount:
        return TokenGrant(spent.user_id, spent.session_id, spent.generation + 1, now)
    _end_if_stolen(connection, session, spent, now - REUSE_GRACE_SECONDS * clock.SECOND)
    return None


def _end_if_stolen(
    connection: Connection, session: ColumnElement[bool], spent: TokenGrant, grace_began_at: int
) -> None:
    reused_late = _session.rotated_at < grace_began_at
    if spent.issued_at < grace_began_at:
        # The row has the time of the last rotation only. A token that is two rotations old may have been issued and
        # used within the grace period; then it does not count as stolen.
        reused_late |= _session.generation > spent.generation + 1
    connection.execute(delete(Session).where(session, reused_late))


_SESSION_CALLER = CompiledStatement(
    select(_user.role)
    .join(Session, _session.user_id == _user.id)
    .where(
        _session.id == bindparam("session"),
        _user.id == bindparam("user"),
        _user.active,
        _session.expires_at > bindparam("now"),
    )
)


def find_session_caller(user_id: int, session_id: str) -> Caller:
    """Return the caller of an access token. Raise Unauthenticated if the session has ended or the account is inactive.

    The expiry of a session and a write of another program take effect within `database.MAX_STALE_SECONDS`.
    """
    # The version is read before the row, so the row is at least as new as its version.
    version = get_version((CALLER, user_id))
    load = _load_caller.__wrapped__ if version is None else _load_caller
    return load(user_id, session_id, version)


@functools.lru_cache(4096)
def _load_caller(user_id: int, session_id: str, _version: Hashable) -> Caller:
    row = _SESSION_CALLER.first(read(), session=session_id, user=user_id, now=clock.now())
    if row is None:
        raise TokenRevoked
    return Caller(user_id, row.role, session_id, "write")


def prolong_session(user_id: int, session_id: str, lifetime_seconds: int) -> None:
    """Let an open session last for this time from now on. Raise Unavailable after PROLONGING_TIMEOUT_SECONDS."""
    now = clock.now()
    session = (_session.id == session_id) & (_session.user_id == user_id) & (_session.expires_at > now)
    values = {"rotated_at": now, "expires_at": now + lifetime_seconds * clock.SECOND}
    write(
        lambda connection: connection.execute(update(Session).where(session).values(values)),
        (),
        timeout_seconds=PROLONGING_TIMEOUT_SECONDS,
    )


def end_session(user_id: int, session_id: str) -> None:
    """End one session of a user: its access and refresh tokens are rejected from now on."""
    session = (_session.id == session_id) & (_session.user_id == user_id)
    write(lambda connection: connection.execute(delete(Session).where(session)), [(CALLER, user_id)])


def end_all_sessions(user_id: int) -> None:
    """End all sessions of a user. Personal tokens stay valid."""
    sessions = delete(Session).where(_session.user_id == user_id)
    write(lambda connection: connection.execute(sessions), [(CALLER, user_id)])


def require_open_session(connection: Connection, session_id: str) -> None:
    """Raise Unauthenticated, inside a write transaction, if the session ended since the request began."""
    if connection.execute(select(_session.id).where(_session.id == session_id)).first() is None:
        raise TokenRevoked


def revoke_all(connection: Connection, user_id: int) -> None:
    """End all sessions and revoke all tokens and password resets of an account, inside the caller's transaction."""
    connection.execute(delete(Session).where(_session.user_id == user_id))
    connection.execute(delete(PersonalToken).where(PersonalToken.__table__.c.user_id == user_id))
    connection.execute(delete(OneTimeLink).where(OneTimeLink.__table__.c.user_id == user_id))
