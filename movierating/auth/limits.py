"""Rate limits per address and account, and of passwords that a user tries; `access` limits a user's writes.

The key functions read the user or account from the current request: Flask-Limiter shares its limits between all
threads, so a limit must not hold a user of its own.
"""

from typing import Any

import orjson
from flask import request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from movierating.auth.access import get_user_key
from movierating.auth.service import find_account_key, normalize_name
from movierating.errors import Unavailable
from movierating.http.extensions import limiter
from movierating.http.proxies import get_client_network

LOGINS_PER_ADDRESS = "10 per minute"
LOGINS_PER_ACCOUNT = "5 per minute"
REFRESHES_PER_ADDRESS = "60 per minute"
REFRESHES_PER_ACCOUNT = "30 per minute"
REAUTHENTICATIONS_PER_USER = "5 per minute"
SIGN_UPS_PER_ADDRESS = "20 per hour"


def read_json_field(name: str) -> Any:
    """Return a field of the request's JSON body before validation, or None. Never raises."""
    try:
        body = orjson.loads(request.get_data())
    except (orjson.JSONDecodeError, HTTPException, Unavailable):
        return None
    return body.get(name) if isinstance(body, dict) else None


# Flask-Limiter treats any exception of the functions below as a failure of its storage.


def _get_account_key() -> str:
    name = read_json_field("login")
    if not isinstance(name, str):
        return f"address:{get_client_network()}"
    try:
        return f"account:{find_account_key(name[:254])}"
    except SQLAlchemyError:
        return f"account:{normalize_name(name[:254])}"


limit_logins_per_account = limiter.limit(LOGINS_PER_ACCOUNT, key_func=_get_account_key)
# A stolen access token must not help to guess the password.
limit_reauthentications_per_user = limiter.shared_limit(
    REAUTHENTICATIONS_PER_USER,
    scope="current_password",
    key_func=get_user_key,
    exempt_when=lambda: read_json_field("current_password") is None,
)
