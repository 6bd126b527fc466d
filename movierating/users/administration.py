"""List, change and delete accounts as an administrator."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from movierating.auth.models import User
from movierating.auth.service import normalize_name, revoke_all
from movierating.storage.database import write
from movierating.storage.pagination import KeysetPaginator, Sort
from movierating.users.service import (
    PRIVATE_COLUMNS,
    AccountCheck,
    check_admin_remains,
    delete_with_ratings,
    format_account,
    get_account,
    get_profile_of_any_account,
    set_columns,
)

_user = User.__table__.c


def list_accounts(q: str | None, cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of the accounts whose username or e-mail starts with `q`, oldest first, and the next cursor."""
    if q:
        key = normalize_name(q)
        rows, next_cursor = _ACCOUNTS_BY_PREFIX.page(
            cursor, limit, filters={"q": key}, first=key, last=key + "\U0010ffff"
        )
    else:
        rows, next_cursor = _ALL_ACCOUNTS.page(cursor, limit)
    return [format_account(row) for row in rows], next_cursor


_OLDEST_FIRST = Sort("accounts", (_user.id,), descending=False)
# PostgreSQL's BETWEEN takes no operands with a collation.
_STARTS_WITH = [
    (key >= bindparam("first")) & (key <= bindparam("last")) for key in (_user.username_key, _user.email_key)
]
_ALL_ACCOUNTS = KeysetPaginator(select(*PRIVATE_COLUMNS), _OLDEST_FIRST)
_ACCOUNTS_BY_PREFIX = KeysetPaginator(select(*PRIVATE_COLUMNS).where(or_(*_STARTS_WITH)), _OLDEST_FIRST)


def update_account(
    user_id: int, changes: Mapping[str, Any], check: AccountCheck | None = None
) -> dict[str, Any]:
    """Change `role` or `active` of an account. Deactivation revokes all sessions and personal tokens.

    `check` gets the profile and may raise. Raise NotFound, and Conflict if no active admin would remain.
    """

    def job(connection: Connection) -> None:
        """Check the account as it is now, and change it."""
        profile = get_profile_of_any_account(user_id, connection)
        if check is not None:
            check(profile)
        if changes.get("role") == "member" or changes.get("active") is False:
            check_admin_remains(connection, user_id)
        set_columns(connection, user_id, changes)
        if changes.get("active") is False:
            revoke_all(connection, user_id)

    write(job)
    return get_account(user_id)


def delete_account(user_id: int) -> None:
    """Delete an account and its ratings, and update the aggregates. Does not require the account's password.

    Raise NotFound, and Conflict if no active admin would remain.
    """

    def job(connection: Connection) -> None:
        get_profile_of_any_account(user_id, connection)
        delete_with_ratings(connection, user_id)

    write(job)
