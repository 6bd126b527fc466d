"""Log in and out."""

from typing import Any

import marshmallow as ma
from flask import g, request, url_for

from movierating.auth import limits
from movierating.auth.schemas import LoginSchema
from movierating.errors import ApiError
from movierating.http.public_views import public
from movierating.pages import notices, session
from movierating.pages.blueprint import Redirect, blueprint, get_viewer, page, render, send_to
from movierating.pages.forms import Form, load_form
from movierating.pages.local_paths import clean_path


class _LoginFormSchema(LoginSchema):
    """A login, and whether it outlives the browser."""

    stay = ma.fields.Boolean(load_default=False)


@blueprint.get("/login")
@page
@public
def log_in() -> Any:
    """Show the log-in form, or redirect a member who is logged in."""
    following = clean_path(request.args.get("next"), url_for("pages.list_movies"))
    if get_viewer() is not None:
        raise Redirect(following)
    return render(
        "login.html",
        form=Form({"stay": "1"}),
        following=following,
        completed=notices.find_notice("password", "sessions", "account", "unsaved"),
    )


@blueprint.post("/login")
@page
@limits.limit_logins
@public
def submit_login() -> Any:
    """Open a session and lead on, or show the form again."""
    following = clean_path(request.form.get("next"), url_for("pages.list_movies"))
    try:
        values = load_form(_LoginFormSchema())
        grant = session.open_session(values["login"], values["password"], values["stay"])
    except ApiError as error:
        form = Form.of_request(error)
        return render("login.html", form.status, form=form, following=following)
    response = send_to(following)
    session.set_cookie(response, grant.user_id, grant.session_id, values["stay"])
    return response


@blueprint.post("/logout")
@page
def log_out() -> Any:
    """End the session and lead to the movies."""
    session.end_session()
    # Otherwise the page could prolong the session, and set its cookie again.
    g.viewer = None
    response = send_to(url_for("pages.list_movies"))
    session.delete_cookie(response)
    return response
