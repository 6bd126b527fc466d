"""Routes of one movie's ratings: `/v1/movies/{id}/rating`, `…/ratings`, and the deletion of a movie."""

from typing import Any

from flask import Response

from movierating.auth import access
from movierating.http import preconditions
from movierating.http.blueprint import Blueprint, View, check_exists_first
from movierating.http.openapi import LIST_HEADERS
from movierating.http.responses import PageQuerySchema, json_response, list_response, make_list_schema
from movierating.movies import service as movies
from movierating.ratings import schemas, service

blueprint = Blueprint(
    "ratings", __name__, url_prefix="/v1/movies", description="How much a movie entertained people."
)


def _require_own(movie_id: int) -> None:
    service.get_rating(access.get_caller().user_id, movie_id)


@blueprint.route("/<id:movie_id>/rating")
class OwnRating(View):
    """The caller's rating of a movie."""

    @blueprint.doc(operationId="rate_movie")
    @access.auth_required
    @blueprint.error_responses(400, 404, 413, 415)
    @check_exists_first(movies.require_movie)
    @blueprint.arguments(schemas.NewRatingSchema(), example={"value": 8.5})
    @blueprint.response(200, schemas.RatingResultSchema())
    @blueprint.alt_response(201, schema=schemas.RatingResultSchema(), success=True)
    def put(self, body: dict[str, Any], movie_id: int) -> Response:
        """Rate a movie

        201 for a first rating, 200 after that. Sent twice, it changes nothing the second time: without `rated_at`, an
        unchanged value keeps its time and a changed one takes the present.
        """
        rated = service.rate_movie(access.get_caller().user_id, movie_id, body["value"], body["rated_at"])
        return json_response({**rated.rating, "ratings": rated.ratings}, 201 if rated.is_new else 200)

    @blueprint.doc(operationId="get_rating")
    @access.auth_required
    @blueprint.error_responses(404)
    @blueprint.response(200, schemas.RatingSchema())
    def get(self, movie_id: int) -> Response:
        """Get your rating of a movie

        404 if you have not rated it.
        """
        return json_response(service.get_rating(access.get_caller().user_id, movie_id))

    @blueprint.doc(operationId="delete_rating")
    @access.auth_required
    @blueprint.error_responses(404)
    @check_exists_first(_require_own)
    @blueprint.response(204)
    def delete(self, movie_id: int) -> Response:
        """Delete your rating of a movie

        The movie's numbers are again as if it had never been given. 404 if there is none.
        """
        service.delete_rating(access.get_caller().user_id, movie_id)
        return Response(status=204)


@blueprint.route("/<id:movie_id>/ratings")
class MovieRatings(View):
    """Everyone's ratings of a movie."""

    @blueprint.doc(operationId="list_movie_ratings")
    @blueprint.error_responses(404)
    @check_exists_first(movies.require_movie)
    @blueprint.arguments(PageQuerySchema(), location="query")
    @blueprint.response(200, make_list_schema(schemas.MovieRatingSchema), headers=LIST_HEADERS)
    def get(self, query: dict[str, Any], movie_id: int) -> Response:
        """List a movie's ratings

        The newest first, each with who gave it.
        """
        return list_response(*service.list_ratings_for_movie(movie_id, query["cursor"], query["limit"]))


@blueprint.route("/<id:movie_id>", tags=["movies"])
class DeletableMovie(View):
    """A movie together with its ratings."""

    @blueprint.doc(operationId="delete_movie")
    @access.admin_required
    @blueprint.error_responses(409)
    @preconditions.if_match_required(movies.require_edit)
    @blueprint.arguments(schemas.DeleteMovieQuerySchema(), location="query")
    @blueprint.response(204)
    def delete(self, query: dict[str, bool], movie_id: int) -> Response:
        """Delete a movie

        Refused (409) while it has ratings, unless `with_ratings=true` removes these too. Needs `If-Match` with the
        movie's tag.
        """
        service.delete_movie(movie_id, preconditions.parse_if_match(), query["with_ratings"])
        return Response(status=204)
