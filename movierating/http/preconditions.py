"""`If-Match` on movies: the caller states which edit of a movie it means to change."""

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
    "description": "The `ETag` of the movie as you know it, or `*` for whatever it is now.",
    "example": '"1-f3f5bf2f0d6c4b0c8f2d9f6a2f1f0b9e"',
}


def if_match_required(require_edit: Callable[[int, Container[int] | None], None]) -> Callable[[Any], Any]:
    """Require `If-Match`; `require_edit(movie_id, parse_if_match())` raises NotFound, or PreconditionFailed.

    It is refused before its body or query is looked at: 404, 428, 412, and only then 422. The operation's service
    judges `parse_if_match()` once more, in its transaction.
    """

    def decorator(view: Callable[..., Any]) -> Any:
        @functools.wraps(view)
        def matched(self: Any, movie_id: int) -> Any:
            try:
                named = parse_if_match()
            except PreconditionRequired:
                require_edit(movie_id, None)
                raise
            require_edit(movie_id, named)
            return view(self, movie_id=movie_id)

        return Blueprint.parameter(_PARAMETER)(Blueprint.error_responses(404, 412, 428)(matched))

    return decorator


def parse_if_match() -> Container[int] | None:
    """Return the edits of a movie that the request's `If-Match` names, or None if it is `*`, which stands for any.

    The other half of a tag changes with each rating, which an editor need not have seen. A weak tag names an edit too:
    proxies that compress a response weaken its tag. Raises PreconditionRequired without the header.
    """
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequired("Send If-Match with the movie's ETag, or *.")
    if given.strip() == "*":
        return None
    # werkzeug reads an empty tag as None.
    tags = [tag or "" for tag in request.if_match.as_set(include_weak=True)]
    return {int(match[1]) for tag in tags if (match := _TAG.fullmatch(tag))}
