"""Calls about identity: `/v1/auth`."""

from typing import Any

from flask import Response, request

from movierating.auth import access, limits, schemas, service, tokens
from movierating.errors import Unauthenticated
from movierating.http.blueprint import Blueprint, View, check_exists_first
from movierating.http.extensions import limiter
from movierating.http.openapi import LIST_HEADERS, LOCATION_HEADER
from movierating.http.proxies import get_client_network
from movierating.http.responses import (
    PageQuerySchema,
    created_response,
    json_response,
    list_response,
    make_list_schema,
)

blueprint = Blueprint(
    "auth", __name__, url_prefix="/v1/auth", description="Who is calling: sessions and personal tokens."
)


def _refreshing() -> str:
    # Flask-Limiter takes any exception of this function for a broken storage.
    try:
        return f"account:{access.read_refresh_token().user_id}"
    except Unauthenticated:
        return f"address:{get_client_network()}"


def _require_refresh_token() -> None:
    access.read_refresh_token()


@blueprint.route("/login")
class Login(View):
    """Sessions are opened here."""

    @blueprint.doc(operationId="log_in")
    @limiter.limit(limits.LOGINS_PER_ADDRESS)
    @limits.limit_logins_per_account
    @blueprint.error_responses(400, 401, 413, 415, 429)
    @blueprint.arguments(schemas.LoginSchema())
    @blueprint.response(200, schemas.TokenPairSchema())
    def post(self, body: dict[str, str]) -> Response:
        """Log in

        Answers with an access token for the `Authorization: Bearer` header and a refresh token for its successor.
        """
        grant = service.login(body["login"], body["password"])
        return json_response(access.issue_tokens(grant), headers={"Cache-Control": "no-store"})


@blueprint.route("/refresh")
class Refresh(View):
    """Sessions are carried on here."""

    @blueprint.doc(operationId="refresh_tokens", security=[{"refresh": []}])
    @limiter.limit(limits.REFRESHES_PER_ADDRESS)
    @limiter.limit(limits.REFRESHES_PER_ACCOUNT, key_func=_refreshing)
    @blueprint.error_responses(401, 429)
    @check_exists_first(_require_refresh_token)
    @blueprint.response(200, schemas.TokenPairSchema())
    def post(self) -> Response:
        """Exchange a refresh token for a new pair

        Send the refresh token as the Bearer. It is spent by this; sent again more than 10 seconds later, it ends the
        whole session, since one of the two who sent it must have stolen it.
        """
        return json_response(access.issue_tokens(service.refresh(access.read_refresh_token())))


@blueprint.route("/logout")
class Logout(View):
    """Sessions are ended here."""

    @blueprint.doc(operationId="log_out")
    @access.session_required
    @blueprint.response(204)
    def post(self) -> Response:
        """Log out

        This session's access and refresh tokens stop working at once.
        """
        service.end_session(access.get_caller().user_id, access.get_session_id())
        return Response(status=204)


@blueprint.route("/tokens")
class Tokens(View):
    """A person's personal tokens."""

    @blueprint.doc(operationId="list_tokens")
    @access.session_required
    @blueprint.arguments(PageQuerySchema(), location="query")
    @blueprint.response(200, make_list_schema(schemas.TokenSchema), headers=LIST_HEADERS)
    def get(self, query: dict[str, Any]) -> Response:
        """List your personal tokens

        Oldest first, without their secrets.
        """
        rows, next_cursor = tokens.list_tokens(access.get_caller().user_id, query["cursor"], query["limit"])
        return list_response(schemas.TokenSchema(many=True).dump(rows), next_cursor)

    @blueprint.doc(operationId="create_token")
    @access.session_required
    @blueprint.error_responses(400, 409, 413, 415)
    @blueprint.arguments(schemas.CreateTokenSchema())
    @blueprint.response(201, schemas.TokenWithSecretSchema(), headers=LOCATION_HEADER)
    def post(self, body: dict[str, Any]) -> Response:
        """Make a personal token

        For scripts: used as a Bearer, limited to reading if its scope is `read`. It can't change a password or
        e-mail, delete the account, or manage tokens. The answer shows the token this once.
        """
        token = tokens.create_token(access.get_caller().user_id, access.get_session_id(), **body)
        return created_response(
            schemas.TokenWithSecretSchema().dump(token), f"{request.root_path}{request.path}/{token['id']}"
        )


@blueprint.route("/tokens/<id:token_id>")
class TokenById(View):
    """One personal token."""

    @blueprint.doc(operationId="revoke_token")
    @access.session_required
    @blueprint.error_responses(404)
    @blueprint.response(204)
    def delete(self, token_id: int) -> Response:
        """End a personal token

        Whatever uses it is refused from now on.
        """
        tokens.revoke_token(access.get_caller().user_id, token_id)
        return Response(status=204)
