"""Accounts, for admins: search, roles, deactivation, and links to set a new password."""

from typing import Any

from flask import Response, request, url_for

from movierating.auth import access, one_time_links
from movierating.auth.schemas import PasswordResetLinkSchema
from movierating.errors import ApiError, InvalidRequest, NotFound
from movierating.http.public_url import make_link
from movierating.pages.blueprint import admin_page, blueprint, get_member, send_to
from movierating.pages.forms import Form, load_form, load_query
from movierating.pages.private_pages import render_private
from movierating.users import administration
from movierating.users import service as users
from movierating.users.schemas import AccountQuerySchema, AdminUpdateAccountSchema

ACCOUNTS_PER_PAGE = 50


@blueprint.get("/admin/users")
@admin_page
def list_accounts() -> Response:
    """Show a page of the accounts that the search finds, as the API's `list_accounts` does."""
    return _render_accounts(Form(request.args))


@blueprint.post("/admin/users/<id:user_id>")
@admin_page
@access.limit_writes
def update_account(user_id: int) -> Response:
    """Change the role of an account, activate or deactivate it, and lead back to the list. Raise NotFound."""
    try:
        administration.update_account(user_id, load_form(AdminUpdateAccountSchema()))
    except NotFound:
        raise
    except ApiError as error:
        return _render_accounts(Form.of_request(error))
    if user_id == get_member().id:
        # They may no longer be an admin, or logged in.
        return send_to(url_for("pages.list_movies"))
    search, cursor = request.args.get("q"), request.args.get("cursor")
    return send_to(url_for("pages.list_accounts", q=search, cursor=cursor, _anchor=f"u{user_id}"))


@blueprint.post("/admin/users/<id:user_id>/password-reset")
@admin_page
@access.limit_writes
def create_password_reset(user_id: int) -> Response:
    """Create a link to set a new password and show it, for this once. Raise NotFound."""
    link = one_time_links.create_password_reset(get_member().id, user_id)
    link["link"] = make_link(one_time_links.PASSWORD_RESET_PATH + link["token"])
    new_link = {**PasswordResetLinkSchema().dump(link), **users.get_names(user_id)}
    return _render_accounts(Form(), new_link=new_link)


def _render_accounts(form: Form, **values: Any) -> Response:
    """Return the list, also after a form: its address has the query of the page that it was on."""
    accounts: list[dict[str, Any]] = []
    next_cursor = None
    try:
        query = load_query(AccountQuerySchema())
        accounts, next_cursor = administration.list_accounts(
            query.get("q"), query["cursor"], ACCOUNTS_PER_PAGE
        )
    except InvalidRequest as error:
        form = Form.of_query(error)
    return render_private(
        "admin_users.html",
        form.status,
        form=form,
        search=request.args.get("q", ""),
        cursor=request.args.get("cursor"),
        accounts=accounts,
        next_cursor=next_cursor,
        **values,
    )
