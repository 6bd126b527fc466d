"""Invitations, for admins: create one, list the open ones, withdraw one."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flask import Response, current_app, request, url_for

from movierating.auth import access, one_time_links
from movierating.auth.schemas import InvitationSchema, InvitationWithLinkSchema
from movierating.errors import InvalidRequest, NotFound
from movierating.http.public_url import make_link
from movierating.http.responses import PageQuerySchema
from movierating.pages.blueprint import admin_page, blueprint, get_member, send_to
from movierating.pages.forms import Form, load_query
from movierating.pages.private_pages import render_private

INVITATIONS_PER_PAGE = 50


@blueprint.get("/admin/invitations")
@admin_page
def list_invitations() -> Response:
    """Show a page of the open invitations, as the API's `list_invitations` does."""
    return _render_invitations()


@blueprint.post("/admin/invitations")
@admin_page
@access.limit_writes
def create_invitation() -> Response:
    """Create an invitation and show its link, for this once."""
    link = one_time_links.create_invitation(get_member().id)
    link["link"] = make_link(one_time_links.INVITATION_PATH + link["token"])
    return _render_invitations(new_link=InvitationWithLinkSchema().dump(link))


@blueprint.post("/admin/invitations/<id:invitation_id>/withdraw")
@admin_page
@access.limit_writes
def withdraw_invitation(invitation_id: int) -> Response:
    """Withdraw an invitation and lead back to the list, also if there is none: the form may have been sent twice."""
    with suppress(NotFound):
        one_time_links.withdraw_invitation(invitation_id)
    return send_to(url_for("pages.list_invitations"))


def _render_invitations(**values: Any) -> Response:
    form, next_cursor = Form(request.args), None
    rows: Sequence[Any] = ()
    try:
        cursor = load_query(PageQuerySchema())["cursor"]
        rows, next_cursor = one_time_links.list_invitations(cursor, INVITATIONS_PER_PAGE)
    except InvalidRequest as error:
        form = Form.of_query(error)
    return render_private(
        "admin_invitations.html",
        form.status,
        form=form,
        mode=current_app.config["SIGNUP"],
        invitations=InvitationSchema(many=True).dump(rows),
        next_cursor=next_cursor,
        **values,
    )
