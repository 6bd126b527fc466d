"""Schemas of accounts, profiles and lists of a user's ratings."""

import re
from typing import Any

import marshmallow as ma

from movierating.auth import passwords
from movierating.auth.models import ROLES
from movierating.auth.schemas import make_one_time_token_field, make_password_field
from movierating.auth.service import normalize_name
from movierating.http.fields import (
    DISALLOWED,
    HalfPoints,
    SingleLineString,
    StrictBoolean,
    Timestamp,
)
from movierating.http.responses import PageQuerySchema
from movierating.movies.genres import GENRES
from movierating.movies.schemas import MovieFactsSchema, RatingStatsSchema
from movierating.ratings.schemas import VALUE, RatingSchema, UserSummarySchema
from movierating.users.rating_history import OWN_SORTS, SORTS

# ASCII letters only, so that no name can look like another one.
_USERNAME = ma.validate.Regexp(
    re.compile(r"(?![Mm][Ll]-)[A-Za-z][A-Za-z0-9_.-]{2,29}\Z"),
    error='Must be 3 to 30 of a-z, 0-9, "_", "." and "-", start with a letter, and not with "ml-".',
)
USERNAME_IN_PATH = {
    "in": "path",
    "name": "username",
    "schema": {"type": "string", "minLength": 1, "maxLength": 30},
    "description": "The user's `username`, such as `ada`, in any letter case.",
}
MAX_EMAIL_LENGTH = 254

_LISTED = {
    "example": True,
    "description": "False if the user opted out of being named among people with the same taste.",
}


def _make_email_field(**kwargs: Any) -> ma.fields.Email:
    return ma.fields.Email(
        validate=[ma.validate.Length(max=MAX_EMAIL_LENGTH), _check_email],
        metadata={"example": "ada@example.org"},
        **kwargs,
    )


def _check_email(email: str) -> None:
    # A quoted address may contain control characters, and folding can turn one letter into eighteen.
    if DISALLOWED.search(email) or len(normalize_name(email)) > MAX_EMAIL_LENGTH:
        raise ma.ValidationError("Not a valid email address.")


class _NewPasswordSchema(ma.Schema):
    """Reject a weak password along with the other invalid fields; the service also knows the stored names."""

    @ma.validates_schema(skip_on_field_errors=False)
    def validate_password(self, data: dict[str, Any], **_: Any) -> None:
        """Raise ValidationError for a weak password."""
        if "password" in data:
            names = {name: data.get(name, "") for name in ("username", "email")}
            reason = passwords.explain_rejection(data["password"], **names)
            if reason is not None:
                raise ma.ValidationError(reason, "password")


class SignUpSchema(_NewPasswordSchema):
    """An account to create."""

    username = ma.fields.String(required=True, validate=_USERNAME, metadata={"example": "ada"})
    email = _make_email_field(required=True)
    password = make_password_field(
        "Not a common password, and not your own name.", is_new=True, required=True
    )
    display_name = SingleLineString(max_length=100, metadata={"example": "Ada L."})
    invitation = make_one_time_token_field()


class UpdateAccountSchema(_NewPasswordSchema):
    """Changes to the caller's account."""

    display_name = SingleLineString(max_length=100, metadata={"example": "Ada Lovelace"})
    email = _make_email_field()
    password = make_password_field(
        "The new password. It revokes all sessions and personal tokens.", is_new=True
    )
    current_password = make_password_field("Required for a new password or e-mail.")
    listed = StrictBoolean(metadata=_LISTED)


class DeleteAccountSchema(ma.Schema):
    """Confirm the deletion of an account with its password."""

    current_password = make_password_field("The account's password.", required=True)


class UserRatingsSchema(RatingStatsSchema):
    """Statistics of a user's ratings."""


class PublicUserSchema(UserSummarySchema):
    """The public fields of a user."""

    created_at = Timestamp(required=True)


class ProfileSchema(PublicUserSchema):
    """A user's public profile."""

    ratings = ma.fields.Nested(UserRatingsSchema, required=True)


class AccountSchema(PublicUserSchema):
    """An account as admins see it."""

    email = ma.fields.String(required=True, allow_none=True, metadata={"example": "ada@example.org"})
    role = ma.fields.String(required=True, validate=ma.validate.OneOf(ROLES))
    active = ma.fields.Boolean(required=True, metadata={"example": True})


class OwnAccountSchema(AccountSchema):
    """The caller's account."""

    listed = ma.fields.Boolean(required=True, metadata=_LISTED)
    ratings = ma.fields.Nested(UserRatingsSchema, required=True)


class AccountQuerySchema(PageQuerySchema):
    """Filter of the list of accounts."""

    q = SingleLineString(max_length=254, metadata={"description": "Start of the username or e-mail."})


class AdminUpdateAccountSchema(ma.Schema):
    """Changes to an account by an admin."""

    role = ma.fields.String(validate=ma.validate.OneOf(ROLES))
    active = StrictBoolean(metadata={"example": True})


class RatedMovieSchema(RatingSchema):
    """A rating with its movie."""

    movie = ma.fields.Nested(MovieFactsSchema, required=True)


class UserRatingsQuerySchema(PageQuerySchema):
    """Filters and order of a user's ratings."""

    sort = ma.fields.String(
        load_default="-rated_at",
        validate=ma.validate.OneOf(SORTS),
        metadata={"description": "`-` sorts in descending order."},
    )
    min_value = HalfPoints(metadata={**VALUE, "description": "At least this value."})
    max_value = HalfPoints(metadata={**VALUE, "description": "At most this value."})
    genre = ma.fields.String(
        validate=ma.validate.OneOf(GENRES), metadata={"description": "Only movies of this genre."}
    )


class OwnRatingsQuerySchema(UserRatingsQuerySchema):
    """Filters and order of the caller's ratings."""

    sort = ma.fields.String(
        load_default="-rated_at",
        validate=ma.validate.OneOf(OWN_SORTS),
        metadata={"description": "`-` sorts in descending order."},
    )
    updated_since = Timestamp(metadata={"description": "Only ratings set or changed at this time or later."})
