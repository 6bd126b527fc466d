"""What a service refuses, and the one shape (RFC 9457) in which every refusal reaches a client.

ApiError
├── Unauthenticated      401  nobody, or nobody known, is calling
├── Forbidden            403  the caller may not do this
├── NotFound             404  there is no such thing
├── Conflict             409  it contradicts what is there
├── PreconditionFailed                412  it was changed since the caller read it
├── InvalidRequest              422  the request does not fit its schema, field by field
├── PreconditionRequired        428  the call needs an If-Match header
├── Unavailable          503  the service can't do this now
└── InsufficientStorage  507  there is no room left to store it
"""

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

PROBLEM_MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was refused: where it stood (json, query, path, headers, files), its dotted name, and why."""

    location: str
    field: str
    message: str


class ApiError(Exception):
    """A refusal that the client is told about; `detail` is a sentence for a person."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class Unauthenticated(ApiError):
    """401."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(ApiError):
    """403."""

    status = HTTPStatus.FORBIDDEN


class NotFound(ApiError):
    """404."""

    status = HTTPStatus.NOT_FOUND


class Conflict(ApiError):
    """409."""

    status = HTTPStatus.CONFLICT


class PreconditionFailed(ApiError):
    """412."""

    status = HTTPStatus.PRECONDITION_FAILED


class InvalidRequest(ApiError):
    """422; `errors` names each field."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PreconditionRequired(ApiError):
    """428."""

    status = HTTPStatus.PRECONDITION_REQUIRED


class Unavailable(ApiError):
    """503."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class InsufficientStorage(ApiError):
    """507."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


def invalid_field(location: str, field: str, message: str) -> InvalidRequest:
    """The refusal of one field."""
    return InvalidRequest("The request is not valid.", [FieldError(location, field, message)])


def problem_details(
    status: int, detail: str, request_id: str | None, errors: list[FieldError] | None = None
) -> dict[str, Any]:
    """The problem document (RFC 9457): `type`, `title`, `status`, `detail`, `request_id`, and `errors` on a 422."""
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
