"""Issue and verify JWTs, and decorate operations with the access they require."""

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
# The clocks of two hosts may differ by this much.
LEEWAY_SECONDS = 10
ISSUER = "movierating"

# RFC 8725, 3.11: explicit types, so that one kind of token is never accepted as another.
_HEADER_TYPES = {"access": "at+jwt", "refresh": "rt+jwt"}
_SUBJECT_FORMAT = re.compile(r"[0-9]{1,18}", re.ASCII)
_SESSION_ID_FORMAT = re.compile(r"[\w-]{1,32}", re.ASCII)
_MAX_NUMBER = 2**53
_READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def issue_tokens(grant: TokenGrant) -> dict[str, Any]:
    """Return the tokens of a grant: `access_token`, `refresh_token`, `token_type`, `expires_in` (seconds)."""
    identity = str(grant.user_id)
    claims: dict[str, Any] = {"sid": grant.session_id}
    access_token = create_access_token(
        identity, additional_claims=claims, additional_headers={"typ": _HEADER_TYPES["access"]}
    )
    claims["gen"] = grant.generation
    refresh_token = create_refresh_token(
        identity, additional_claims=claims, additional_headers={"typ": _HEADER_TYPES["refresh"]}
    )
    return {
        "access_token": access_token,
        "refresh_token": refresh_token,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_SECONDS,
    }


def read_refresh_token() -> TokenGrant:
    """Return the grant of the request's refresh token. Raise Unauthenticated."""
    claims = _read_claims(read_bearer_token(), "refresh")
    return TokenGrant(int(claims["sub"]), claims["sid"], claims["gen"], claims["iat"] * clock.SECOND)


def get_caller() -> Caller:
    """Return the caller of an operation under one of the decorators below."""
    caller: Caller = g.caller
    return caller


def get_session_id() -> str:
    """Return the caller's session id, inside an operation under `session_required`."""
    session_id = get_caller().session_id
    assert session_id is not None
    return session_id


def auth_required(view: Callable[..., Any]) -> Any:
    """Require a token. A personal token with the scope `read` may only call reads."""
    return _guard(view, _allow_all)


def session_required(view: Callable[..., Any]) -> Any:
    """Require a session's token, and reject personal tokens."""
    return _guard(view, require_session)


def admin_required(view: Callable[..., Any]) -> Any:
    """Require an admin's token."""
    return _guard(view, _require_admin)


def _allow_all(_caller: Caller) -> None:
    """Accept every authenticated caller."""


def require_session(caller: Caller) -> None:
    """Raise Forbidden for a personal token."""
    if caller.session_id is None:
        raise Forbidden("A personal token can't do this; log in.")


def _require_admin(caller: Caller) -> None:
    if caller.role != "admin":
        raise Forbidden("Only an admin can do this.")


def _guard(view: Callable[..., Any], authorize: Callable[[Caller], None]) -> Any:
    writes = view.__name__ != "get"
    limited_view = limits.limit_writes_per_user(view) if writes else view

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        environ = request_ctx.request.environ
        g.caller = caller = _authenticate(read_bearer_token())
        environ[USER_ID] = caller.user_id
        if caller.scope != "write" and environ["REQUEST_METHOD"] not in _READ_METHODS:
            raise Forbidden("This token can only read.")
        authorize(caller)
        return (limited_view if limiter.enabled else view)(*args, **kwargs)

    forbidden = [403] if writes or authorize is not _allow_all else []
    guarded = Blueprint.error_responses(401, *forbidden, *([429] if writes else []))(guarded)
    guarded._apidoc.setdefault("manual_doc", {})["security"] = [{"bearer": []}]  # type: ignore[attr-defined]
    return guarded


def read_bearer_token() -> str:
    """Return the bearer token of the request. Raise Unauthenticated if there is none."""
    authorization: str = request_ctx.request.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Missing bearer token.")
    return token.strip()


def _authenticate(token: str) -> Caller:
    if token.startswith(tokens.PREFIX):
        return tokens.find_token_caller(token)
    claims = _read_claims(token, "access")
    return service.find_session_caller(int(claims["sub"]), claims["sid"])


def _read_claims(token: str, kind: str) -> dict[str, Any]:
    claims = _verify(token, kind, request_ctx.app.config["JWT_SECRET_KEY"])
    if (claims["exp"] + LEEWAY_SECONDS) * clock.SECOND <= clock.now():
        raise Unauthenticated(service.EXPIRED)
    return claims


# A client sends its access token with every request, and the claims of a token never change. The expiry is checked
# again by the caller of this function, and the session by `find_session_caller`.
@functools.lru_cache(2048)
def _verify(token: str, kind: str, _key: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = decode_token(token)
        header = pyjwt.get_unverified_header(token)
    except pyjwt.ExpiredSignatureError as error:
        raise Unauthenticated(service.EXPIRED) from error
    except (pyjwt.PyJWTError, JWTExtendedException, ValueError) as error:
        raise Unauthenticated(service.INVALID) from error
    if claims["type"] != kind or header.get("typ") != _HEADER_TYPES[kind] or not _is_well_formed(claims):
        raise Unauthenticated(service.INVALID)
    return claims


def _is_well_formed(claims: dict[str, Any]) -> bool:
    # Another version of the service, or another program of the operator, may sign with the same key.
    numbers = [claims.get(name) for name in ("iat", "exp", *(["gen"] if claims["type"] == "refresh" else []))]
    return (
        all(type(number) is int and 0 < number < _MAX_NUMBER for number in numbers)
        and _SUBJECT_FORMAT.fullmatch(claims["sub"]) is not None
        and isinstance(claims.get("sid"), str)
        and _SESSION_ID_FORMAT.fullmatch(claims["sid"]) is not None
    )
