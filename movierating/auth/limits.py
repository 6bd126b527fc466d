"""Rate limits by person and by account.

What names the person or account is read again for every request: Flask-Limiter keeps one list of limits for all
threads, so a limit that knows its person would count somebody else's requests.
"""

from typing import Any

import orjson
from flask import g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from movierating.auth.service import account_key, name_key
from movierating.errors import Unavailable
from movierating.http.extensions import limiter
from movierating.http.proxies import get_client_network

WRITES_A_PERSON = "600 per minute"
LOGINS_AN_ADDRESS = "10 per minute"
LOGINS_AN_ACCOUNT = "5 per minute"
REFRESHES_AN_ADDRESS = "60 per minute"
REFRESHES_AN_ACCOUNT = "30 per minute"
PROOFS_A_PERSON = "5 per minute"
SIGN_UPS_AN_ADDRESS = "20 per hour"


def sent(name: str) -> Any:
    """A field of the request's JSON body as it was sent, None where there is none. Never raises."""
    try:
        body = orjson.loads(request.get_data())
    except (orjson.JSONDecodeError, HTTPException, Unavailable):
        return None
    return body.get(name) if isinstance(body, dict) else None


# Flask-Limiter takes any exception of the functions below for a broken storage.


def _named_account() -> str:
    name = sent("login")
    if not isinstance(name, str):
        return f"address:{get_client_network()}"
    try:
        return f"account:{account_key(name[:254])}"
    except SQLAlchemyError:
        return f"account:{name_key(name[:254])}"


def _person() -> str:
    return f"person:{g.caller.user_id}"


def _proves_nothing() -> bool:
    return sent("current_password") is None


logins_an_account = limiter.limit(LOGINS_AN_ACCOUNT, key_func=_named_account)
writes_a_person = limiter.shared_limit(
    WRITES_A_PERSON, scope="writes", key_func=_person, methods=["POST", "PUT", "PATCH", "DELETE"]
)
# Who holds a stolen access token must not find out the password with it.
proofs_a_person = limiter.shared_limit(
    PROOFS_A_PERSON, scope="current_password", key_func=_person, exempt_when=_proves_nothing
)
