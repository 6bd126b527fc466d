"""Redirect requests for movies that were merged into others."""

from flask import Response, request, url_for

from movierating.errors import NotFound
from movierating.http.error_handlers import handle_api_error
from movierating.http.response_cache import READ_METHODS
from movierating.movies import service


def redirect_if_merged(error: NotFound) -> Response:
    """Return a redirect to the same operation of the movie that the one in the path was merged into, or the error."""
    path = request.view_args or {}
    survivor_id = service.find_survivor(path["movie_id"]) if "movie_id" in path else None
    if survivor_id is None:
        return handle_api_error(error)
    location = url_for(str(request.endpoint), **{**path, "movie_id": survivor_id})
    query = request.environ.get("QUERY_STRING", "")
    response = Response(status=301 if request.method in READ_METHODS else 308)
    response.headers["Location"] = f"{location}?{query}" if query else location
    del response.headers["Content-Type"]
    return response
