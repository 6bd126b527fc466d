"""Settings of the viewer's account: name, e-mail, password, sessions, export, and closing the account."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response, g, url_for

from movierating import clock
from movierating.auth import access, limits, tokens
from movierating.auth import service as auth
from movierating.auth.schemas import TokenSchema
from movierating.errors import ApiError, FieldError, InvalidRequest, Unauthenticated
from movierating.pages import notices, session
from movierating.pages.blueprint import blueprint, get_member, member_page, send_to
from movierating.pages.forms import Form, load_form, load_query
from movierating.pages.notices import Notice
from movierating.pages.private_pages import UNCOMPRESSED, render_private
from movierating.ratings.export_response import make_export_response
from movierating.ratings.export_schemas import ExportQuerySchema
from movierating.users import own_account
from movierating.users import service as users
from movierating.users.schemas import DeleteAccountSchema, UpdateAccountSchema

_DAY = 24 * 3600 * clock.SECOND
_TOKEN_DAYS = (30, 90, 365)


class _CloseAccountSchema(DeleteAccountSchema):
    """Confirm the deletion with the username as well, because it cannot be undone."""

    username = ma.fields.String(required=True)


@blueprint.get("/settings")
@member_page
def show_settings() -> Response:
    """Show the forms of all settings."""
    return render_settings()


@blueprint.post("/settings/display-name")
@member_page
@access.limit_writes
def change_display_name() -> Response:
    """Change the display name, or show the form again."""
    return _update_account("name", "display_name")


@blueprint.post("/settings/email")
@member_page
@access.limit_writes
@limits.limit_reauthentications_per_user
def change_email() -> Response:
    """Change the e-mail, which needs the current password, or show the form again."""
    return _update_account("email", "email", "current_password")


@blueprint.post("/settings/password")
@member_page
@access.limit_writes
@limits.limit_reauthentications_per_user
def change_password() -> Response:
    """Change the password, which ends all sessions, and lead to the log-in page; or show the form again."""
    return _update_account("password", "password", "current_password")


@blueprint.post("/settings/end-sessions")
@member_page
@access.limit_writes
def end_all_sessions() -> Response:
    """End all sessions, also this one, and lead to the log-in page."""
    auth.end_all_sessions(get_member().id)
    return _redirect_to_login("sessions")


@blueprint.post("/settings/close-account")
@member_page
@access.limit_writes
@limits.limit_reauthentications_per_user
def close_account() -> Response:
    """Delete the account and its ratings, and lead to the log-in page; or show the form again."""
    viewer = get_member()
    try:
        values = load_form(_CloseAccountSchema())
        if auth.normalize_name(values["username"]) != auth.normalize_name(viewer.username):
            reason = f"This is not your username, {viewer.username}."
            raise InvalidRequest("The form is invalid.", [FieldError("form", "username", reason)])
        own_account.delete_own_account(viewer.id, values["current_password"])
    except ApiError as error:
        return render_rejected_form("close", error)
    return _redirect_to_login("account")


@blueprint.get("/settings/export")
@member_page
def download_export() -> Response:
    """Return the viewer's ratings as a file, as the API does."""
    response = make_export_response(get_member().id, load_query(ExportQuerySchema())["format"])
    response.headers["Cache-Control"] = UNCOMPRESSED
    return response


@blueprint.post("/settings/taste")
@member_page
@access.limit_writes
def change_listed() -> Response:
    """Opt out of being named among people with the same taste, or in again."""
    return _update_account("taste", "listed")


def _update_account(section: str, *fields: str) -> Response:
    """Change the account by a form that needs all of these fields of the API's schema."""
    schema = UpdateAccountSchema(only=fields)
    for field in schema.fields.values():
        field.required = True
    try:
        own_account.update_own_account(get_member().id, load_form(schema))
    except ApiError as error:
        return render_rejected_form(section, error)
    if section == "password":
        return _redirect_to_login("password")
    return send_to(url_for("pages.show_settings", _anchor=section), Notice(section))


def _redirect_to_login(reason: str) -> Response:
    """Return the redirect to the log-in page, which says why the session has ended."""
    g.viewer = None
    response = send_to(url_for("pages.log_in"), Notice(reason))
    session.delete_cookie(response)
    return response


def render_rejected_form(section: str, error: ApiError) -> Response:
    """Return the page with the messages of `error` in the form of a section; raise it if the session has ended."""
    if isinstance(error, Unauthenticated):
        raise error
    return render_settings({section: Form.of_request(error)})


def render_settings(
    rejected: Mapping[str, Form] | None = None, new_token: dict[str, Any] | None = None
) -> Response:
    """Return the page with rejected forms, by section; `new_token` is shown with its secret."""
    account = users.get_own_account(get_member().id)
    rows, _ = tokens.list_tokens(account["id"], None, tokens.MAX_TOKENS_PER_USER)
    name = Form({"display_name": account["display_name"]})
    forms = {"name": name, "email": Form(account), **(rejected or {})}
    return render_private(
        "settings.html",
        max(form.status for form in forms.values()),
        account=account,
        forms=forms,
        blank=Form(),
        tokens=TokenSchema(many=True).dump(rows),
        new_token=new_token,
        expiries=_list_expiries(),
        completed=notices.find_notice("name", "email", "taste", "token"),
    )


def _list_expiries() -> list[tuple[int, str]]:
    """Return for how many days a token can be valid, and when it expires then: at the start of a day (UTC)."""
    today = clock.now() // _DAY * _DAY
    return [(days, clock.format_rfc3339(today + days * _DAY)) for days in _TOKEN_DAYS]
