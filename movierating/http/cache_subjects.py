"""Find the subject of a response by its path: one movie, one user, or the whole database."""

import re

from movierating.storage.cache_versions import MOVIE, RATERS, USER, Subject

_PATH = re.compile(r"(/v1/movies|/v1/users|/movies)/([0-9]{1,18})(/ratings)?", re.ASCII)
_KINDS = {
    ("/v1/movies", None): MOVIE,
    ("/v1/movies", "/ratings"): RATERS,
    ("/v1/users", None): USER,
    ("/v1/users", "/ratings"): USER,
    # The page of a movie shows its latest ratings too.
    ("/movies", None): RATERS,
}


def find_subject(path: str) -> Subject | None:
    """Return the movie or user that the response at `path` is about; None if it may show anything."""
    match = _PATH.fullmatch(path)
    kind = _KINDS.get((match[1], match[3])) if match else None
    return (kind, int(match[2])) if match and kind else None
