"""Sign up, openly or with an invitation."""

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app, request, url_for

from movierating.auth import limits, one_time_links
from movierating.auth.service import TokenGrant
from movierating.errors import ApiError, Conflict, Forbidden, Unauthenticated
from movierating.http.public_views import public
from movierating.pages import session
from movierating.pages.blueprint import Redirect, blueprint, get_viewer, page, render, send_to
from movierating.pages.forms import Form, load_form
from movierating.users import service as users
from movierating.users.schemas import SignUpSchema


@blueprint.get("/sign-up")
@page
@public
def sign_up() -> Any:
    """Show the form, or say that sign-up is closed or by invitation."""
    if get_viewer() is not None:
        raise Redirect(url_for("pages.list_movies"))
    return _render_form(Form())


@blueprint.get("/invite/<token>")
@page
@public
def show_invitation(token: str) -> Any:
    """Show the form with an invitation, which stays unused. Raise Forbidden if the invitation is not valid."""
    one_time_links.require_invitation(token)
    return _render_form(Form({"invitation": token}))


@blueprint.post("/sign-up")
@page
@limits.limit_sign_ups
@public
def submit_sign_up() -> Any:
    """Create the account, log in, and redirect to the movies to rate. If that fails, show the form again.

    A form that is sent twice logs in both times.
    """
    if not _may_sign_up(request.form):
        return _render_form(Form(request.form, status=403))
    try:
        grant = _sign_up(load_form(SignUpSchema()))
    except ApiError as error:
        return _render_form(Form.of_request(error))
    response = send_to(url_for("pages.rate_next"))
    session.set_cookie(response, grant.user_id, grant.session_id, stays=True)
    return response


def _sign_up(values: dict[str, Any]) -> TokenGrant:
    """Create the account and open a session; if the form was sent before, only open a session. Raise ApiError."""
    try:
        users.sign_up(**values)
    except (Conflict, Forbidden) as error:
        # The username and the e-mail are taken, or the invitation is used.
        if not users.was_just_created(values["username"], values["email"]):
            raise
        try:
            return _open_session(values)
        except Unauthenticated:
            raise error from None
    return _open_session(values)


def _open_session(values: dict[str, Any]) -> TokenGrant:
    return session.open_session(values["username"], values["password"], stays=True)


def _may_sign_up(values: Mapping[str, Any]) -> bool:
    """Return True if sign-up is open, or the values of the form have an invitation where that is enough."""
    mode = current_app.config["SIGNUP"]
    return mode == "open" or (mode == "invite" and bool(values.get("invitation")))


def _render_form(form: Form) -> Response:
    mode = current_app.config["SIGNUP"]
    response = render(
        "sign_up.html", form.status, form=form, mode=mode, may_sign_up=_may_sign_up(form.values)
    )
    if form.values.get("invitation"):
        response.headers["Cache-Control"] = "no-store"
    return response
