"""Titles that accounts propose by their imports, in tests."""

from sqlalchemy import select, update

from movierating.auth.models import User
from movierating.movies.models import MovieTitle, TitleProposal
from movierating.storage.database import read, write

BY_ID = "tt0113277,,Fuego contra fuego,,1995,8,"
BY_TITLE = ",,Fuego contra fuego,,1995,8,"


def list_proposals():
    """Return the movie, match key and account of each proposal, sorted."""
    statement = select(TitleProposal.movie_id, TitleProposal.match_key, TitleProposal.user_id)
    return sorted(map(tuple, read().execute(statement)))


def list_titles():
    """Return the movie, title and source of each alternative title, in the order of their ids."""
    statement = select(MovieTitle.movie_id, MovieTitle.title, MovieTitle.source).order_by(MovieTitle.id)
    return list(map(tuple, read().execute(statement)))


def set_active(user_id, active):
    """Activate or deactivate an account."""
    write(lambda connection: connection.execute(update(User).where(User.id == user_id).values(active=active)))
