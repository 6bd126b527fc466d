"""Rate limits by person and by account.

What names the person or account is read again for every request: Flask-Limiter keeps one list of limits for all
threads, so a limit that knows its person would count somebody else's requests.
"""

from typing import Any

import orjson
from flask import g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from movierating.auth.service import find_account_key, normalize_name
from movierating.errors import Unavailable
from movierating.http.extensions import limiter
from movierating.http.proxies import get_client_network

WRITES_PER_USER = "600 per minute"
LOGINS_PER_ADDRESS = "10 per minute"
LOGINS_PER_ACCOUNT = "5 per minute"
REFRESHES_PER_ADDRESS = "60 per minute"
REFRESHES_PER_ACCOUNT = "30 per minute"
REAUTHENTICATIONS_PER_USER = "5 per minute"
SIGN_UPS_PER_ADDRESS = "20 per hour"


def read_json_field(name: str) -> Any:
    """A field of the request's JSON body as it was sent, None where there is none. Never raises."""
    try:
        body = orjson.loads(request.get_data())
    except (orjson.JSONDecodeError, HTTPException, Unavailable):
        return None
    return body.get(name) if isinstance(body, dict) else None


# Flask-Limiter takes any exception of the functions below for a broken storage.


def _get_account_key() -> str:
    name = read_json_field("login")
    if not isinstance(name, str):
        return f"address:{get_client_network()}"
    try:
        return f"account:{find_account_key(name[:254])}"
    except SQLAlchemyError:
        return f"account:{normalize_name(name[:254])}"


def _get_user_key() -> str:
    return f"person:{g.caller.user_id}"


def _has_no_password() -> bool:
    return read_json_field("current_password") is None


limit_logins_per_account = limiter.limit(LOGINS_PER_ACCOUNT, key_func=_get_account_key)
limit_writes_per_user = limiter.shared_limit(
    WRITES_PER_USER, scope="writes", key_func=_get_user_key, methods=["POST", "PUT", "PATCH", "DELETE"]
)
# Who holds a stolen access token must not find out the password with it.
limit_reauthentications_per_user = limiter.shared_limit(
    REAUTHENTICATIONS_PER_USER, scope="current_password", key_func=_get_user_key, exempt_when=_has_no_password
)
