"""Find the caller of a request by its bearer token, and decorate operations with the access they require."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from flask import g

from movierating.auth import service, session_tokens, tokens
from movierating.auth.service import Caller, TokenGrant
from movierating.errors import Forbidden, TokenMissing
from movierating.http.blueprint import Blueprint
from movierating.http.extensions import limiter
from movierating.http.rate_limits import limit_requests
from movierating.http.request_context import USER_ID, get_context


def get_caller() -> Caller:
    """Return the caller of an operation under one of the decorators below."""
    caller: Caller = g.caller
    return caller


def get_session_id() -> str:
    """Return the caller's session id, inside an operation under `session_required`."""
    session_id = get_caller().session_id
    assert session_id is not None
    return session_id


def get_user_key() -> str:
    """Return the key under which limits per user count the request."""
    return f"user:{g.caller.user_id}"


limit_writes = limit_requests("LIMIT_WRITES", get_user_key)


def auth_required(view: Callable[..., Any]) -> Any:
    """Require a token. A personal token with the scope `read` may only call reads."""
    return _guard(view, None)


def session_required(view: Callable[..., Any]) -> Any:
    """Require a session's token, and reject personal tokens."""
    return _guard(view, require_session)


def admin_required(view: Callable[..., Any]) -> Any:
    """Require an admin's token."""
    return _guard(view, require_admin)


def admin_session_required(view: Callable[..., Any]) -> Any:
    """Require the token of an admin's session, and reject personal tokens."""
    return _guard(view, _require_admin_session)


def auth_required_for(*personal_parameters: str) -> Callable[[Any], Any]:
    """Return a decorator of a read that requires a token if the query has one of these parameters.

    A parameter is written `name`, or `name=value` if only that value requires a token. `get_caller_id` returns the
    caller.
    """

    def decorator(view: Callable[..., Any]) -> Any:
        """Guard a view, and document that its token is optional."""

        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            """Authenticate the caller if the query requires a token, and call the view."""
            g.caller = None
            if _has_parameter(personal_parameters):
                authenticate()
            return view(*args, **kwargs)

        guarded = Blueprint.error_responses(401)(guarded)
        guarded._apidoc.setdefault("manual_doc", {})["security"] = [{}, {"bearer": []}]  # type: ignore[attr-defined]
        return guarded

    return decorator


def _has_parameter(parameters: Iterable[str]) -> bool:
    """Return True if the request's query has one of the parameters, each written `name` or `name=value`."""
    request = get_context().request
    if not request.query_string:
        return False
    query = request.args
    return any(
        value in query.getlist(name) if has_value else name in query
        for name, has_value, value in (parameter.partition("=") for parameter in parameters)
    )


def get_caller_id() -> int | None:
    """Return the caller's user id in an operation under `auth_required_for`, None if it required no token."""
    caller: Caller | None = g.caller
    return caller.user_id if caller else None


def require_session(caller: Caller) -> None:
    """Raise Forbidden for a personal token."""
    if caller.session_id is None:
        raise Forbidden("A personal token can't do this; log in.", kind="session-required")


def require_admin(caller: Caller) -> None:
    """Raise Forbidden unless the caller is an admin."""
    if caller.role != "admin":
        raise Forbidden("Only an admin can do this.", kind="admin-required")


def _require_admin_session(caller: Caller) -> None:
    require_session(caller)
    require_admin(caller)


def _guard(view: Callable[..., Any], authorize: Callable[[Caller], None] | None) -> Any:
    """Return a view that requires a token; `authorize(caller)` may raise. All but `get` need one that can write."""
    writes = view.__name__ != "get"
    limited_view = limit_writes(view) if writes else view

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        """Check the token and the limit of writes, and call the view."""
        caller = authenticate()
        if writes and caller.scope != "write":
            raise Forbidden("This token can only read.", kind="read-only-token")
        if authorize is not None:
            authorize(caller)
        return (limited_view if limiter.enabled else view)(*args, **kwargs)

    forbidden = [403] if writes or authorize is not None else []
    guarded = Blueprint.error_responses(401, *forbidden, *([429] if writes else []))(guarded)
    guarded._apidoc.setdefault("manual_doc", {})["security"] = [{"bearer": []}]  # type: ignore[attr-defined]
    return guarded


def authenticate() -> Caller:
    """Return the caller of the request's bearer token, and remember it for the request. Raise Unauthenticated."""
    g.caller = caller = _find_caller(read_bearer_token())
    get_context().request.environ[USER_ID] = caller.user_id
    return caller


def read_bearer_token() -> str:
    """Return the bearer token of the request. Raise Unauthenticated if there is none."""
    authorization: str = get_context().request.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenMissing
    return token.strip()


def read_refresh_token() -> TokenGrant:
    """Return the grant of the request's refresh token. Raise Unauthenticated."""
    return session_tokens.verify_refresh_token(read_bearer_token())


def _find_caller(token: str) -> Caller:
    if token.startswith(tokens.PREFIX):
        return tokens.find_token_caller(token)
    return service.find_session_caller(*session_tokens.verify_access_token(token))
