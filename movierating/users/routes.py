"""Operations under `/v1/users`: sign-up, profiles, ratings of a user, administration."""

from typing import Any

from flask import Response, current_app

from movierating.auth import access, limits, one_time_links
from movierating.errors import Forbidden
from movierating.http import preconditions
from movierating.http.blueprint import Blueprint, View, check_exists_first
from movierating.http.openapi_components import ETAG_HEADER, LIST_HEADERS, LOCATION_HEADER
from movierating.http.public_views import public
from movierating.http.request_parser import read_body_field
from movierating.http.responses import (
    created_response,
    etag_response,
    json_response,
    list_response,
    make_list_schema,
)
from movierating.users import administration, own_account, rating_history, schemas, service

blueprint = Blueprint(
    "users", __name__, url_prefix="/v1/users", description="Sign-up, profiles, administration."
)


def _require_sign_up_allowed() -> None:
    mode, invitation = current_app.config["SIGNUP"], read_body_field("invitation")
    if mode == "closed":
        raise Forbidden("Sign-up is closed; ask the operator for an account.", kind="sign-up-closed")
    if mode == "invite" and invitation is None:
        raise Forbidden("Sign-up needs an invitation; ask an admin for one.", kind="invitation-required")
    if isinstance(invitation, str):
        one_time_links.require_invitation(invitation)


@blueprint.route("")
@public
class Users(View):
    """All accounts."""

    @blueprint.doc(operationId="sign_up")
    @limits.limit_sign_ups
    @blueprint.error_responses(400, 403, 409, 413, 415, 429)
    @check_exists_first(_require_sign_up_allowed)
    @blueprint.arguments(schemas.SignUpSchema())
    @blueprint.response(201, schemas.OwnAccountSchema(), headers=LOCATION_HEADER)
    def post(self, body: dict[str, Any]) -> Response:
        """Sign up

        A username has 3 to 30 letters from a to z, digits or `_ . -`, and starts with a letter. If sign-up is by
        invitation, send the token of one as `invitation`; it is used up.
        """
        _require_sign_up_allowed()
        account = service.sign_up(**body)
        return created_response(account, account["id"])

    @blueprint.doc(operationId="list_accounts")
    @access.admin_required
    @blueprint.arguments(schemas.AccountQuerySchema(), location="query")
    @blueprint.response(200, make_list_schema(schemas.AccountSchema), headers=LIST_HEADERS)
    def get(self, query: dict[str, Any]) -> Response:
        """List accounts

        Requires an admin. Sorted oldest first.
        """
        return list_response(*administration.list_accounts(query.get("q"), query["cursor"], query["limit"]))


def _require_session_for_credentials() -> None:
    if read_body_field("password") is not None or read_body_field("email") is not None:
        access.require_session(access.get_caller())


def _get_own_account() -> dict[str, Any]:
    return service.get_own_account(access.get_caller().user_id)


@blueprint.route("/me")
class Me(View):
    """The caller's account."""

    @blueprint.doc(operationId="get_own_account")
    @access.auth_required
    @blueprint.response(200, schemas.OwnAccountSchema(), headers=ETAG_HEADER)
    def get(self) -> Response:
        """Get your account

        Includes your e-mail, which only you and admins can see, and the statistics of your ratings.
        """
        return etag_response(_get_own_account())

    @blueprint.doc(operationId="update_own_account")
    @access.auth_required
    @limits.limit_reauthentications_per_user
    @blueprint.error_responses(400, 409, 413, 415)
    @preconditions.precondition_allowed(_get_own_account)
    @check_exists_first(_require_session_for_credentials)
    @blueprint.arguments(schemas.UpdateAccountSchema(), example={"display_name": "Ada Lovelace"})
    @blueprint.response(200, schemas.OwnAccountSchema(), headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any]) -> Response:
        """Update your account

        A new password or e-mail requires `current_password`. A new password revokes all sessions and personal tokens.
        With `listed` set to false, no list of people with the same taste contains you.
        """
        _require_session_for_credentials()
        user_id, check = access.get_caller().user_id, preconditions.read_precondition()
        return etag_response(own_account.update_own_account(user_id, body, check))

    @blueprint.doc(operationId="delete_own_account")
    @access.session_required
    @limits.limit_reauthentications_per_user
    @blueprint.error_responses(400, 409, 413, 415)
    @preconditions.precondition_allowed(_get_own_account)
    @blueprint.arguments(schemas.DeleteAccountSchema())
    @blueprint.response(204)
    def delete(self, body: dict[str, str]) -> Response:
        """Delete your account

        Deletes the account and its ratings, and updates the statistics of the movies.
        """
        return _delete_account(body)


