"""Logins, sessions and who a token stands for."""

import secrets
import unicodedata
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Connection, Engine, bindparam, delete, insert, select, update

from movierating import clock
from movierating.auth import passwords
from movierating.auth.models import PersonalToken, Session, User
from movierating.errors import Unauthenticated
from movierating.monitoring import counters
from movierating.storage.cache_versions import CALLER
from movierating.storage.database import read, version, write
from movierating.storage.statements import Prepared

REFRESH_TOKEN_SECONDS = 30 * 24 * 3600

# Two tabs may both send the same refresh token; only one that comes back later tells of a thief.
REUSE_GRACE_SECONDS = 10

_NO_MATCH = "No account has this name and password."

_user, _session = User.__table__.c, Session.__table__.c


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request. `session_id` is None for a personal token; `scope` is `read` or `write`."""

    user_id: int
    role: str
    session_id: str | None
    scope: str


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """A session as a pair of its tokens states it, issued at a time in microseconds."""

    user_id: int
    session_id: str
    generation: int
    issued_at: int


def normalize_name(text: str) -> str:
    """The form in which usernames and e-mails are unique: NFKC, case folded, trimmed."""
    return unicodedata.normalize("NFKC", text.strip()).casefold()


def _named(name: str) -> Any:
    column = _user.email_key if "@" in name else _user.username_key
    wanted = select(_user.id, _user.username_key, _user.password_hash, _user.active)
    return read().execute(wanted.where(column == normalize_name(name))).one_or_none()


def find_account_key(name: str) -> str:
    """One text for all names by which somebody may log in to an account; for no account's, the name's own key."""
    account = _named(name)
    return account.username_key if account else normalize_name(name)


def login(name: str, password: str) -> TokenGrant:
    """Open a session for the account with this username or e-mail.

    Raises Unauthenticated in the same words and at the same cost whatever does not fit.
    """
    account = _named(name)
    stored = account.password_hash if account else None
    matches = passwords.verify_password(stored, password)
    if account is None or stored is None or not matches or not account.active:
        counters.increment(counters.FAILED_LOGINS)
        raise Unauthenticated(_NO_MATCH)
    risen = passwords.hash_password(password) if passwords.needs_rehash(stored) else None
    return write(
        lambda connection: _open_session(connection, account.id, stored, risen), [(CALLER, account.id)]
    )


def _open_session(connection: Connection, user_id: int, verified: str, risen: str | None) -> TokenGrant:
    # The password may have been changed, or the account closed, while it was being verified.
    current = (_user.id == user_id) & (_user.password_hash == verified) & _user.active
    if connection.execute(select(_user.id).where(current)).one_or_none() is None:
        raise Unauthenticated(_NO_MATCH)
    if risen is not None:
        connection.execute(update(User).where(current).values(password_hash=risen))
    now = clock.now()
    connection.execute(delete(Session).where(_session.expires_at < now))
    grant = TokenGrant(user_id, secrets.token_urlsafe(16), 1, now)
    row = {"created_at": now, "rotated_at": now, "expires_at": now + REFRESH_TOKEN_SECONDS * clock.SECOND}
    connection.execute(insert(Session).values(id=grant.session_id, user_id=user_id, **row))
    return grant


def refresh(spent: TokenGrant) -> TokenGrant:
    """Spend a refresh token for the next one of its session.

    Raises Unauthenticated if it was spent before; more than 10 s after that, the whole session ends as well.
    """
    grant = write(lambda connection: _rotate(connection, spent), [(CALLER, spent.user_id)])
    if grant is None:
        raise Unauthenticated("This refresh token is no longer good.")
    return grant


def _rotate(connection: Connection, spent: TokenGrant) -> TokenGrant | None:
    now = clock.now()
    own = (_session.id == spent.session_id) & (_session.user_id == spent.user_id)
    active = select(_user.active).where(_user.id == spent.user_id).scalar_subquery()
    fresh = connection.execute(
        update(Session)
        .where(own, _session.generation == spent.generation, _session.expires_at > now, active)
        .values(
            generation=spent.generation + 1,
            rotated_at=now,
            expires_at=now + REFRESH_TOKEN_SECONDS * clock.SECOND,
        )
    )
    if fresh.rowcount:
        return TokenGrant(spent.user_id, spent.session_id, spent.generation + 1, now)
    _end_if_stolen(connection, own, spent, now - REUSE_GRACE_SECONDS * clock.SECOND)
    return None


def _end_if_stolen(
    connection: Connection, own: ColumnElement[bool], spent: TokenGrant, grace_began_at: int
) -> None:
    long_ago = _session.rotated_at < grace_began_at
    if spent.issued_at < grace_began_at:
        # Only the last rotation's time is kept. What was issued and spent twice over inside the grace is forgiven.
        long_ago |= _session.generation > spent.generation + 1
    connection.execute(delete(Session).where(own, long_ago))


_CALLER = Prepared(
    select(_user.role, _session.expires_at)
    .join(Session, _session.user_id == _user.id)
    .where(
        _session.id == bindparam("session"),
        _user.id == bindparam("user"),
        _user.active,
        _session.expires_at > bindparam("now"),
    )
)


def find_session_caller(user_id: int, session_id: str) -> Caller | None:
    """The caller whom an access token names, or None if the session has ended or the account is not active.

    A write of another program takes effect within `database.MAX_STALE_SECONDS`.
    """
    connection = read()
    known = _callers.setdefault(connection.engine, {})
    # Read before the session is, and so no newer.
    stamp = version(connection.engine, (CALLER, user_id))
    found, now = known.get((user_id, session_id)), clock.now()
    if found is not None and found.stamp == stamp and found.expires_at > now:
        return found.caller
    row = _CALLER.first(connection, session=session_id, user=user_id, now=now)
    if row is None:
        return None
    caller = Caller(user_id, row.role, session_id, "write")
    if stamp is not None:
        if len(known) >= _MOST_CALLERS:
            known.clear()
        known[user_id, session_id] = _Known(stamp, caller, row.expires_at)
    return caller


class _Known(NamedTuple):
    """A caller, who is one until the session's end as long as the stamp is the same."""

    stamp: Hashable
    caller: Caller
    expires_at: int


_MOST_CALLERS = 4096
_callers: WeakKeyDictionary[Engine, dict[tuple[int, str], _Known]] = WeakKeyDictionary()


def end_session(user_id: int, session_id: str) -> None:
    """End one session of a user: its access and refresh tokens stop working at once."""
    own = (_session.id == session_id) & (_session.user_id == user_id)
    write(lambda connection: connection.execute(delete(Session).where(own)), [(CALLER, user_id)])


def require_session(connection: Connection, session_id: str) -> None:
    """Inside a write transaction: nothing ended the session since the request began. Raises Unauthenticated."""
    if connection.execute(select(_session.id).where(_session.id == session_id)).first() is None:
        raise Unauthenticated("The session has ended.")


def revoke_all(connection: Connection, user_id: int) -> None:
    """End all sessions and personal tokens of an account, inside the caller's transaction."""
    connection.execute(delete(Session).where(_session.user_id == user_id))
    connection.execute(delete(PersonalToken).where(PersonalToken.__table__.c.user_id == user_id))


def would_remove_last_admin(connection: Connection, user_id: int) -> bool:
    """Whether no active admin would be left without this account."""
    # One without a password (an imported rater) can't sign in, so it can't administer either.
    admins = connection.scalars(
        select(_user.id).where(_user.role == "admin", _user.active, _user.password_hash.is_not(None)).limit(2)
    ).all()
    return list(admins) == [user_id]
