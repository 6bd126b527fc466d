"""The session of a browser: a signed cookie that names a row of the table `session`.

The cookie opens no operation of the API, and a bearer token opens no page.
"""

import hashlib
from contextlib import suppress
from typing import NamedTuple

from flask import Response, current_app
from itsdangerous import BadSignature, TimestampSigner

from movierating import clock
from movierating.auth import service
from movierating.auth.service import Caller, TokenGrant
from movierating.errors import InsufficientStorage, Unauthenticated, Unavailable
from movierating.pages import cookies
from movierating.ratings import stored_files

_COOKIE = "session"
STAY_SECONDS = 30 * 24 * 3600
VISIT_SECONDS = 12 * 3600
# A session that stays is prolonged at most once in this time.
RENEWAL_SECONDS = 24 * 3600


class _Cookie(NamedTuple):
    """The content of the cookie: user, session, True if it outlives the browser, and when it was signed (seconds)."""

    user_id: int
    session_id: str
    stays: bool
    signed_at: float


def open_session(name: str, password: str, stays: bool) -> TokenGrant:
    """Open a session for the account with this username or e-mail, and end the one that the browser had.

    `service.login` also deletes expired sessions, and this function expired files. Raise Unauthenticated.
    """
    grant = service.login(name, password, STAY_SECONDS if stays else VISIT_SECONDS)
    end_session()
    stored_files.purge_expired()
    return grant


def end_session() -> None:
    """End the session of the request's cookie, if there is one."""
    if (cookie := _read_cookie()) is not None:
        service.end_session(cookie.user_id, cookie.session_id)


def find_caller() -> Caller | None:
    """Return the caller that the request's cookie names; None without a cookie, or if its session has ended."""
    cookie = _read_cookie()
    try:
        return service.find_session_caller(cookie.user_id, cookie.session_id) if cookie else None
    except Unauthenticated:
        return None


def set_cookie(response: Response, user_id: int, session_id: str, stays: bool) -> None:
    """Set the cookie of a session; one that does not stay ends with the browser, and after 12 hours at the latest."""
    value = _get_signer().sign(f"{user_id}.{session_id}.{int(stays)}").decode()
    cookies.set_cookie(response, _COOKIE, value, STAY_SECONDS if stays else None)


def delete_cookie(response: Response) -> None:
    """Delete the cookie."""
    cookies.delete_cookie(response, _COOKIE)


def prolong(response: Response) -> None:
    """Prolong a session that stays, and its cookie, if the cookie is older than a day.

    If it can't be stored, the next request tries again: neither a full disk nor a busy database must stop a page.
    """
    cookie = _read_cookie()
    if cookie is None or not cookie.stays:
        return
    if cookie.signed_at + RENEWAL_SECONDS < clock.now() / clock.SECOND:
        with suppress(InsufficientStorage, Unavailable):
            service.prolong_session(cookie.user_id, cookie.session_id, STAY_SECONDS)
            set_cookie(response, cookie.user_id, cookie.session_id, True)


def _read_cookie() -> _Cookie | None:
    try:
        text, signed_at = _get_signer().unsign(cookies.read_cookie(_COOKIE), return_timestamp=True)
    except BadSignature:
        return None
    user_id, session_id, stays = text.decode().split(".")
    return _Cookie(int(user_id), session_id, stays == "1", signed_at.timestamp())


def _get_signer() -> TimestampSigner:
    """Return the signer, whose key is derived from SECRET_KEY, so that it signs nothing else."""
    key = current_app.config["SECRET_KEY"]
    return TimestampSigner(
        key, salt="movierating.pages.session", key_derivation="hmac", digest_method=hashlib.sha256
    )
