"""Calls about identity: `/v1/auth`."""

from typing import Any

from flask import Response, request

from movierating.auth import access, limits, schemas, service, tokens
from movierating.errors import Unauthenticated
from movierating.http.blueprint import Blueprint, View, before_422
from movierating.http.extensions import limiter
from movierating.http.openapi import LOCATION, PAGE
from movierating.http.proxies import network
from movierating.http.responses import PageQuerySchema, created, json_answer, list_schema, listing

blp = Blueprint(
    "auth", __name__, url_prefix="/v1/auth", description="Who is calling: sessions and personal tokens."
)


def _refreshing() -> str:
    # Flask-Limiter takes any exception of this function for a broken storage.
    try:
        return f"account:{access.refresh_grant().user_id}"
    except Unauthenticated:
        return f"address:{network()}"


def _require_refresh_token() -> None:
    access.refresh_grant()


@blp.route("/login")
class Login(View):
    """Sessions are opened here."""

    @blp.doc(operationId="log_in")
    @limiter.limit(limits.LOGINS_AN_ADDRESS)
    @limits.logins_an_account
    @blp.refuses(400, 401, 413, 415, 429)
    @blp.arguments(schemas.LoginSchema())
    @blp.response(200, schemas.TokenPairSchema())
    def post(self, body: dict[str, str]) -> Response:
        """Log in

        Answers with an access token for the `Authorization: Bearer` header and a refresh token for its successor.
        """
        grant = service.login(body["login"], body["password"])
        return json_answer(access.pair(grant), headers={"Cache-Control": "no-store"})


@blp.route("/refresh")
class Refresh(View):
    """Sessions are carried on here."""

    @blp.doc(operationId="refresh_tokens", security=[{"refresh": []}])
    @limiter.limit(limits.REFRESHES_AN_ADDRESS)
    @limiter.limit(limits.REFRESHES_AN_ACCOUNT, key_func=_refreshing)
    @blp.refuses(401, 429)
    @before_422(_require_refresh_token)
    @blp.response(200, schemas.TokenPairSchema())
    def post(self) -> Response:
        """Exchange a refresh token for a new pair

        Send the refresh token as the Bearer. It is spent by this; sent again more than 10 seconds later, it ends the
        whole session, since one of the two who sent it must have stolen it.
        """
        return json_answer(access.pair(service.refresh(access.refresh_grant())))


@blp.route("/logout")
class Logout(View):
    """Sessions are ended here."""

    @blp.doc(operationId="log_out")
    @access.in_person
    @blp.response(204)
    def post(self) -> Response:
        """Log out

        This session's access and refresh tokens stop working at once.
        """
        service.end_session(access.caller().user_id, access.session_id())
        return Response(status=204)


@blp.route("/tokens")
class Tokens(View):
    """A person's personal tokens."""

    @blp.doc(operationId="list_tokens")
    @access.in_person
    @blp.arguments(PageQuerySchema(), location="query")
    @blp.response(200, list_schema(schemas.TokenSchema), headers=PAGE)
    def get(self, query: dict[str, Any]) -> Response:
        """List your personal tokens

        Oldest first, without their secrets.
        """
        rows, next_cursor = tokens.listed(access.caller().user_id, query["cursor"], query["limit"])
        return listing(schemas.TokenSchema(many=True).dump(rows), next_cursor)

    @blp.doc(operationId="make_token")
    @access.in_person
    @blp.refuses(400, 409, 413, 415)
    @blp.arguments(schemas.NewTokenSchema())
    @blp.response(201, schemas.TokenWithSecretSchema(), headers=LOCATION)
    def post(self, body: dict[str, Any]) -> Response:
        """Make a personal token

        For scripts: used as a Bearer, limited to reading if its scope is `read`. It can't change a password or
        e-mail, delete the account, or manage tokens. The answer shows the token this once.
        """
        token = tokens.create(access.caller().user_id, access.session_id(), **body)
        return created(
            schemas.TokenWithSecretSchema().dump(token), f"{request.root_path}{request.path}/{token['id']}"
        )


@blp.route("/tokens/<id:token_id>")
class TokenById(View):
    """One personal token."""

    @blp.doc(operationId="end_token")
    @access.in_person
    @blp.refuses(404)
    @blp.response(204)
    def delete(self, token_id: int) -> Response:
        """End a personal token

        Whatever uses it is refused from now on.
        """
        tokens.remove(access.caller().user_id, token_id)
        return Response(status=204)
