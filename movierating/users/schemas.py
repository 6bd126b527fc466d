"""What accounts look like in requests and answers."""

import re
from typing import Any

import marshmallow as ma

from movierating.auth import passwords
from movierating.auth.models import ROLES
from movierating.auth.service import normalize_name
from movierating.http.fields import (
    DISALLOWED_CHARACTERS,
    HalfPoints,
    SingleLineString,
    StrictBoolean,
    Timestamp,
)
from movierating.http.responses import PageQuerySchema
from movierating.movies.genres import GENRES
from movierating.movies.schemas import HISTOGRAM_METADATA, MovieFactsSchema
from movierating.rating_stats import MAX_HALF_POINTS
from movierating.ratings.schemas import VALUE, RatingSchema
from movierating.users.rating_history import SORTS

# Letters are ASCII's, so that no name can look like another one.
_USERNAME = ma.validate.Regexp(
    re.compile(r"(?![Mm][Ll]-)[A-Za-z][A-Za-z0-9_.-]{2,29}\Z"),
    error="Must be 3 to 30 of a-z, 0-9, _ . -, start with a letter, and not start with ml-.",
)
_UNWANTED = re.compile(f"[{DISALLOWED_CHARACTERS}]")
MAX_EMAIL_LENGTH = 254
_PASSWORD = {"example": "correct horse battery", "format": "password"}
# For the document; the service judges a new password by its NFKC form.
_NEW = {"minLength": passwords.MIN_LENGTH, "maxLength": passwords.MAX_LENGTH}


def _password(description: str, *, shape: dict[str, int] | None = None, **kwargs: Any) -> ma.fields.String:
    return ma.fields.String(
        validate=ma.validate.Length(1, 1024),
        load_only=True,
        metadata={**_PASSWORD, "description": description, **(shape or {})},
        **kwargs,
    )


def _email(**kwargs: Any) -> ma.fields.Email:
    return ma.fields.Email(
        validate=[ma.validate.Length(max=MAX_EMAIL_LENGTH), _plain],
        metadata={"example": "ada@example.org"},
        **kwargs,
    )


def _plain(email: str) -> None:
    # Quoted, an address may hold control characters; and folding can make one letter into eighteen.
    if _UNWANTED.search(email) or len(normalize_name(email)) > MAX_EMAIL_LENGTH:
        raise ma.ValidationError("Not a valid email address.")


class SignUpSchema(ma.Schema):
    """An account to be opened."""

    username = ma.fields.String(required=True, validate=_USERNAME, metadata={"example": "ada"})
    email = _email(required=True)
    password = _password("Not a common one, nor your own name.", shape=_NEW, required=True)
    display_name = SingleLineString(max_length=100, metadata={"example": "Ada L."})


class UpdateAccountSchema(ma.Schema):
    """What to change about one's own account."""

    display_name = SingleLineString(max_length=100, metadata={"example": "Ada Lovelace"})
    email = _email()
    password = _password("The new one; it ends every session and personal token.", shape=_NEW)
    current_password = _password("Needed for a new password or e-mail.")


class DeleteAccountSchema(ma.Schema):
    """The proof that it is the owner who closes an account."""

    current_password = _password("The account's password.", required=True)


class UserRatingsSchema(ma.Schema):
    """What a user's ratings add up to."""

    count = ma.fields.Integer(required=True, metadata={"example": 2})
    mean = ma.fields.Float(required=True, allow_none=True, metadata={"example": 7.75})
    histogram = ma.fields.List(
        ma.fields.Integer(),
        required=True,
        validate=ma.validate.Length(equal=MAX_HALF_POINTS),
        metadata=HISTOGRAM_METADATA,
    )


class PublicUserSchema(ma.Schema):
    """What anyone may know of a user."""

    id = ma.fields.Integer(required=True, metadata={"example": 3})
    username = ma.fields.String(required=True, metadata={"example": "ada"})
    display_name = ma.fields.String(required=True, metadata={"example": "Ada L."})
    created_at = Timestamp(required=True)


class ProfileSchema(PublicUserSchema):
    """A user's public profile."""

    ratings = ma.fields.Nested(UserRatingsSchema, required=True)


class AccountSchema(PublicUserSchema):
    """An account, as admins see it."""

    email = ma.fields.String(required=True, allow_none=True, metadata={"example": "ada@example.org"})
    role = ma.fields.String(required=True, validate=ma.validate.OneOf(ROLES))
    active = ma.fields.Boolean(required=True, metadata={"example": True})


class OwnAccountSchema(AccountSchema):
    """One's own account."""

    ratings = ma.fields.Nested(UserRatingsSchema, required=True)


class AccountQuerySchema(PageQuerySchema):
    """Which accounts."""

    q = SingleLineString(max_length=254, metadata={"description": "What the username or e-mail starts with."})


class AdminUpdateAccountSchema(ma.Schema):
    """What an admin may change about an account."""

    role = ma.fields.String(validate=ma.validate.OneOf(ROLES))
    active = StrictBoolean(metadata={"example": True})


class RatedMovieSchema(RatingSchema):
    """A rating with its movie."""

    movie = ma.fields.Nested(MovieFactsSchema, required=True)


class UserRatingsQuerySchema(PageQuerySchema):
    """Which of a user's ratings, in which order."""

    sort = ma.fields.String(
        load_default="-rated_at",
        validate=ma.validate.OneOf(SORTS),
        metadata={"description": "`-` puts the highest first."},
    )
    min_value = HalfPoints(metadata={**VALUE, "from_query": True, "description": "At least this value."})
    max_value = HalfPoints(metadata={**VALUE, "from_query": True, "description": "At most this value."})
    genre = ma.fields.String(
        validate=ma.validate.OneOf(GENRES), metadata={"description": "Only movies of this genre."}
    )
