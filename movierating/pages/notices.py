"""Notices of what a form has done, shown once, on the page that the form leads to.

A signed cookie carries a notice to the next page: an address would show it to anyone who opens it.
"""

import hashlib
from typing import NamedTuple

from flask import Response, current_app, g
from itsdangerous import BadSignature, URLSafeTimedSerializer

from movierating.pages import cookies

LIFETIME_SECONDS = 60
_COOKIE = "notice"


class Notice(NamedTuple):
    """The action, the id of its movie, and the former rating: its half points and its time. 0 stands for none."""

    kind: str
    movie_id: int = 0
    former_value: int = 0
    former_time: int = 0


def set_notice(response: Response, notice: Notice) -> None:
    """Let the response carry a notice for the viewer, or for a visitor."""
    value = _get_serializer().dumps([_get_viewer_id(), *notice])
    cookies.set_cookie(response, _COOKIE, str(value), LIFETIME_SECONDS)


def has_notice() -> bool:
    """Return True if the request has the cookie of a notice, even an invalid one."""
    return cookies.has_cookie(_COOKIE)


def find_notice(*kinds: str) -> Notice | None:
    """Return the notice of the request if it is for its viewer, and of one of these kinds; otherwise None."""
    try:
        viewer_id, *values = _get_serializer().loads(cookies.read_cookie(_COOKIE), LIFETIME_SECONDS)
    except BadSignature:
        return None
    notice = Notice(*values)
    return notice if viewer_id == _get_viewer_id() and notice.kind in kinds else None


def delete_notice(response: Response) -> None:
    """Delete the cookie, because the page has shown the notice."""
    cookies.delete_cookie(response, _COOKIE)


def _get_viewer_id() -> int:
    """Return the id of the account that is logged in; 0 for a visitor."""
    viewer = g.get("viewer")
    return viewer.id if viewer is not None else 0


def _get_serializer() -> URLSafeTimedSerializer:
    """Return the serializer, whose key is derived from SECRET_KEY, so that it signs nothing else."""
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    key = current_app.config["SECRET_KEY"]
    return URLSafeTimedSerializer(key, salt="movierating.pages.notices", signer_kwargs=options)
