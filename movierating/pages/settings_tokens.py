"""Create and revoke personal tokens, on the page of settings."""

from contextlib import suppress

from flask import Response, url_for

from movierating.auth import access, tokens
from movierating.auth.schemas import CreateTokenSchema, TokenWithSecretSchema
from movierating.errors import ApiError, NotFound
from movierating.pages.blueprint import blueprint, get_member, member_page, send_to
from movierating.pages.forms import load_form
from movierating.pages.notices import Notice
from movierating.pages.settings import render_rejected_form, render_settings


@blueprint.post("/settings/tokens")
@member_page
@access.limit_writes
def create_token() -> Response:
    """Create a token and show it, for this once; or show the form again."""
    viewer = get_member()
    session_id = viewer.caller.session_id
    assert session_id is not None
    try:
        token = tokens.create_token(viewer.id, session_id, **load_form(CreateTokenSchema()))
    except ApiError as error:
        return render_rejected_form("token", error)
    return render_settings(new_token=TokenWithSecretSchema().dump(token))


@blueprint.post("/settings/tokens/<id:token_id>/revoke")
@member_page
@access.limit_writes
def revoke_token(token_id: int) -> Response:
    """Revoke one of the viewer's tokens and lead back, also if there is none: the form may have been sent twice."""
    with suppress(NotFound):
        tokens.revoke_token(get_member().id, token_id)
    return send_to(url_for("pages.show_settings", _anchor="tokens"), Notice("token"))
