"""Cache validators: the version of the movie or user that a response shows, or of the whole database."""

import re
from collections.abc import Callable, Hashable

from sqlalchemy import Engine

from movierating.storage import database
from movierating.storage.cache_versions import MOVIE, RATERS, USER

_ABOUT = re.compile(r"(/v1/(?:movies|users)/)([0-9]{1,18})(/ratings)?", re.ASCII)
_KINDS = {
    ("/v1/movies/", None): MOVIE,
    ("/v1/movies/", "/ratings"): RATERS,
    ("/v1/users/", None): USER,
    ("/v1/users/", "/ratings"): USER,
}


def make_validator_reader(engine: Engine) -> Callable[[str], Hashable]:
    """Return `stamp(path)`, a validator to read before a response is made.

    A later one differs if that response could have changed. It is None if the version is unknown.
    """

    def stamp(path: str) -> Hashable:
        about = _ABOUT.fullmatch(path)
        subject = (_KINDS[about[1], about[3]], int(about[2])) if about else None
        return database.get_version(engine, subject)

    return stamp
