"""Schemas of logins, token pairs, personal tokens and one-time links."""

from typing import Any

import marshmallow as ma

from movierating.auth import passwords
from movierating.auth.models import SCOPES
from movierating.http.fields import SingleLineString, Timestamp, require_future


def make_password_field(
    description: str | None = None, *, is_new: bool = False, **kwargs: Any
) -> ma.fields.String:
    """Return a field for a password. The length of a new one is only documented: `passwords` checks its NFKC form."""
    metadata: dict[str, Any] = {"example": "correct horse battery", "format": "password"}
    if description is not None:
        metadata["description"] = description
    if is_new:
        metadata |= {"minLength": passwords.MIN_LENGTH, "maxLength": passwords.MAX_LENGTH}
    validate = None if is_new else ma.validate.Length(1, 1024)
    return ma.fields.String(validate=validate, load_only=True, metadata=metadata, **kwargs)


class LoginSchema(ma.Schema):
    """A username or e-mail, and the password."""

    login = ma.fields.String(required=True, validate=ma.validate.Length(1, 254), metadata={"example": "ada"})
    password = make_password_field(required=True)


class TokenPairSchema(ma.Schema):
    """Tokens to send as `Authorization: Bearer …`."""

    access_token = ma.fields.String(
        required=True, metadata={"example": "eyJhbGciOiJIUzI1NiIs…", "description": "Valid for 15 minutes."}
    )
    refresh_token = ma.fields.String(
        required=True,
        metadata={"example": "eyJhbGciOiJIUzI1NiIs…", "description": "Valid for 30 days, and for one use."},
    )
    token_type = ma.fields.String(
        required=True, validate=ma.validate.Equal("Bearer"), metadata={"example": "Bearer"}
    )
    expires_in = ma.fields.Integer(required=True, metadata={"example": 900, "description": "Seconds."})


class CreateTokenSchema(ma.Schema):
    """A personal token to create."""

    name = SingleLineString(required=True, max_length=100, metadata={"example": "nightly backup"})
    scope = ma.fields.String(required=True, validate=ma.validate.OneOf(SCOPES), metadata={"example": "read"})
    expires_at = Timestamp(
        load_default=None,
        allow_none=True,
        validate=require_future,
        metadata={"example": "2030-01-01T00:00:00Z"},
    )


class TokenSchema(ma.Schema):
    """A personal token, without its secret."""

    id = ma.fields.Integer(required=True, metadata={"example": 5})
    name = ma.fields.String(required=True, metadata={"example": "nightly backup"})
    scope = ma.fields.String(required=True, validate=ma.validate.OneOf(SCOPES))
    created_at = Timestamp(required=True)
    expires_at = Timestamp(required=True, allow_none=True, metadata={"example": "2030-01-01T00:00:00Z"})
    last_used_at = Timestamp(required=True, allow_none=True, metadata={"description": "To the minute."})


class TokenWithSecretSchema(TokenSchema):
    """A personal token with its secret, which is shown only once."""

    token = ma.fields.String(required=True, metadata={"example": "mr_4Zb0…"})


_TOKEN_EXAMPLE = "mJ4Zc0rXq1TtWd3oVn8yLk2BpEo7sUaH9fGxQiC5vRw"  # noqa: S105


class InvitationSchema(ma.Schema):
    """An open invitation, without its token."""

    id = ma.fields.Integer(required=True, metadata={"example": 3})
    created_by = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "example": "ada",
            "description": "The admin's username, or null if a command created the invitation.",
        },
    )
    created_at = Timestamp(required=True, metadata={"example": "2030-01-01T00:00:00Z"})
    expires_at = Timestamp(required=True, metadata={"example": "2030-01-08T00:00:00Z"})


class InvitationWithLinkSchema(InvitationSchema):
    """An invitation with its token and link, which are shown only once."""

    token = ma.fields.String(required=True, metadata={"example": _TOKEN_EXAMPLE})
    link = ma.fields.String(
        required=True,
        metadata={
            "example": f"https://films.example/invite/{_TOKEN_EXAMPLE}",
            "description": "A path if the operator set no `MOVIERATING_PUBLIC_URL`.",
        },
    )


class PasswordResetLinkSchema(ma.Schema):
    """A link to set a new password, which is shown only once."""

    created_by = ma.fields.String(
        required=True, metadata={"example": "ada", "description": "The admin's username."}
    )
    created_at = Timestamp(required=True, metadata={"example": "2030-01-01T00:00:00Z"})
    expires_at = Timestamp(required=True, metadata={"example": "2030-01-02T00:00:00Z"})
    token = ma.fields.String(required=True, metadata={"example": _TOKEN_EXAMPLE})
    link = ma.fields.String(
        required=True,
        metadata={
            "example": f"https://films.example/reset/{_TOKEN_EXAMPLE}",
            "description": "A path if the operator set no `MOVIERATING_PUBLIC_URL`.",
        },
    )


def make_one_time_token_field(**kwargs: Any) -> ma.fields.String:
    """Return a field for the token of a one-time link."""
    return ma.fields.String(
        validate=ma.validate.Length(1, 100), load_only=True, metadata={"example": _TOKEN_EXAMPLE}, **kwargs
    )


class ResetPasswordSchema(ma.Schema):
    """The token of a link, and the new password."""

    token = make_one_time_token_field(required=True)
    password = make_password_field(is_new=True, required=True)
