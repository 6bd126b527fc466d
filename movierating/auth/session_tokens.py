"""Issue and verify the JWTs of a session: access tokens and refresh tokens."""

import functools
import re
from datetime import timedelta
from typing import Any

import jwt as pyjwt
from flask_jwt_extended import create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException

from movierating import clock
from movierating.auth import service
from movierating.auth.service import TokenGrant
from movierating.errors import TokenExpired, TokenInvalid
from movierating.http.request_context import get_context

ACCESS_TOKEN_SECONDS = 15 * 60
# The clocks of two hosts may differ by this much.
LEEWAY_SECONDS = 10
ISSUER = "movierating"

# RFC 8725, 3.11: explicit types, so that one kind of token is never accepted as another.
_HEADER_TYPES = {"access": "at+jwt", "refresh": "rt+jwt"}
_SUBJECT_FORMAT = re.compile(r"[0-9]{1,18}", re.ASCII)
_SESSION_ID_FORMAT = re.compile(r"[\w-]{1,32}", re.ASCII)
_MAX_NUMBER = 2**53

# For Flask-JWT-Extended, which signs with SECRET_KEY.
JWT_SETTINGS = {
    # For cookies, which the API does not use: by default each token would have a claim for them.
    "JWT_COOKIE_CSRF_PROTECT": False,
    "JWT_ALGORITHM": "HS256",
    "JWT_ENCODE_ISSUER": ISSUER,
    "JWT_DECODE_ISSUER": ISSUER,
    "JWT_ENCODE_AUDIENCE": ISSUER,
    "JWT_DECODE_AUDIENCE": ISSUER,
    "JWT_DECODE_LEEWAY": LEEWAY_SECONDS,
    "JWT_ACCESS_TOKEN_EXPIRES": timedelta(seconds=ACCESS_TOKEN_SECONDS),
    "JWT_REFRESH_TOKEN_EXPIRES": timedelta(seconds=service.REFRESH_TOKEN_SECONDS),
}


def issue_tokens(grant: TokenGrant) -> dict[str, Any]:
    """Return the tokens of a grant: `access_token`, `refresh_token`, `token_type`, `expires_in` (seconds)."""
    user_id, claims = str(grant.user_id), {"sid": grant.session_id}
    access_header, refresh_header = ({"typ": name} for name in _HEADER_TYPES.values())
    return {
        "access_token": create_access_token(
            user_id, additional_claims=claims, additional_headers=access_header
        ),
        "refresh_token": create_refresh_token(
            user_id, additional_claims={**claims, "gen": grant.generation}, additional_headers=refresh_header
        ),
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_SECONDS,
    }


def verify_access_token(token: str) -> tuple[int, str]:
    """Return the user id and the session id of an access token. Raise TokenExpired or TokenInvalid."""
    claims = _read_claims(token, "access")
    return int(claims["sub"]), claims["sid"]


def verify_refresh_token(token: str) -> TokenGrant:
    """Return the grant of a refresh token. Raise TokenExpired or TokenInvalid."""
    claims = _read_claims(token, "refresh")
    return TokenGrant(int(claims["sub"]), claims["sid"], claims["gen"], claims["iat"] * clock.SECOND)


def _read_claims(token: str, kind: str) -> dict[str, Any]:
    claims = _verify(token, kind, get_context().app.config["SECRET_KEY"])
    if (claims["exp"] + LEEWAY_SECONDS) * clock.SECOND <= clock.now():
        raise TokenExpired
    return claims


# A client sends its access token with every request, and the claims of a token never change. The expiry is checked
# again by the caller of this function, and the session by `find_session_caller`.
@functools.lru_cache(2048)
def _verify(token: str, kind: str, _key: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = decode_token(token)
        header = pyjwt.get_unverified_header(token)
    except pyjwt.ExpiredSignatureError as error:
        raise TokenExpired from error
    except (pyjwt.PyJWTError, JWTExtendedException, ValueError) as error:
        raise TokenInvalid from error
    if header.get("typ") != _HEADER_TYPES[kind] or not _is_well_formed(claims, kind):
        raise TokenInvalid
    return claims


def _is_well_formed(claims: dict[str, Any], kind: str) -> bool:
    # Another version of the service, or another program of the operator, may sign with the same key.
    numbers = [claims.get(name) for name in ("iat", "exp", *(["gen"] if kind == "refresh" else []))]
    return (
        claims.get("type") == kind
        and all(type(number) is int and 0 < number < _MAX_NUMBER for number in numbers)
        and _SUBJECT_FORMAT.fullmatch(str(claims.get("sub"))) is not None
        and isinstance(claims.get("sid"), str)
        and _SESSION_ID_FORMAT.fullmatch(claims["sid"]) is not None
    )
