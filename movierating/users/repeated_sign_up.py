"""Recognize a sign-up that is sent again, such as by a double click."""

from sqlalchemy import select

from movierating import clock
from movierating.auth.models import User
from movierating.auth.service import normalize_name
from movierating.storage.database import read

# Later, a sign-up with the names of an account must not be a way to try its password.
REPEAT_SECONDS = 600

_user = User.__table__.c


def was_just_created(username: str, email: str) -> bool:
    """Return True if there is an account with this username and e-mail that is at most REPEAT_SECONDS old."""
    has_names = (_user.username_key == normalize_name(username)) & (_user.email_key == normalize_name(email))
    first = clock.now() - REPEAT_SECONDS * clock.SECOND
    statement = select(_user.id).where(has_names, _user.created_at >= first)
    return read().execute(statement).first() is not None
