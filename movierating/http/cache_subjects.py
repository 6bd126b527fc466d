"""Find the subject of a response by its path: one movie, one user, a page of movies, or the whole database."""

import re

from flask import request

from movierating.http.request_context import SUBJECT
from movierating.storage.cache_versions import MOVIE, RATERS, USER, Subject
from movierating.storage.listed_movies import ListedMovies

_PATH = re.compile(r"(/v1/movies|/v1/users|/movies)/([0-9]{1,18})(/ratings)?", re.ASCII)
_KINDS = {
    ("/v1/movies", None): MOVIE,
    ("/v1/movies", "/ratings"): RATERS,
    ("/v1/users", None): USER,
    ("/v1/users", "/ratings"): USER,
    # The page of a movie shows its latest ratings too.
    ("/movies", None): RATERS,
}
_LISTS_OF_MOVIES = frozenset({"/v1/movies", "/movies"})


def find_subject(path: str) -> Subject | None:
    """Return the subject of the response at `path`, or None if it may show anything.

    The subject of a list of movies is described when the list is read.
    """
    if path in _LISTS_OF_MOVIES:
        return ListedMovies()
    match = _PATH.fullmatch(path)
    kind = _KINDS.get((match[1], match[3])) if match else None
    return (kind, int(match[2])) if match and kind else None


def get_listed_movies() -> ListedMovies | None:
    """Return the subject of the response to the current request, which a list describes; None if it is not cached."""
    subject = request.environ.get(SUBJECT)
    return subject if isinstance(subject, ListedMovies) else None
