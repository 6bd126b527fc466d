"""The kinds of problems, the problem details of a response (RFC 9457), and a page that explains each kind."""

import re
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, NamedTuple

from flask import Blueprint, Response, abort, url_for
from markupsafe import Markup

from movierating.errors import ApiError
from movierating.http.public_views import public

PROBLEM_MEDIA_TYPE = "application/problem+json"


class Problem(NamedTuple):
    """A kind of problem: the HTTP status, a short title, and what to do."""

    status: int
    title: str
    advice: str


PROBLEMS = {
    "bad-request": Problem(
        400, "Bad request", "The request is not valid HTTP, or its body is not JSON in UTF-8."
    ),
    "token-missing": Problem(401, "Token missing", "Log in, and send the access token as a bearer token."),
    "token-invalid": Problem(
        401, "Token invalid", "Send a token as this service issued it, of the right type."
    ),
    "token-expired": Problem(401, "Token expired", "Refresh the tokens, or log in again."),
    "token-revoked": Problem(
        401,
        "Token revoked",
        "The session has ended, the personal token was revoked, or the account is inactive. Log in again.",
    ),
    "wrong-credentials": Problem(401, "Wrong credentials", "Check the username or e-mail, and the password."),
    "forbidden": Problem(403, "Forbidden", "The caller may not do this."),
    "admin-required": Problem(
        403, "Admin required", "Ask an admin to do this, or to make the account an admin."
    ),
    "read-only-token": Problem(403, "Read-only token", "Create a personal token with the scope `write`."),
    "session-required": Problem(403, "Session required", "Log in: a personal token is not enough for this."),
    "wrong-password": Problem(403, "Wrong password", "Send the account's password as `current_password`."),
    "sign-up-closed": Problem(403, "Sign-up closed", "Ask the operator of the service for an account."),
    "invitation-required": Problem(
        403, "Invitation required", "Ask an admin for an invitation, and send its token as `invitation`."
    ),
    "invitation-invalid": Problem(
        403,
        "Invitation invalid",
        "An invitation is valid for one sign-up, for a week, until an admin withdraws it. Ask for another one.",
    ),
    "password-reset-invalid": Problem(
        403,
        "Password reset invalid",
        "A link to reset a password is valid once, for 24 hours, until there is a newer one. Ask an admin for another.",
    ),
    "not-found": Problem(404, "Not found", "Check the address; what was there may have been deleted."),
    "method-not-allowed": Problem(405, "Method not allowed", "The `Allow` header names the methods."),
    "conflict": Problem(
        409, "Conflict", "The request conflicts with what is stored; `detail` says with what."
    ),
    "username-taken": Problem(
        409, "Username taken", "Choose another username. Letter case makes no difference."
    ),
    "email-taken": Problem(
        409, "E-mail taken", "Log in to the account with this e-mail, or use another e-mail."
    ),
    "movie-exists": Problem(
        409,
        "Movie exists",
        "`conflict` names the field, and the movie that has the same value. Two movies of one title and year need "
        "different IMDb ids.",
    ),
    "movie-merged": Problem(
        409,
        "Movie merged",
        "`conflict` names the movie that stayed. Send the request to that one, if you mean it.",
    ),
    "movie-has-ratings": Problem(409, "Movie has ratings", "Pass `with_ratings=true` to delete them too."),
    "last-admin": Problem(409, "Last admin", "Make another account an admin first."),
    "too-many-tokens": Problem(409, "Too many tokens", "Revoke a personal token first."),
    "precondition-failed": Problem(
        412, "Precondition failed", "Read the resource again, and send its new `ETag` as `If-Match`."
    ),
    "body-too-large": Problem(413, "Body too large", "Send a smaller body, or split a file."),
    "unsupported-media-type": Problem(
        415,
        "Unsupported media type",
        "Send the `Content-Type` that the operation describes, and no compressed body.",
    ),
    "validation": Problem(
        422, "Invalid request", "`errors` lists the invalid fields and parameters, the first 1,000."
    ),
    "precondition-required": Problem(
        428, "Precondition required", "Send the `ETag` that you read as `If-Match`."
    ),
    "rate-limited": Problem(429, "Too many requests", "Wait for as many seconds as `Retry-After` says."),
    "internal-error": Problem(
        500,
        "Internal error",
        "Report it to the operator with the `request_id`, under which the log has details.",
    ),
    "unavailable": Problem(503, "Unavailable", "Try again shortly. Check first whether the change was made."),
    "disk-full": Problem(507, "Disk full", "The operator must free disk space. Reads still work."),
}
# The kinds of errors that Flask and Werkzeug raise.
_KINDS_BY_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
    429: "rate-limited",
    500: "internal-error",
}

blueprint = Blueprint("problems", __name__, url_prefix="/problems")


def make_http_error(status: int, detail: str) -> ApiError:
    """Return an ApiError with any status, for the errors that Flask and Werkzeug raise."""
    kind = _KINDS_BY_STATUS.get(status, "bad-request" if status < 500 else "internal-error")
    error = ApiError(detail, kind=kind)
    error.status = HTTPStatus(status)
    return error


def make_problem_details(error: ApiError, request_id: str | None) -> dict[str, Any]:
    """Return problem details: `type`, `title`, `status`, `detail`, `request_id`, and `errors` or `conflict`, if any."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.kind}",
        "title": PROBLEMS[error.kind].title,
        "status": error.status,
        "detail": error.detail,
        "request_id": request_id,
    }
    if error.errors is not None:
        body["errors"] = [asdict(field) for field in error.errors]
    if error.conflict is not None:
        body["conflict"] = error.conflict
    return body


# Werkzeug's redirect to the path with a slash would name the host that the client chose.
@blueprint.get("")
@blueprint.get("/")
@public
def list_problems() -> Response:
    """Return a page with a link to each kind of problem."""
    items = Markup("").join(
        Markup('<li><a href="{}">{}</a> ({})</li>').format(
            url_for("problems.explain_problem", kind=kind), problem.title, problem.status
        )
        for kind, problem in PROBLEMS.items()
    )
    return _make_page("Problems", Markup("<ul>{}</ul>").format(items))


@blueprint.get("/<kind>")
@public
def explain_problem(kind: str) -> Response:
    """Return the page of a kind of problem."""
    if kind not in PROBLEMS:
        abort(404)
    status, title, advice = PROBLEMS[kind]
    back = Markup('<p><a href="{}">All problems</a></p>').format(url_for("problems.list_problems"))
    words = Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", advice))  # noqa: S704  (advice is a constant)
    text = Markup("<p>HTTP status {}, <code>/problems/{}</code></p><p>{}</p>").format(status, kind, words)
    return _make_page(title, text + back)


def _make_page(title: str, text: Markup) -> Response:
    page = Markup(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"></head>'
        "<body><h1>{title}</h1>{text}</body></html>"
    ).format(title=title, text=text)
    return Response(page, mimetype="text/html")
