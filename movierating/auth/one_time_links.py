"""One-time links: invitations to sign up, and links to set a new password.

Each has a token of 256 random bits, of which only the hash is stored. Using a link deletes its row inside the
transaction of what it allows, so of two concurrent uses one succeeds, and a failed one leaves the link valid.
"""

import secrets
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select

from movierating import clock
from movierating.auth.models import OneTimeLink, User
from movierating.auth.tokens import hash_token
from movierating.errors import Forbidden, NotFound, TokenRevoked
from movierating.storage.database import read, write
from movierating.storage.dialect import lock_rows
from movierating.storage.pagination import KeysetPaginator, Sort

INVITATION_SECONDS = 7 * 24 * 3600
PASSWORD_RESET_SECONDS = 24 * 3600

# The pages that the links lead to.
INVITATION_PATH, PASSWORD_RESET_PATH = "/invite/", "/reset/"

_INVALID_INVITATION = "The invitation was used, was withdrawn or has expired; ask an admin for another one."
_INVALID_RESET = (
    "The link was used, was replaced or has expired. If you have just set a password with it, log in; "
    "otherwise ask an admin for another one."
)

_link, _user = OneTimeLink.__table__.c, User.__table__.c
# A link is valid while the admin who created it is an active admin.
_ADMINS = select(_user.id).where(_user.role == "admin", _user.active)
_IS_VALID = (_link.expires_at > bindparam("now")) & or_(
    _link.creator_id.is_(None), _link.creator_id.in_(_ADMINS)
)
_IS_INVITATION = _link.user_id.is_(None)
_INVITATIONS = KeysetPaginator(
    select(_link.id, _link.created_at, _link.expires_at, _user.username.label("created_by"))
    .join_from(OneTimeLink, User, _user.id == _link.creator_id, isouter=True)
    .where(_IS_INVITATION, _IS_VALID),
    Sort("invitations", (_link.id,), descending=False),
)


def create_invitation(creator_id: int | None) -> dict[str, Any]:
    """Create an invitation and return its columns, its creator's name and its `token`; see `_create_link`."""
    return _create_link(creator_id, None, INVITATION_SECONDS)


def create_password_reset(creator_id: int | None, user_id: int) -> dict[str, Any]:
    """Create a link to set the password of an account, as `create_invitation`; the earlier one becomes invalid."""
    return _create_link(creator_id, user_id, PASSWORD_RESET_SECONDS)


def _create_link(creator_id: int | None, user_id: int | None, lifetime_seconds: int) -> dict[str, Any]:
    """Insert a link, and delete expired ones. `creator_id` is None for a command of the operator.

    Raise NotFound if there is no such user, and Unauthenticated if the creator was deleted.
    """
    token, now = secrets.token_urlsafe(32), clock.now()
    times = {"created_at": now, "expires_at": now + lifetime_seconds * clock.SECOND}
    row = {"token_hash": hash_token(token), "user_id": user_id, "creator_id": creator_id, **times}

    def insert_link(connection: Connection) -> tuple[int, str | None]:
        """Insert the link, and return its id and the creator's username."""
        lock_rows(connection, User.__table__, {creator_id, user_id} - {None})  # type: ignore[arg-type]
        creator = _find_username(connection, creator_id)
        if creator_id is not None and creator is None:
            raise TokenRevoked
        if user_id is not None and _find_username(connection, user_id) is None:
            raise NotFound("No such user.")
        connection.execute(delete(OneTimeLink).where(_link.expires_at <= now))
        if user_id is not None:
            connection.execute(delete(OneTimeLink).where(_link.user_id == user_id))
        inserted = insert(OneTimeLink).values(row).returning(_link.id)
        return connection.execute(inserted).scalar_one(), creator

    link_id, creator = write(insert_link, ())
    return {"id": link_id, "token": token, "created_by": creator, **times}


def _find_username(connection: Connection, user_id: int | None) -> str | None:
    return connection.scalar(select(_user.username).where(_user.id == user_id))


def list_invitations(cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of the open invitations, oldest first and without their tokens, and the next cursor."""
    rows, next_cursor = _INVITATIONS.page(cursor, limit, now=clock.now())
    names = ("id", "created_at", "expires_at", "created_by")
    return [dict(zip(names, row, strict=False)) for row in rows], next_cursor


def withdraw_invitation(link_id: int) -> None:
    """Delete an open invitation. Raise NotFound."""
    link = delete(OneTimeLink).where(_link.id == link_id, _IS_INVITATION, _IS_VALID)
    if not write(lambda connection: connection.execute(link, {"now": clock.now()}).rowcount, ()):
        raise NotFound(f"There is no open invitation {link_id}.")


def withdraw_password_reset(user_id: int) -> None:
    """Delete the open link to set the password of an account. Raise NotFound."""
    link = delete(OneTimeLink).where(_link.user_id == user_id, _IS_VALID)
    if not write(lambda connection: connection.execute(link, {"now": clock.now()}).rowcount, ()):
        raise NotFound("There is no open link to set a new password of this account.")


def require_invitation(token: str) -> None:
    """Raise Forbidden if an invitation is not valid."""
    valid = select(_link.id).where(_link.token_hash == hash_token(token), _IS_INVITATION, _IS_VALID)
    if read().execute(valid, {"now": clock.now()}).first() is None:
        raise Forbidden(_INVALID_INVITATION, kind="invitation-invalid")


def use_invitation(connection: Connection, token: str) -> None:
    """Delete a valid invitation, inside the caller's transaction. Raise Forbidden if it is not valid."""
    used = delete(OneTimeLink).where(_link.token_hash == hash_token(token), _IS_INVITATION, _IS_VALID)
    if not connection.execute(used, {"now": clock.now()}).rowcount:
        raise Forbidden(_INVALID_INVITATION, kind="invitation-invalid")


def find_password_reset(token: str) -> Any:
    """Return the `username` and `email` of the account that a valid link resets. Raise Forbidden."""
    account = select(_user.username, _user.email).join(OneTimeLink, _link.user_id == _user.id)
    valid = account.where(_link.token_hash == hash_token(token), _IS_VALID)
    row = read().execute(valid, {"now": clock.now()}).first()
    if row is None:
        raise Forbidden(_INVALID_RESET, kind="password-reset-invalid")
    return row


def use_password_reset(connection: Connection, token: str) -> int:
    """Delete a valid link, inside the caller's transaction, and return the id of its account. Raise Forbidden."""
    link = (_link.token_hash == hash_token(token)) & _link.user_id.is_not(None) & _IS_VALID
    used = delete(OneTimeLink).where(link).returning(_link.user_id)
    user_id = connection.scalar(used, {"now": clock.now()})
    if user_id is None:
        raise Forbidden(_INVALID_RESET, kind="password-reset-invalid")
    return int(user_id)
