"""Operations with one-time links: `/v1/invitations`, and the reset of a password under `/v1/auth` and `/v1/users`."""

from typing import Any

from flask import Response

from movierating.auth import access, limits, one_time_links, password_resets, schemas
from movierating.auth.one_time_links import INVITATION_PATH, PASSWORD_RESET_PATH
from movierating.http.blueprint import Blueprint, View, check_exists_first
from movierating.http.openapi_components import LIST_HEADERS, LOCATION_HEADER
from movierating.http.public_url import make_link
from movierating.http.public_views import public
from movierating.http.request_parser import read_body_field
from movierating.http.responses import (
    PageQuerySchema,
    created_response,
    json_response,
    list_response,
    make_list_schema,
)

blueprint = Blueprint(
    "links", __name__, url_prefix="/v1", description="Invitations, and links to reset a password."
)


@blueprint.route("/invitations")
class Invitations(View):
    """Invitations to sign up."""

    @blueprint.doc(operationId="list_invitations")
    @access.admin_required
    @blueprint.arguments(PageQuerySchema(), location="query")
    @blueprint.response(200, make_list_schema(schemas.InvitationSchema), headers=LIST_HEADERS)
    def get(self, query: dict[str, Any]) -> Response:
        """List open invitations

        Requires an admin. Sorted oldest first. The response does not contain the tokens.
        """
        rows, next_cursor = one_time_links.list_invitations(query["cursor"], query["limit"])
        return list_response(schemas.InvitationSchema(many=True).dump(rows), next_cursor)

    @blueprint.doc(operationId="create_invitation")
    @access.admin_required
    @blueprint.response(201, schemas.InvitationWithLinkSchema(), headers=LOCATION_HEADER)
    def post(self) -> Response:
        """Create an invitation

        Requires an admin. It is valid for one sign-up and for a week, as long as its creator is an admin. Send its
        token as `invitation` when you sign up. Only this response contains the token and the link.
        """
        link = one_time_links.create_invitation(access.get_caller().user_id)
        link["link"] = make_link(INVITATION_PATH + link["token"])
        return created_response(schemas.InvitationWithLinkSchema().dump(link), link["id"])


@blueprint.route("/invitations/<id:invitation_id>")
class InvitationById(View):
    """One invitation."""

    @blueprint.doc(operationId="withdraw_invitation")
    @access.admin_required
    @blueprint.error_responses(404)
    @blueprint.response(204)
    def delete(self, invitation_id: int) -> Response:
        """Withdraw an invitation

        Requires an admin. The invitation can no longer be used.
        """
        one_time_links.withdraw_invitation(invitation_id)
        return Response(status=204)


@blueprint.route("/users/<id:user_id>/password-reset")
class PasswordResetLink(View):
    """A link to set the password of a user."""

    @blueprint.doc(operationId="create_password_reset")
    @access.admin_session_required
    @blueprint.error_responses(404)
    @blueprint.response(200, schemas.PasswordResetLinkSchema())
    def post(self, user_id: int) -> Response:
        """Create a link to reset a password

        Requires an admin's session: a personal token is not enough. The link is valid once and for 24 hours, as long as
        its creator is an admin, and replaces the account's earlier link. Only this response contains it.
        """
        link = one_time_links.create_password_reset(access.get_caller().user_id, user_id)
        link["link"] = make_link(PASSWORD_RESET_PATH + link["token"])
        return json_response(schemas.PasswordResetLinkSchema().dump(link))


def _require_valid_token() -> None:
    token = read_body_field("token")
    if isinstance(token, str):
        one_time_links.find_password_reset(token)


@blueprint.route("/auth/password-reset")
@public
class PasswordReset(View):
    """Setting a new password with a link."""

    @blueprint.doc(operationId="reset_password")
    @limits.limit_password_resets
    @blueprint.error_responses(400, 403, 413, 415, 429)
    @check_exists_first(_require_valid_token)
    @blueprint.arguments(schemas.ResetPasswordSchema())
    @blueprint.response(204)
    def post(self, body: dict[str, str]) -> Response:
        """Reset your password

        Send the token of a link that an admin created, and a new password. All sessions and personal tokens of the
        account are revoked. A rejected password does not use up the link.
        """
        password_resets.reset_password(body["token"], body["password"])
        return Response(status=204)
