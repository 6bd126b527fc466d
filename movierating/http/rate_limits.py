"""Rate limits of operations: each has a setting, and responses contain its state.

The headers `RateLimit-Policy` and `RateLimit` follow draft-ietf-httpapi-ratelimit-headers-10. The policy of the setting
`LIMIT_FAILED_LOGINS` is named `failed-logins`.

A limit of failures, or of successes, counts each attempt when it begins, and subtracts it if it ends otherwise.
Flask-Limiter's `deduct_when` counts when an attempt ends, so attempts made at the same time would all pass.
"""

import math
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, Response, current_app
from flask_limiter import RequestLimit

from movierating.http.extensions import limiter
from movierating.http.proxies import get_client_network

_PREFIX = "LIMIT_"
# Attempts count towards the first if they succeed, and towards the second if they fail.
_LIMITS_OF_SUCCESSES = {"logins", "signups"}
_LIMITS_OF_FAILURES = {
    *("failed-logins", "failed-logins-per-account"),
    *("failed-signups", "failed-signups-per-account"),
}
# Not shown until it is exceeded, because the caller is not logged in: whether a username and an e-mail belong together
# is private.
_PRIVATE_SUFFIX = "-per-account"


def init_limiter(app: Flask) -> None:
    """Bind the limiter to `app` without its hooks: views check their limits when they are called."""
    limiter.init_app(app)
    if limiter.enabled:
        # They look for limits of whole applications and blueprints, and add headers to every response to a write.
        app.before_request_funcs[None].remove(limiter._check_request_limit)
        app.after_request_funcs[None].pop()
        app.teardown_request_funcs[None].pop()
        app.after_request(_finish_limits)


def limit_requests(
    setting: str,
    key_func: Callable[[], str] = get_client_network,
    exempt_when: Callable[[], bool] | None = None,
) -> Callable[[Any], Any]:
    """Return a decorator of operations, which share the limit of `setting` for each value of `key_func`."""
    name = setting.removeprefix(_PREFIX).lower().replace("_", "-")
    return limiter.shared_limit(
        lambda: str(current_app.config[setting]), scope=name, key_func=key_func, exempt_when=exempt_when
    )


def combine_limits(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decorator that applies several limits. Limits with equal windows are checked in the given order."""

    def decorator(view: Any) -> Any:
        for decorate in decorators:
            view = decorate(view)
        return view

    return decorator


def describe_exceeded_limit() -> tuple[int, str]:
    """Return the seconds until the window of the limit that the request exceeded ends, and a message."""
    exceeded = limiter.current_limit
    if exceeded is None:
        return 1, "Too many requests; try again in 1 second."
    seconds = max(1, _get_seconds_left(exceeded))
    item = exceeded.limit
    limit = f"{_get_name(exceeded)}: {item.amount} per {item.GRANULARITY.name}"
    return seconds, f"Too many requests ({limit}); try again in {_format_duration(seconds)}."


def _format_duration(seconds: int) -> str:
    """Return a duration of at least `seconds`."""
    for size, unit in ((3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{math.ceil(seconds / size)} {unit}s"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _finish_limits(response: Response) -> Response:
    """Count the outcome of the request, and add the headers. An `after_request` hook."""
    if limits := [(_get_name(limit), limit) for limit in limiter.current_limits]:
        for name, limit in limits:
            if not _is_counted(name, response.status_code):
                with suppress(sqlite3.Error):
                    limit.limiter.hit(limit.limit, *limit.request_args, cost=-1)
        _add_headers(response, limits)
    return response


def _is_counted(name: str, status: int) -> bool:
    """Return True if a response with this status counts towards a limit. 429 is neither a success nor a failure."""
    if name in _LIMITS_OF_SUCCESSES:
        return status < 400
    if name in _LIMITS_OF_FAILURES:
        return status >= 400 and status != 429
    return True


def _add_headers(response: Response, limits: list[tuple[str, RequestLimit]]) -> None:
    policies = [f'"{name}";q={limit.limit.amount};w={limit.limit.get_expiry()}' for name, limit in limits]
    response.headers["RateLimit-Policy"] = ", ".join(policies)
    shown = [(name, limit) for name, limit in limits if limit.breached or not name.endswith(_PRIVATE_SUFFIX)]
    with suppress(sqlite3.Error):
        response.headers["RateLimit"] = ", ".join([_format_state(name, limit) for name, limit in shown])


def _format_state(name: str, limit: RequestLimit) -> str:
    remaining = 0 if limit.breached else min(limit.remaining, limit.limit.amount)
    return f'"{name}";r={remaining};t={max(0, _get_seconds_left(limit))}'


def _get_seconds_left(limit: RequestLimit) -> int:
    with suppress(sqlite3.Error):
        return math.ceil(limit.window.reset_time - time.time())
    return 0


def _get_name(limit: RequestLimit) -> str:
    """Return the scope that `limit_requests` gave to Flask-Limiter."""
    return limit.request_args[-1]
