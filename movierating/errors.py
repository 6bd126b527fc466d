"""The errors that services raise, and their problem details (RFC 9457).

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

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

PROBLEM_MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """An invalid field: its location (json, query, path, headers or files), its path with dots, and the reason."""

    location: str
    field: str
    message: str


class ApiError(Exception):
    """An error that the client sees; `detail` is a sentence for a person."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class Unauthenticated(ApiError):
    """HTTP 401."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(ApiError):
    """HTTP 403."""

    status = HTTPStatus.FORBIDDEN


class NotFound(ApiError):
    """HTTP 404."""

    status = HTTPStatus.NOT_FOUND


class Conflict(ApiError):
    """HTTP 409."""

    status = HTTPStatus.CONFLICT


class PreconditionFailed(ApiError):
    """HTTP 412."""

    status = HTTPStatus.PRECONDITION_FAILED


class InvalidRequest(ApiError):
    """HTTP 422; `errors` lists each field."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PreconditionRequired(ApiError):
    """HTTP 428."""

    status = HTTPStatus.PRECONDITION_REQUIRED


class Unavailable(ApiError):
    """HTTP 503."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class InsufficientStorage(ApiError):
    """HTTP 507."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


def invalid_field(location: str, field: str, message: str) -> InvalidRequest:
    """Return an InvalidRequest for one field."""
    return InvalidRequest("The request is not valid.", [FieldError(location, field, message)])


def problem_details(
    status: int, detail: str, request_id: str | None, errors: list[FieldError] | None = None
) -> dict[str, Any]:
    """Return problem details (RFC 9457): `type`, `title`, `status`, `detail`, `request_id`, and `errors` on a 422."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    if errors is not None:
        body["errors"] = [asdict(error) for error in errors]
    return body
