"""Calls about ratings of one movie: `/v1/movies/{id}/rating`, `…/ratings`, and the removal of a movie with them."""

from typing import Any

from flask import Response

from movierating.auth import access
from movierating.http import preconditions
from movierating.http.blueprint import Blueprint, View, before_422
from movierating.http.openapi import PAGE
from movierating.http.responses import PageQuerySchema, json_answer, list_schema, listing
from movierating.movies import service as movies
from movierating.ratings import schemas, service

blp = Blueprint(
    "ratings", __name__, url_prefix="/v1/movies", description="How much a movie entertained people."
)


def _require_own(movie_id: int) -> None:
    service.get_rating(access.caller().user_id, movie_id)


@blp.route("/<id:movie_id>/rating")
class OwnRating(View):
    """The caller's rating of a movie."""

    @blp.doc(operationId="rate_movie")
    @access.signed_in
    @blp.refuses(400, 404, 413, 415)
    @before_422(movies.require)
    @blp.arguments(schemas.NewRatingSchema(), example={"value": 8.5})
    @blp.response(200, schemas.RatingResultSchema())
    @blp.alt_response(201, schema=schemas.RatingResultSchema(), success=True)
    def put(self, body: dict[str, Any], movie_id: int) -> Response:
        """Rate a movie

        201 for a first rating, 200 after that. Sent twice, it changes nothing the second time: without `rated_at`, an
        unchanged value keeps its time and a changed one takes the present.
        """
        rated = service.rate_movie(access.caller().user_id, movie_id, body["value"], body["rated_at"])
        return json_answer({**rated.rating, "ratings": rated.ratings}, 201 if rated.is_new else 200)

    @blp.doc(operationId="get_rating")
    @access.signed_in
    @blp.refuses(404)
    @blp.response(200, schemas.RatingSchema())
    def get(self, movie_id: int) -> Response:
        """Get your rating of a movie

        404 if you have not rated it.
        """
        return json_answer(service.get_rating(access.caller().user_id, movie_id))

    @blp.doc(operationId="delete_rating")
    @access.signed_in
    @blp.refuses(404)
    @before_422(_require_own)
    @blp.response(204)
    def delete(self, movie_id: int) -> Response:
        """Delete your rating of a movie

        The movie's numbers are again as if it had never been given. 404 if there is none.
        """
        service.delete_rating(access.caller().user_id, movie_id)
        return Response(status=204)


@blp.route("/<id:movie_id>/ratings")
class MovieRatings(View):
    """Everyone's ratings of a movie."""

    @blp.doc(operationId="list_movie_ratings")
    @blp.refuses(404)
    @before_422(movies.require)
    @blp.arguments(PageQuerySchema(), location="query")
    @blp.response(200, list_schema(schemas.MovieRatingSchema), headers=PAGE)
    def get(self, query: dict[str, Any], movie_id: int) -> Response:
        """List a movie's ratings

        The newest first, each with who gave it.
        """
        return listing(*service.list_ratings_for_movie(movie_id, query["cursor"], query["limit"]))


@blp.route("/<id:movie_id>", tags=["movies"])
class DeletableMovie(View):
    """A movie together with its ratings."""

    @blp.doc(operationId="delete_movie")
    @access.admin_only
    @blp.refuses(409)
    @preconditions.if_match(movies.require_edit)
    @blp.arguments(schemas.DeleteMovieQuerySchema(), location="query")
    @blp.response(204)
    def delete(self, query: dict[str, bool], movie_id: int) -> Response:
        """Delete a movie

        Refused (409) while it has ratings, unless `with_ratings=true` removes these too. Needs `If-Match` with the
        movie's tag.
        """
        service.delete_movie(movie_id, preconditions.edits(), query["with_ratings"])
        return Response(status=204)
