"""The errors that services raise. `http/problems.py` describes their kinds.

ApiError
├── Unauthenticated       401  the credentials are missing or invalid
├── Forbidden             403  the caller lacks the permission
├── NotFound              404  there is no such resource
├── Conflict              409  the request conflicts with existing data
├── PreconditionFailed    412  the resource has changed since the caller read it
├── InvalidRequest        422  fields or parameters are invalid
├── PreconditionRequired  428  the `If-Match` header is missing
├── Unavailable           503  the service is temporarily unavailable
└── InsufficientStorage   507  the disk is full
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """An invalid field: its location (json, query, path, headers or files), its path with dots, and the reason."""

    location: str
    field: str
    message: str


class ApiError(Exception):
    """An error that the client sees; `detail` is a sentence for a person, and `kind` is a word for a program.

    `errors` are the invalid fields. `conflict` is what the request conflicts with: a `field`, and the `movie_id`.
    """

    status = HTTPStatus.BAD_REQUEST
    kind = "bad-request"

    def __init__(
        self,
        detail: str,
        errors: list[FieldError] | None = None,
        *,
        kind: str | None = None,
        conflict: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.conflict = conflict
        if kind is not None:
            self.kind = kind


class Unauthenticated(ApiError):
    """HTTP 401."""

    status = HTTPStatus.UNAUTHORIZED
    kind = "wrong-credentials"


class TokenMissing(Unauthenticated):
    """The request has no bearer token."""

    kind = "token-missing"

    def __init__(self) -> None:
        super().__init__("The request needs a bearer token.")


class TokenInvalid(Unauthenticated):
    """The token was not issued by this service, or is of another type."""

    kind = "token-invalid"

    def __init__(self) -> None:
        super().__init__("The token is invalid.")


class TokenExpired(Unauthenticated):
    """The token was valid until a time that has passed."""

    kind = "token-expired"

    def __init__(self) -> None:
        super().__init__("The token has expired.")


class TokenRevoked(Unauthenticated):
    """The token's session has ended, the token was revoked, or its account is inactive or deleted."""

    kind = "token-revoked"

    def __init__(self) -> None:
        super().__init__("The token has been revoked.")


class Forbidden(ApiError):
    """HTTP 403."""

    status = HTTPStatus.FORBIDDEN
    kind = "forbidden"


class NotFound(ApiError):
    """HTTP 404."""

    status = HTTPStatus.NOT_FOUND
    kind = "not-found"


class Conflict(ApiError):
    """HTTP 409."""

    status = HTTPStatus.CONFLICT
    kind = "conflict"


class PreconditionFailed(ApiError):
    """HTTP 412."""

    status = HTTPStatus.PRECONDITION_FAILED
    kind = "precondition-failed"


class InvalidRequest(ApiError):
    """HTTP 422; `errors` lists each field."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "validation"


class PreconditionRequired(ApiError):
    """HTTP 428."""

    status = HTTPStatus.PRECONDITION_REQUIRED
    kind = "precondition-required"


class Unavailable(ApiError):
    """HTTP 503."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    kind = "unavailable"


class InsufficientStorage(ApiError):
    """HTTP 507."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    kind = "disk-full"


def invalid_field(location: str, field: str, message: str) -> InvalidRequest:
    """Return an InvalidRequest for one field."""
    return InvalidRequest("The request is not valid.", [FieldError(location, field, message)])
