"""The context of the current request, and the keys that the service sets in its WSGI environment."""

from collections.abc import Callable

from flask.ctx import RequestContext
from flask.globals import request_ctx

# Returns the context. Flask's proxies look it up for each attribute, which takes half a microsecond.
get_context: Callable[[], RequestContext] = request_ctx._get_current_object  # type: ignore[attr-defined]

# The id of the request, the rule of its URL, and the user, for the log.
REQUEST_ID, ROUTE, USER_ID = "movierating.request_id", "movierating.route", "movierating.user_id"
# The subject of the response, if that may be stored in the cache.
SUBJECT = "movierating.cache_subject"
# Set when a schema has validated the query or the body.
QUERY_IS_CHECKED, BODY_IS_CHECKED = "movierating.query_is_checked", "movierating.body_is_checked"

READ_METHODS = frozenset({"GET", "HEAD"})
