"""Calls about users: `/v1/users`."""

from typing import Any

from flask import Response, current_app, request

from movierating.auth import access, limits
from movierating.errors import Forbidden
from movierating.http.blueprint import Blueprint, View, before_422
from movierating.http.extensions import limiter
from movierating.http.openapi import ETAG, LOCATION, PAGE
from movierating.http.responses import created, json_answer, list_schema, listing, tagged
from movierating.users import rating_history, schemas, service

blp = Blueprint("users", __name__, url_prefix="/v1/users", description="Sign-up, profiles, administration.")


def _require_open() -> None:
    if current_app.config["SIGNUP"] == "closed":
        raise Forbidden("Sign-up is closed here; ask the operator for an account.")


@blp.route("")
class Users(View):
    """All accounts."""

    @blp.doc(operationId="sign_up")
    @limiter.limit(limits.SIGN_UPS_AN_ADDRESS)
    @blp.refuses(400, 403, 409, 413, 415, 429)
    @before_422(_require_open)
    @blp.arguments(schemas.SignUpSchema())
    @blp.response(201, schemas.OwnAccountSchema(), headers=LOCATION)
    def post(self, body: dict[str, Any]) -> Response:
        """Sign up

        A username is 3 to 30 of a-z, 0-9, `_ . -`, starting with a letter.
        """
        _require_open()
        account = service.sign_up(body["username"], body["email"], body["password"], body.get("display_name"))
        return created(account, f"{request.root_path}{request.path}/{account['id']}")

    @blp.doc(operationId="list_accounts")
    @access.admin_only
    @blp.arguments(schemas.AccountQuerySchema(), location="query")
    @blp.response(200, list_schema(schemas.AccountSchema), headers=PAGE)
    def get(self, query: dict[str, Any]) -> Response:
        """List accounts

        Oldest first; for admins.
        """
        return listing(*service.accounts(query.get("q"), query["cursor"], query["limit"]))


def _refuse_scripts() -> None:
    if limits.sent("password") is not None or limits.sent("email") is not None:
        access.require_session(access.caller())


@blp.route("/me")
class Me(View):
    """The caller's account."""

    @blp.doc(operationId="get_own_account")
    @access.signed_in
    @blp.response(200, schemas.OwnAccountSchema(), headers=ETAG)
    def get(self) -> Response:
        """Look at your account

        With your e-mail, which only you and the admins see, and what your ratings add up to.
        """
        return tagged(service.own(access.caller().user_id))

    @blp.doc(operationId="change_own_account")
    @access.signed_in
    @limits.proofs_a_person
    @blp.refuses(400, 409, 413, 415)
    @before_422(_refuse_scripts)
    @blp.arguments(schemas.OwnChangeSchema(), example={"display_name": "Ada Lovelace"})
    @blp.response(200, schemas.OwnAccountSchema())
    def patch(self, body: dict[str, Any]) -> Response:
        """Change your account

        A new password or e-mail needs `current_password`; a new password ends every session and personal token.
        """
        _refuse_scripts()
        return json_answer(service.change_own(access.caller().user_id, body))

    @blp.doc(operationId="close_own_account")
    @access.in_person
    @limits.proofs_a_person
    @blp.refuses(400, 409, 413, 415)
    @blp.arguments(schemas.ClosingSchema())
    @blp.response(204)
    def delete(self, body: dict[str, str]) -> Response:
        """Close your account

        Removes the account and its ratings, and takes these out of every movie's numbers.
        """
        return _close(body)


@blp.route("/me/delete")
class MeDelete(View):
    """The caller's account, for clients that can't send a body with DELETE."""

    @blp.doc(operationId="close_own_account_by_post")
    @access.in_person
    @limits.proofs_a_person
    @blp.refuses(400, 409, 413, 415)
    @blp.arguments(schemas.ClosingSchema())
    @blp.response(204)
    def post(self, body: dict[str, str]) -> Response:
        """Close your account (without a DELETE body)

        The same as `DELETE /v1/users/me`, for clients that can't send a body with DELETE.
        """
        return _close(body)


def _close(body: dict[str, str]) -> Response:
    service.close_own(access.caller().user_id, body["current_password"])
    return Response(status=204)


@blp.route("/<id:user_id>")
class UserById(View):
    """One user."""

    @blp.doc(operationId="get_profile")
    @blp.refuses(404)
    @blp.response(200, schemas.ProfileSchema(), headers=ETAG)
    def get(self, user_id: int) -> Response:
        """Look at a profile

        Who it is, and what their ratings add up to.
        """
        return tagged(service.profile(user_id))

    @blp.doc(operationId="administer_account")
    @access.admin_only
    @blp.refuses(400, 404, 409, 413, 415)
    @before_422(service.require)
    @blp.arguments(schemas.AccountChangeSchema())
    @blp.response(200, schemas.AccountSchema())
    def patch(self, body: dict[str, Any], user_id: int) -> Response:
        """Administer an account

        Change its role or whether it is active; refused (409) where no active admin would be left.
        """
        return json_answer(service.administer(user_id, body))


@blp.route("/<id:user_id>/ratings")
class UserRatings(View):
    """What a user rated."""

    @blp.doc(operationId="list_user_ratings")
    @blp.refuses(404)
    @before_422(service.require_active)
    @blp.arguments(schemas.HistoryQuerySchema(), location="query")
    @blp.response(200, list_schema(schemas.RatedMovieSchema), headers=PAGE)
    def get(self, query: dict[str, Any], user_id: int) -> Response:
        """List the movies that a user rated

        The newest rating first, unless `sort` says otherwise. All filters given must hold.
        """
        sort, cursor, limit = query.pop("sort"), query.pop("cursor"), query.pop("limit")
        return listing(*rating_history.rated_by(user_id, query, sort, cursor, limit))
