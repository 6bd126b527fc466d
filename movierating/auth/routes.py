"""Operations under `/v1/auth`: logins, sessions and personal tokens."""

from typing import Any

from flask import Response

from movierating.auth import access, limits, schemas, service, session_tokens, tokens
from movierating.http.blueprint import Blueprint, View, check_exists_first
from movierating.http.openapi_components import LIST_HEADERS, LOCATION_HEADER
from movierating.http.public_views import public
from movierating.http.responses import (
    PageQuerySchema,
    created_response,
    json_response,
    list_response,
    make_list_schema,
)

blueprint = Blueprint("auth", __name__, url_prefix="/v1/auth", description="Sessions and personal tokens.")


@blueprint.route("/login")
@public
class Login(View):
    """Open a session."""

    @blueprint.doc(operationId="log_in")
    @limits.limit_logins
    @blueprint.error_responses(400, 401, 413, 415, 429)
    @blueprint.arguments(schemas.LoginSchema())
    @blueprint.response(200, schemas.TokenPairSchema())
    def post(self, body: dict[str, str]) -> Response:
        """Log in

        Returns an access token for the `Authorization: Bearer` header, and a refresh token to get new tokens.
        """
        grant = service.login(body["login"], body["password"])
        return json_response(session_tokens.issue_tokens(grant), headers={"Cache-Control": "no-store"})


@blueprint.route("/refresh")
@public
class Refresh(View):
    """Continue a session."""

    @blueprint.doc(operationId="refresh_tokens", security=[{"refresh": []}])
    @limits.limit_refreshes
    @blueprint.error_responses(401, 429)
    @check_exists_first(access.read_refresh_token)
    @blueprint.response(200, schemas.TokenPairSchema())
    def post(self) -> Response:
        """Refresh your tokens

        Send the refresh token as the bearer token. It is valid once: if it is used again more than 10 seconds later, it
        counts as stolen and the session ends.
        """
        return json_response(session_tokens.issue_tokens(service.refresh(access.read_refresh_token())))


@blueprint.route("/logout")
class Logout(View):
    """End a session."""

    @blueprint.doc(operationId="log_out")
    @access.session_required
    @blueprint.response(204)
    def post(self) -> Response:
        """Log out

        Revokes the access and refresh tokens of the session.
        """
        service.end_session(access.get_caller().user_id, access.get_session_id())
        return Response(status=204)


@blueprint.route("/tokens")
class Tokens(View):
    """The caller's personal tokens."""

    @blueprint.doc(operationId="list_tokens")
    @access.session_required
    @blueprint.arguments(PageQuerySchema(), location="query")
    @blueprint.response(200, make_list_schema(schemas.TokenSchema), headers=LIST_HEADERS)
    def get(self, query: dict[str, Any]) -> Response:
        """List your personal tokens

        Sorted oldest first. The response does not contain the secrets.
        """
        rows, next_cursor = tokens.list_tokens(access.get_caller().user_id, query["cursor"], query["limit"])
        return list_response(schemas.TokenSchema(many=True).dump(rows), next_cursor)

    @blueprint.doc(operationId="create_token")
    @access.session_required
    @blueprint.error_responses(400, 409, 413, 415)
    @blueprint.arguments(schemas.CreateTokenSchema())
    @blueprint.response(201, schemas.TokenWithSecretSchema(), headers=LOCATION_HEADER)
    def post(self, body: dict[str, Any]) -> Response:
        """Create a personal token

        Scripts send it as a bearer token. A token with the scope `read` can only read. No personal token can change
        the password or e-mail, delete the account, or manage tokens. Only this response contains the token itself.
        """
        token = tokens.create_token(access.get_caller().user_id, access.get_session_id(), **body)
        return created_response(schemas.TokenWithSecretSchema().dump(token), token["id"])


@blueprint.route("/tokens/<id:token_id>")
class TokenById(View):
    """One personal token."""

    @blueprint.doc(operationId="revoke_token")
    @access.session_required
    @blueprint.error_responses(404)
    @blueprint.response(204)
    def delete(self, token_id: int) -> Response:
        """Revoke a personal token

        Later requests with the token return 401.
        """
        tokens.revoke_token(access.get_caller().user_id, token_id)
        return Response(status=204)
