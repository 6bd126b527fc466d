"""Notices of what a form has done, shown once, on the page that the form leads to.

A signed cookie carries a notice to the next page: an address would show it to anyone who opens it.
"""

import hashlib
from typing import NamedTuple

from flask import Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from movierating.http.response_cache import COOKIE_PREFIX

LIFETIME_SECONDS = 60
_COOKIE = f"{COOKIE_PREFIX}notice"


class Notice(NamedTuple):
    """The action, the id of its movie, and the former rating: its half points and its time. 0 stands for none."""

    kind: str
    movie_id: int = 0
    former_value: int = 0
    former_time: int = 0


def set_notice(response: Response, notice: Notice) -> None:
    """Let the response carry a notice for the viewer, or for a visitor."""
    value = _get_serializer().dumps([_get_viewer_id(), *notice])
    response.set_cookie(
        *(_get_name(), value, LIFETIME_SECONDS), secure=request.is_secure, httponly=True, samesite="Lax"
    )


def has_notice() -> bool:
    """Return True if the request has the cookie of a notice, even an invalid one."""
    return _get_name() in request.cookies


def find_notice(*kinds: str) -> Notice | None:
    """Return the notice of the request if it is for its viewer, and of one of these kinds; otherwise None."""
    try:
        viewer_id, *values = _get_serializer().loads(request.cookies.get(_get_name(), ""), LIFETIME_SECONDS)
    except BadSignature:
        return None
    notice = Notice(*values)
    return notice if viewer_id == _get_viewer_id() and notice.kind in kinds else None


def delete_notice(response: Response) -> None:
    """Delete the cookie, because the page has shown the notice."""
    response.delete_cookie(_get_name(), secure=request.is_secure, httponly=True, samesite="Lax")


def _get_viewer_id() -> int:
    """Return the id of the account that is logged in; 0 for a visitor."""
    viewer = g.get("viewer")
    return viewer.id if viewer is not None else 0


def _get_name() -> str:
    """Return the name of the cookie. Over HTTPS it has a prefix: only this host can set it, over HTTPS."""
    return f"__Host-{_COOKIE}" if request.is_secure else _COOKIE


def _get_serializer() -> URLSafeTimedSerializer:
    """Return the serializer, whose key is derived from SECRET_KEY, so that it signs nothing else."""
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    key = current_app.config["SECRET_KEY"]
    return URLSafeTimedSerializer(key, salt="movierating.pages.notices", signer_kwargs=options)
