"""What a service refuses, and the one shape (RFC 9457) in which every refusal reaches a client.

Problem
├── Unauthenticated      401  nobody, or nobody known, is calling
├── Forbidden            403  the caller may not do this
├── NotFound             404  there is no such thing
├── Conflict             409  it contradicts what is there
├── Stale                412  it was changed since the caller read it
├── Invalid              422  the request does not fit its schema, field by field
├── MatchRequired        428  the call needs an If-Match header
├── Unavailable          503  the service can't do this now
└── InsufficientStorage  507  there is no room left to store it
"""

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was refused: where it stood (json, query, path, headers, files), its dotted name, and why."""

    location: str
    field: str
    message: str


class Problem(Exception):
    """A refusal that the client is told about; `detail` is a sentence for a person."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class Unauthenticated(Problem):
    """401."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(Problem):
    """403."""

    status = HTTPStatus.FORBIDDEN


class NotFound(Problem):
    """404."""

    status = HTTPStatus.NOT_FOUND


class Conflict(Problem):
    """409."""

    status = HTTPStatus.CONFLICT


class Stale(Problem):
    """412."""

    status = HTTPStatus.PRECONDITION_FAILED


class Invalid(Problem):
    """422; `errors` names each field."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class MatchRequired(Problem):
    """428."""

    status = HTTPStatus.PRECONDITION_REQUIRED


class Unavailable(Problem):
    """503."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class InsufficientStorage(Problem):
    """507."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


def invalid(location: str, field: str, message: str) -> Invalid:
    """The refusal of one field."""
    return Invalid("The request is not valid.", [FieldError(location, field, message)])


def document(
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
