"""Redirect requests for movies that were merged into others."""

from flask import Response, current_app, request, url_for

from movierating.errors import Conflict, NotFound
from movierating.http.error_handlers import handle_api_error
from movierating.http.request_context import READ_METHODS
from movierating.movies import service


def redirect_if_merged(error: NotFound) -> Response:
    """Return a redirect to the same operation of the movie that the one in the path was merged into, or the error.

    The attribute `redirects_writes` of a View tells whether its writes are redirected. Others get Conflict, because a
    client that follows redirects would change or delete another movie than it means.
    """
    path = request.view_args or {}
    survivor_id = service.find_survivor(path["movie_id"]) if "movie_id" in path else None
    if survivor_id is None:
        return handle_api_error(error)
    view = current_app.view_functions.get(request.endpoint or "")
    is_read = request.method in READ_METHODS
    if not is_read and not getattr(getattr(view, "view_class", None), "redirects_writes", False):
        return handle_api_error(_make_conflict(path["movie_id"], survivor_id))
    location = url_for(str(request.endpoint), **{**path, "movie_id": survivor_id})
    query = request.environ.get("QUERY_STRING", "")
    response = Response(status=301 if is_read else 308)
    response.headers["Location"] = f"{location}?{query}" if query else location
    del response.headers["Content-Type"]
    return response


def _make_conflict(movie_id: int, survivor_id: int) -> Conflict:
    detail = f"Movie {movie_id} was merged into movie {survivor_id}."
    return Conflict(detail, kind="movie-merged", conflict={"field": "movie_id", "movie_id": survivor_id})
