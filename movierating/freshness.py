"""What an answer stands or falls with: a movie's version, or else that of everything."""

import re
from collections.abc import Callable, Hashable

from sqlalchemy import Engine

from movierating import database

_MOVIE = re.compile(r"/v1/movies/([0-9]{1,18})", re.ASCII)


def stamps(engine: Engine) -> Callable[[str], Hashable]:
    """`stamp(path)`, to be read before the answer is made: a later one differs if that answer could have changed.

    It is None where the database behind `engine` doesn't tell.
    """

    def stamp(path: str) -> Hashable:
        movie = _MOVIE.fullmatch(path)
        return database.version(engine, int(movie[1]) if movie else None)

    return stamp
