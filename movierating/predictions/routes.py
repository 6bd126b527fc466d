"""Routes of predictions, recommendations and taste matches."""

from typing import Any

from flask import Response

from movierating.auth import access
from movierating.errors import NotFound
from movierating.http.blueprint import Blueprint, View
from movierating.http.openapi_components import ETAG_HEADER, LIST_HEADERS
from movierating.http.responses import PageQuerySchema, etag_response, list_response
from movierating.movies.redirects import redirect_if_merged
from movierating.predictions import recommendations, schemas, service, taste_matches
from movierating.predictions.tastes import NoPrediction

blueprint = Blueprint(
    "predictions",
    __name__,
    url_prefix="/v1",
    description="Predicted ratings, recommendations, people like you.",
)
blueprint.register_error_handler(NotFound, redirect_if_merged)


@blueprint.route("/movies/<id:movie_id>/prediction")
class Prediction(View):
    """How the caller would rate a movie."""

    @blueprint.doc(operationId="predict_rating")
    @access.auth_required
    @blueprint.error_responses(301, 404)
    @blueprint.response(200, schemas.PredictionSchema(), headers=ETAG_HEADER)
    def get(self, movie_id: int) -> Response:
        """Predict your rating of a movie

        Returns the rating that is expected from your ratings of other movies, an interval that four of five ratings lie
        in, and those of your ratings that contribute most to it. If no prediction can be made, `value` is null and
        `reason` says why. A new rating counts in the next prediction.
        """
        return etag_response(service.predict_rating(access.get_caller().user_id, movie_id))


@blueprint.route("/users/me/recommendations")
class Recommendations(View):
    """Movies that the caller may like."""

    @blueprint.doc(operationId="list_recommendations")
    @access.auth_required
    @blueprint.arguments(schemas.RECOMMENDATIONS_QUERY, location="query")
    @blueprint.response(200, schemas.RECOMMENDATIONS, headers=LIST_HEADERS)
    def get(self, query: dict[str, Any]) -> Response:
        """List recommended movies

        Movies that you have not rated, best first: those that people who rated the same movies have watched, and that
        you would rate highly. At most 2,000. If no recommendation can be made, the list is empty and `reason` says why.
        """
        cursor, limit = query.pop("cursor"), query.pop("limit")
        user_id = access.get_caller().user_id
        return _list_response(*recommendations.list_recommendations(user_id, query, cursor, limit))


@blueprint.route("/users/<id:user_id>/taste-match")
class TasteMatch(View):
    """How alike the caller's taste and another user's are."""

    @blueprint.doc(operationId="match_tastes")
    @access.auth_required
    @blueprint.error_responses(404, 422)
    @blueprint.response(200, schemas.TasteComparisonSchema(), headers=ETAG_HEADER)
    def get(self, user_id: int) -> Response:
        """Compare your taste with another user's

        Returns the expected correlation of your ratings, and movies on which you agree or differ. The less is known
        about either of you, the closer to 0 it is. Returns 404 for a user who has opted out with `listed`, and 422 for
        your own id.
        """
        return etag_response(taste_matches.match_tastes(access.get_caller().user_id, user_id))


@blueprint.route("/users/me/taste-matches")
class TasteMatches(View):
    """The users whose taste is most like the caller's."""

    @blueprint.doc(operationId="list_taste_matches")
    @access.auth_required
    @blueprint.arguments(PageQuerySchema(), location="query")
    @blueprint.response(200, schemas.TASTE_MATCHES, headers=LIST_HEADERS)
    def get(self, query: dict[str, Any]) -> Response:
        """List the users whose taste is most like yours

        The best match first, at most 200 of those who have at least 20 ratings and have not opted out with `listed`.
        """
        user_id = access.get_caller().user_id
        return _list_response(*taste_matches.list_taste_matches(user_id, query["cursor"], query["limit"]))


def _list_response(items: list[Any], next_cursor: str | None, reason: NoPrediction | None) -> Response:
    return list_response(items, next_cursor, {} if reason is None else reason.to_json())
