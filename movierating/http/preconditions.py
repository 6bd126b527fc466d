"""`If-Match` on movies: the caller names the edit of a movie that it changes."""

import functools
import re
from collections.abc import Callable, Container
from typing import Any

from flask import request

from movierating.errors import PreconditionRequired
from movierating.http.blueprint import Blueprint

_TAG = re.compile(r"([0-9]{1,18})-[0-9a-f]{1,32}", re.ASCII)

_PARAMETER = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[0-9]{1,18}-[0-9a-f]{1,32}")$'},
    "description": "The `ETag` of the movie when you read it, or `*` to change any version.",
    "example": '"1-f3f5bf2f0d6c4b0c8f2d9f6a2f1f0b9e"',
}


def if_match_required(require_edit: Callable[[int, Container[int] | None], None]) -> Callable[[Any], Any]:
    """Require `If-Match`; `require_edit(movie_id, parse_if_match())` raises NotFound or PreconditionFailed.

    The order of errors is 404, 428, 412, and then 422 for the body or query. The operation's service checks
    `parse_if_match()` again in its transaction.
    """

    def decorator(view: Callable[..., Any]) -> Any:
        @functools.wraps(view)
        def matched(self: Any, movie_id: int) -> Any:
            try:
                edits = parse_if_match()
            except PreconditionRequired:
                require_edit(movie_id, None)
                raise
            require_edit(movie_id, edits)
            return view(self, movie_id=movie_id)

        return Blueprint.parameter(_PARAMETER)(Blueprint.error_responses(404, 412, 428)(matched))

    return decorator


def parse_if_match() -> Container[int] | None:
    """Return the edits of a movie that the request's `If-Match` names, or None if it is `*`, which matches any.

    The other half of an ETag changes with each rating and is ignored. Weak ETags are accepted: proxies that compress
    a response weaken its ETag. Raise PreconditionRequired without the header.
    """
    header = request.headers.get("If-Match")
    if header is None:
        raise PreconditionRequired("Send If-Match with the movie's ETag, or *.")
    if header.strip() == "*":
        return None
    # Werkzeug reads an empty tag as None.
    tags = [tag or "" for tag in request.if_match.as_set(include_weak=True)]
    return {int(match[1]) for tag in tags if (match := _TAG.fullmatch(tag))}