@blueprint.route("/me/delete")
class MeDelete(View):
    """The caller's account, for clients that can't send a body with DELETE."""

    @blueprint.doc(operationId="delete_own_account_by_post")
    @access.session_required
    @limits.limit_reauthentications_per_user
    @blueprint.error_responses(400, 409, 413, 415)
    @preconditions.precondition_allowed(_get_own_account)
    @blueprint.arguments(schemas.DeleteAccountSchema())
    @blueprint.response(204)
    def post(self, body: dict[str, str]) -> Response:
        """Delete your account with POST

        The same as `DELETE /v1/users/me`, for clients that can't send a body with DELETE.
        """
        return _delete_account(body)


def _delete_account(body: dict[str, str]) -> Response:
    user_id, check = access.get_caller().user_id, preconditions.read_precondition()
    own_account.delete_own_account(user_id, body["current_password"], check)
    return Response(status=204)


@blueprint.route("/<id:user_id>")
class UserById(View):
    """One user."""

    @blueprint.doc(operationId="get_profile")
    @blueprint.error_responses(404)
    @blueprint.response(200, schemas.ProfileSchema(), headers=ETAG_HEADER)
    def get(self, user_id: int) -> Response:
        """Get a profile

        Returns the public fields of a user and the statistics of their ratings.
        """
        return etag_response(service.get_profile(user_id))

    @blueprint.doc(operationId="update_account")
    @access.admin_required
    @blueprint.error_responses(400, 404, 409, 413, 415)
    @preconditions.precondition_allowed(service.get_profile_of_any_account)
    @check_exists_first(service.get_account)
    @blueprint.arguments(schemas.AdminUpdateAccountSchema())
    @blueprint.response(200, schemas.AccountSchema())
    def patch(self, body: dict[str, Any], user_id: int) -> Response:
        """Update an account

        Requires an admin. Changes the role, or deactivates or reactivates the account. Returns 409 if no active admin
        would remain. `If-Match` takes the `ETag` of the profile.
        """
        return json_response(administration.update_account(user_id, body, preconditions.read_precondition()))


_RATED_MOVIES = make_list_schema(schemas.RatedMovieSchema)


@blueprint.route("/by-username/<string(maxlength=30):username>", parameters=[schemas.USERNAME_IN_PATH])
class UserByUsername(View):
    """One user, by username."""

    @blueprint.doc(operationId="get_profile_by_username")
    @blueprint.error_responses(404)
    @blueprint.response(200, schemas.ProfileSchema(), headers=ETAG_HEADER)
    def get(self, username: str) -> Response:
        """Get a profile by its username

        Returns the same response as for the user's `id`. Letter case is ignored.
        """
        return etag_response(service.get_profile_by_username(username))


@blueprint.route("/me/ratings", tags=["data"])
class MyRatings(View):
    """The caller's ratings."""

    @blueprint.doc(operationId="list_own_ratings")
    @access.auth_required
    @blueprint.arguments(schemas.OwnRatingsQuerySchema(), location="query")
    @blueprint.response(200, _RATED_MOVIES, headers=LIST_HEADERS)
    def get(self, query: dict[str, Any]) -> Response:
        """List your ratings

        The same list as that of a user's ratings. To keep a copy up to date, pass the time of your last request as
        `updated_since`; deleted ratings are not listed.
        """
        return _list_ratings(access.get_caller().user_id, query)


@blueprint.route("/<id:user_id>/ratings")
class UserRatings(View):
    """The ratings of a user."""

    @blueprint.doc(operationId="list_user_ratings")
    @blueprint.error_responses(404)
    @check_exists_first(service.get_profile)
    @blueprint.arguments(schemas.UserRatingsQuerySchema(), location="query")
    @blueprint.response(200, _RATED_MOVIES, headers=LIST_HEADERS)
    def get(self, query: dict[str, Any], user_id: int) -> Response:
        """List the ratings of a user

        Includes the movies. Sorted newest first by default. A rating must match all filters.
        """
        return _list_ratings(user_id, query)


def _list_ratings(user_id: int, query: dict[str, Any]) -> Response:
    sort, cursor, limit = query.pop("sort"), query.pop("cursor"), query.pop("limit")
    return list_response(*rating_history.list_ratings_by_user(user_id, query, sort, cursor, limit))
