"""The parts that all pages share: the viewer, protection against other sites, headers and errors."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import xxhash
from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import HTTPException

from movierating.auth.service import Caller
from movierating.errors import ApiError, Forbidden, NotFound, Unauthenticated
from movierating.http import error_handlers
from movierating.http.public_views import is_public, public
from movierating.http.request_context import READ_METHODS, REQUEST_ID, USER_ID
from movierating.movies.redirects import redirect_if_merged
from movierating.pages import notices, same_site, session
from movierating.pages.local_paths import find_form_address, get_current_address
from movierating.pages.notices import Notice
from movierating.users import service as users

blueprint = Blueprint("pages", __name__, template_folder="templates")

# Pages load only files of the package; `data:` is an icon in the style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The account that is logged in to the browser."""

    id: int
    username: str
    display_name: str
    is_admin: bool
    caller: Caller


class Redirect(Exception):
    """End a view and send the browser to another page, which shows the notice if there is one."""

    def __init__(self, path: str, notice: Notice | None = None) -> None:
        super().__init__(path)
        self.path = path
        self.notice = notice


def page(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate the view of a page. In it, `get_viewer()` returns the viewer, or None without a login.

    With MOVIERATING_PRIVATE, the page needs a login, unless `view` is marked as public.
    """
    has_public_view = is_public(view)

    # No token is required: a page accepts only the cookie.
    @public
    @functools.wraps(view)
    def wrapped(**path: Any) -> Response:
        same_site.require_same_site()
        load_viewer()
        if current_app.config["PRIVATE"] and not has_public_view:
            _require_login()
        response: Response = make_response(view(**path))
        if g.viewer is not None:
            session.prolong(response)
        return _add_headers(response)

    return wrapped


def load_viewer() -> None:
    """Find the viewer by the request's cookie, for `get_viewer` to return."""
    caller = session.find_caller()
    g.viewer = _make_viewer(caller) if caller is not None else None


def member_page(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate the view of a page that needs a login; others are sent to the log-in page and back."""

    @page
    @functools.wraps(view)
    def wrapped(**path: Any) -> Any:
        _require_login()
        return view(**path)

    return wrapped


def _require_login() -> None:
    """Raise Redirect to the log-in page, which leads back, unless the request has a session."""
    if g.viewer is None:
        raise _make_login_redirect()


def _make_login_redirect() -> Redirect:
    """Return the redirect to the log-in page, which leads back, and says so if a form was not saved."""
    if request.method in READ_METHODS:
        return Redirect(url_for("pages.log_in", next=get_current_address()))
    return Redirect(url_for("pages.log_in", next=find_form_address()), Notice("unsaved"))


def admin_page(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate the view of a page for admins; raise Forbidden for other members."""

    @member_page
    @functools.wraps(view)
    def wrapped(**path: Any) -> Any:
        if not g.viewer.is_admin:
            raise Forbidden("Only an admin can do this.", kind="admin-required")
        return view(**path)

    return wrapped


def _make_viewer(caller: Caller) -> Viewer:
    # The limits of a user count by it.
    g.caller = caller
    request.environ[USER_ID] = caller.user_id
    return Viewer(
        caller.user_id, **users.get_names(caller.user_id), is_admin=caller.role == "admin", caller=caller
    )


def get_viewer() -> Viewer | None:
    """Return the account that is logged in, or None."""
    viewer: Viewer | None = g.get("viewer")
    return viewer


def get_member() -> Viewer:
    """Return the account that is logged in, in a view under `member_page` or `admin_page`."""
    viewer: Viewer = g.viewer
    return viewer


def send_to(path: str, notice: Notice | None = None) -> Response:
    """Return a redirect after a form (303) to a page that shows a notice.

    So, reloading the page does not send the form again.
    """
    response = make_response(redirect(path, 303))
    if notice is not None:
        notices.set_notice(response, notice)
    return response


def render(template: str, status: int = 200, **values: Any) -> Response:
    """Return a page, or 304 if the browser has it.

    The title says that there is an error if `is_rejected`, by default if the status is that of an error.
    """
    text = render_template(template, **{"viewer": get_viewer(), "is_rejected": status >= 400, **values})
    response = Response(text, status)
    if status == 200:
        response.set_etag(xxhash.xxh3_128_hexdigest(text.encode()), weak=True)
        response.make_conditional(request)
    return response


def _add_headers(response: Response) -> Response:
    """Add the headers of pages."""
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    # With `no-referrer`, browsers would send `Origin: null` with forms.
    response.headers.setdefault("Referrer-Policy", "same-origin")
    is_read = request.method in READ_METHODS
    # A script that was redirected does not show the page, and opens it again.
    is_shown = "X-Part" not in request.headers and response.status_code in (200, 304)
    if is_read and notices.has_notice() and is_shown:
        notices.delete_notice(response)
    is_private = get_viewer() is not None or not is_read or notices.has_notice()
    response.headers.setdefault("Cache-Control", "private, no-cache" if is_private else "no-cache")
    response.vary.add("Cookie")
    return response


@blueprint.errorhandler(Redirect)
def _redirect(error: Redirect) -> Response:
    return _add_headers(send_to(error.path, error.notice))


@blueprint.errorhandler(Unauthenticated)
def _redirect_to_login(_error: Unauthenticated) -> Response:
    """Redirect to the log-in page: the account was deleted, or its sessions were ended, during the request."""
    g.viewer = None
    return _redirect(Redirect(url_for("pages.log_in")))


@blueprint.errorhandler(ApiError)
def _render_error(error: ApiError) -> Response:
    """Return the page of an error that a service raised."""
    problem = error_handlers.handle_api_error(error)
    messages = " ".join(each.message for each in error.errors or ())
    return _render_problem(problem, messages or error.detail)


@blueprint.errorhandler(NotFound)
def _redirect_if_merged(error: NotFound) -> Response:
    """Redirect to the same page of the movie that this one was merged into, or return the page of the error."""
    response = redirect_if_merged(error)
    if response.location is not None:
        return _add_headers(response)
    assert response.json is not None
    return _render_problem(response, response.json["detail"])


@blueprint.errorhandler(HTTPException)
def render_http_error(error: HTTPException) -> Any:
    """Return a page with the status and the message of an error; a redirect remains one."""
    problem = error_handlers.handle_http_error(error)
    if not isinstance(problem, Response) or problem.json is None:
        return problem  # a redirect
    return _render_problem(problem, problem.json["detail"])


def _render_problem(problem: Response, detail: str) -> Response:
    assert problem.json is not None
    text = render_template(
        "error.html",
        viewer=get_viewer() if problem.status_code < 500 else None,
        is_rejected=True,
        status=problem.status_code,
        title=problem.json["title"],
        detail=detail,
        movie_id=problem.json.get("conflict", {}).get("movie_id"),
        request_id=request.environ.get(REQUEST_ID),
    )
    response = Response(text, problem.status_code)
    for name in ("Allow", "Retry-After"):
        if name in problem.headers:
            response.headers[name] = problem.headers[name]
    return _add_headers(response)
