"""The HTTP side of identity: JWTs made and read, and the decorators that say who may call an operation."""

import functools
import re
from collections.abc import Callable
from typing import Any

import jwt as pyjwt
from flask import g
from flask.globals import request_ctx
from flask_jwt_extended import create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException

from movierating import clock
from movierating.auth import limits, service, tokens
from movierating.auth.service import Caller, TokenGrant
from movierating.errors import Forbidden, Unauthenticated
from movierating.http.blueprint import Blueprint
from movierating.http.extensions import limiter
from movierating.http.response_cache import USER_ID

ACCESS_TOKEN_SECONDS = 15 * 60
ISSUER = "movierating"

# RFC 8725, 3.11: explicit types, so that one kind of token is never taken for another.
_HEADER_TYPES = {"access": "at+jwt", "refresh": "rt+jwt"}
_SUBJECT_FORMAT = re.compile(r"[0-9]{1,18}", re.ASCII)
_SESSION_ID_FORMAT = re.compile(r"[\w-]{1,32}", re.ASCII)
_MAX_NUMBER = 2**53
_READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_REFUSED = "The token is missing, wrong, expired or ended."


def issue_tokens(grant: TokenGrant) -> dict[str, Any]:
    """The tokens that state a grant: `access_token`, `refresh_token`, `token_type`, `expires_in` (seconds)."""
    identity = str(grant.user_id)
    claims: dict[str, Any] = {"sid": grant.session_id}
    access = create_access_token(
        identity, additional_claims=claims, additional_headers={"typ": _HEADER_TYPES["access"]}
    )
    claims["gen"] = grant.generation
    spare = create_refresh_token(
        identity, additional_claims=claims, additional_headers={"typ": _HEADER_TYPES["refresh"]}
    )
    return {
        "access_token": access,
        "refresh_token": spare,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_SECONDS,
    }


def read_refresh_token() -> TokenGrant:
    """What the request's refresh token states. Raises Unauthenticated."""
    claims = _read_claims(read_bearer_token(), "refresh")
    return TokenGrant(int(claims["sub"]), claims["sid"], claims["gen"], claims["iat"] * clock.SECOND)


def get_caller() -> Caller:
    """Who is calling; only inside an operation under `auth_required` or `admin_required`."""
    known: Caller = g.caller
    return known


def get_session_id() -> str:
    """The session that is calling; only inside an operation under `session_required`."""
    known = get_caller().session_id
    assert known is not None
    return known


def auth_required(view: Callable[..., Any]) -> Any:
    """Only for callers with a token; a personal token of scope `read` is refused where something would change."""
    return _guard(view, _allow_all)


def session_required(view: Callable[..., Any]) -> Any:
    """Only for callers who logged in: personal tokens are refused."""
    return _guard(view, require_session)


def admin_required(view: Callable[..., Any]) -> Any:
    """Only for admins."""
    return _guard(view, _check_admin)


def _allow_all(_known: Caller) -> None:
    """Refuses nobody."""


def require_session(known: Caller) -> None:
    """Raises Forbidden for a personal token."""
    if known.session_id is None:
        raise Forbidden("A personal token can't do this; log in.")


def _check_admin(known: Caller) -> None:
    if known.role != "admin":
        raise Forbidden("Only an admin can do this.")


def _guard(view: Callable[..., Any], require: Callable[[Caller], None]) -> Any:
    writes = view.__name__ != "get"
    counted = limits.limit_writes_per_user(view) if writes else view

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        environ = request_ctx.request.environ
        g.caller = known = _authenticate(read_bearer_token())
        environ[USER_ID] = known.user_id
        if known.scope != "write" and environ["REQUEST_METHOD"] not in _READ_METHODS:
            raise Forbidden("This token can only read.")
        require(known)
        return (counted if limiter.enabled else view)(*args, **kwargs)

    forbidden = [403] if writes or require is not _allow_all else []
    guarded = Blueprint.error_responses(401, *forbidden, *([429] if writes else []))(guarded)
    guarded._apidoc.setdefault("manual_doc", {})["security"] = [{"bearer": []}]  # type: ignore[attr-defined]
    return guarded


def read_bearer_token() -> str:
    """The token that the request carries. Raises Unauthenticated where there is none."""
    given: str = request_ctx.request.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(_REFUSED)
    return token.strip()


def _authenticate(token: str) -> Caller:
    if token.startswith(tokens.PREFIX):
        known = tokens.find_token_caller(token)
    else:
        claims = _read_claims(token, "access")
        known = service.find_session_caller(int(claims["sub"]), claims["sid"])
    if known is None:
        raise Unauthenticated(_REFUSED)
    return known


def _read_claims(token: str, kind: str) -> dict[str, Any]:
    claims = _verify(token, kind, request_ctx.app.config["JWT_SECRET_KEY"])
    if claims["exp"] * clock.SECOND <= clock.now():
        raise Unauthenticated(_REFUSED)
    return claims


# A token comes with every request of its quarter of an hour, and what it says doesn't change; whether its session has
# ended is another question.
@functools.lru_cache(2048)
def _verify(token: str, kind: str, _key: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = decode_token(token)
        header = pyjwt.get_unverified_header(token)
    except (pyjwt.PyJWTError, JWTExtendedException, ValueError) as error:
        raise Unauthenticated(_REFUSED) from error
    if claims["type"] != kind or header.get("typ") != _HEADER_TYPES[kind] or not _is_well_formed(claims):
        raise Unauthenticated(_REFUSED)
    return claims


def _is_well_formed(claims: dict[str, Any]) -> bool:
    # Our key may have signed it in another version of the service, or for something else of the operator's.
    numbers = [claims.get(name) for name in ("iat", "exp", *(["gen"] if claims["type"] == "refresh" else []))]
    return (
        all(type(number) is int and 0 < number < _MAX_NUMBER for number in numbers)
        and _SUBJECT_FORMAT.fullmatch(claims["sub"]) is not None
        and isinstance(claims.get("sid"), str)
        and _SESSION_ID_FORMAT.fullmatch(claims["sid"]) is not None
    )
