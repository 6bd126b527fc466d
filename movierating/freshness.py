"""What an answer stands or falls with, read in microseconds: a movie's version, or else that of the whole database."""

import re
from collections.abc import Callable, Hashable

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from movierating import database
from movierating.movies import service as movies

_MOVIE = re.compile(r"/v1/movies/([0-9]{1,18})", re.ASCII)


def stamps(engine: Engine) -> Callable[[str], Hashable]:
    """`stamp(path)`, to be read before the answer is made: a later one differs if that answer could have changed.

    It is None where the database behind `engine` doesn't tell.
    """

    def stamp(path: str) -> Hashable:
        try:
            if movie := _MOVIE.fullmatch(path):
                return movies.version(database.read(engine), int(movie[1]))
            return database.version(engine)
        except SQLAlchemyError:
            return None

    return stamp
