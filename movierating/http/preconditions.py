"""`If-Match` and `If-None-Match` of writes: the caller names the version of the resource that it changes.

The ETag of a movie is its edit, a number that counts the changes of its facts, and a hash of the response: new ratings
change only the hash. `If-Match` is required to change a movie, and only its edit is compared. Other resources have an
ETag without an edit, and a precondition is optional.
"""

import functools
import re
from collections.abc import Callable, Container
from typing import Any, NamedTuple

from flask import request
from werkzeug.datastructures import ETags

from movierating.errors import PreconditionFailed, PreconditionRequired
from movierating.http.blueprint import Blueprint, check_exists_first
from movierating.http.responses import make_tag

_TAG = re.compile(r"([0-9]{1,18})-[0-9a-f]{1,32}", re.ASCII)

_IF_MATCH_MOVIE = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[0-9]{1,18}-[0-9a-f]{1,32}")$'},
    "description": "The `ETag` of the movie when you read it, or `*` to change any version.",
    "example": '"1-f3f5bf2f0d6c4b0c8f2d9f6a2f1f0b9e"',
}

_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` of the resource when you read it, or `*`. If it has changed, the response is 412.",
}
_IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "`*` if the resource must not exist. If it does, the response is 412.",
}


class Precondition(NamedTuple):
    """The headers `If-Match` and `If-None-Match` of a request, None for one that it lacks."""

    if_match: ETags | None
    if_none_match: ETags | None

    def check(self, body: Any) -> None:
        """Raise PreconditionFailed if a header excludes the resource, whose GET returns `body`, None if it is missing.

        Weak ETags are accepted: those of compressed responses are weak.
        """
        tag = None if body is None else make_tag(body)
        if self.if_match is not None and (tag is None or not self.if_match.contains_weak(tag)):
            missing = "There is no such resource to match `If-Match`."
            raise PreconditionFailed("The resource has changed since you read it." if tag else missing)
        if self.if_none_match is not None and tag is not None and self.if_none_match.contains_weak(tag):
            raise PreconditionFailed("The resource exists, in a version that `If-None-Match` excludes.")


def read_precondition() -> Callable[[Any], None] | None:
    """Return a function that checks the request's precondition, in any thread; None if the request has none."""
    environ = request.environ
    if "HTTP_IF_MATCH" not in environ and "HTTP_IF_NONE_MATCH" not in environ:
        return None
    if_match = request.if_match if "HTTP_IF_MATCH" in environ else None
    return Precondition(if_match, request.if_none_match if "HTTP_IF_NONE_MATCH" in environ else None).check


def precondition_allowed(read_resource: Callable[..., Any]) -> Callable[[Any], Any]:
    """Document `If-Match` and `If-None-Match`, and check them before an invalid request gets 422.

    `read_resource(**path_arguments)` returns what GET returns, None if the resource is missing. The operation
    passes `read_precondition()` to its service, which calls the function in its transaction.
    """

    def check_invalid(**path: Any) -> None:
        check = read_precondition()
        if check is not None:
            check(read_resource(**path))

    def decorator(view: Callable[..., Any]) -> Any:
        checked = Blueprint.error_responses(412)(check_exists_first(check_invalid)(view))
        return Blueprint.parameter(_IF_MATCH)(Blueprint.parameter(_IF_NONE_MATCH)(checked))

    return decorator


def if_match_required(require_edit: Callable[[int, Container[int] | None], None]) -> Callable[[Any], Any]:
    """Require `If-Match`; `require_edit(movie_id, parse_if_match())` raises NotFound or PreconditionFailed.

    The order of errors is 404, 428, 412, and then 422 for the body or query. The operation's service checks
    `parse_if_match()` again in its transaction.
    """

    def decorator(view: Callable[..., Any]) -> Any:
        """Return the view with the header checked and documented."""

        @functools.wraps(view)
        def matched(self: Any, movie_id: int) -> Any:
            """Check that the movie is at an edit that the header names, and call the view."""
            try:
                edits = parse_if_match()
            except PreconditionRequired:
                require_edit(movie_id, None)
                raise
            require_edit(movie_id, edits)
            return view(self, movie_id=movie_id)

        return Blueprint.parameter(_IF_MATCH_MOVIE)(Blueprint.error_responses(404, 412, 428)(matched))

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
