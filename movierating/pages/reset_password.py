"""Set a new password with a one-time link."""

from typing import Any

from flask import Response, url_for

from movierating.auth import limits, one_time_links, password_resets
from movierating.auth.schemas import ResetPasswordSchema
from movierating.errors import ApiError
from movierating.http.public_views import public
from movierating.pages.blueprint import blueprint, page, render, send_to
from movierating.pages.forms import Form, load_form
from movierating.pages.notices import Notice


@blueprint.get("/reset/<token>")
@page
@public
def show_password_reset(token: str) -> Response:
    """Show the form for a new password, which does not use the link. Raise Forbidden if the link is not valid."""
    one_time_links.find_password_reset(token)
    return _render_form(Form({"token": token}))


@blueprint.post("/reset")
@page
@limits.limit_password_resets
@public
def submit_password_reset() -> Any:
    """Set the password, end all sessions, and lead to the log-in page; or show the form again."""
    try:
        values = load_form(ResetPasswordSchema())
        password_resets.reset_password(values["token"], values["password"])
    except ApiError as error:
        return _render_form(Form.of_request(error))
    return send_to(url_for("pages.log_in"), Notice("password"))


def _render_form(form: Form) -> Response:
    response = render("reset_password.html", form.status, form=form)
    response.headers["Cache-Control"] = "no-store"
    return response
