"""Routes of one movie's ratings: `/v1/movies/{id}/rating`, `…/ratings`, and the deletion of a movie."""

from typing import Any

from flask import Response

from movierating.auth import access
from movierating.errors import NotFound
from movierating.http import preconditions
from movierating.http.blueprint import Blueprint, View, check_exists_first
from movierating.http.openapi_components import ETAG_HEADER, LIST_HEADERS
from movierating.http.responses import (
    etag_response,
    json_response,
    list_response,
    make_list_schema,
)
from movierating.movies import service as movies
from movierating.movies.movie_json import serialize_details
from movierating.movies.own_ratings import add_own_ratings
from movierating.movies.redirects import redirect_if_merged
from movierating.movies.schemas import MovieDetailsSchema
from movierating.ratings import merging, schemas, service

blueprint = Blueprint("ratings", __name__, url_prefix="/v1/movies", description="Ratings of movies.")
blueprint.register_error_handler(NotFound, redirect_if_merged)


def _get_own_rating(movie_id: int) -> dict[str, Any]:
    return service.get_rating(access.get_caller().user_id, movie_id)


def _find_own_rating(movie_id: int) -> dict[str, Any] | None:
    return service.find_rating(access.get_caller().user_id, movie_id)


@blueprint.route("/<id:movie_id>/rating")
class OwnRating(View):
    """The caller's rating of a movie."""

    redirects_writes = True

    @blueprint.doc(operationId="rate_movie")
    @access.auth_required
    @blueprint.error_responses(308, 400, 404, 413, 415)
    @preconditions.precondition_allowed(_find_own_rating)
    @check_exists_first(movies.get_movie)
    @blueprint.arguments(schemas.NewRatingSchema(), example={"value": 8.5})
    @blueprint.response(200, schemas.RatingResultSchema())
    @blueprint.alt_response(201, schema=schemas.RatingResultSchema(), success=True)
    def put(self, body: dict[str, Any], movie_id: int) -> Response:
        """Rate a movie

        Returns 201 for a new rating and 200 for a change. Without `rated_at`, an unchanged value keeps its time and a
        changed value gets the current time, so a repeated request changes nothing. With `If-None-Match: *` it only
        creates a rating, with `If-Match` it only changes the one that you read.
        """
        user_id, check = access.get_caller().user_id, preconditions.read_precondition()
        rating, is_new = service.rate_movie(user_id, movie_id, body["value"], body["rated_at"], check)
        return json_response(rating, 201 if is_new else 200)

    @blueprint.doc(operationId="get_rating")
    @access.auth_required
    @blueprint.error_responses(301, 404)
    @blueprint.response(200, schemas.RatingSchema(), headers=ETAG_HEADER)
    def get(self, movie_id: int) -> Response:
        """Get your rating of a movie

        Returns 404 if you have not rated it.
        """
        return etag_response(_get_own_rating(movie_id))

    @blueprint.doc(operationId="delete_rating")
    @access.auth_required
    @blueprint.error_responses(308, 404)
    @preconditions.precondition_allowed(_get_own_rating)
    @check_exists_first(_get_own_rating)
    @blueprint.response(204)
    def delete(self, movie_id: int) -> Response:
        """Delete your rating of a movie

        The movie's mean, score and histogram no longer include it. Returns 404 if there is none.
        """
        service.delete_rating(access.get_caller().user_id, movie_id, preconditions.read_precondition())
        return Response(status=204)


@blueprint.route("/<id:movie_id>/ratings")
class MovieRatings(View):
    """Everyone's ratings of a movie."""

    @blueprint.doc(operationId="list_movie_ratings")
    @access.auth_required_for("include=my_rating")
    @blueprint.error_responses(301, 404)
    @check_exists_first(movies.get_movie)
    @blueprint.arguments(schemas.MovieRatingsQuerySchema(), location="query")
    @blueprint.response(200, make_list_schema(schemas.MovieRatingSchema), headers=LIST_HEADERS)
    def get(self, query: dict[str, Any], movie_id: int) -> Response:
        """List a movie's ratings

        Newest first, each with its user.
        """
        items, next_cursor = service.list_ratings_for_movie(movie_id, query["cursor"], query["limit"])
        add_own_ratings(access.get_caller_id(), items, [movie_id] * len(items))
        return list_response(items, next_cursor)


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

        Returns 409 if it has ratings, unless `with_ratings=true`, which deletes them too. Requires `If-Match` with the
        movie's `ETag`.
        """
        service.delete_movie(movie_id, preconditions.parse_if_match(), query["with_ratings"])
        return Response(status=204)


@blueprint.route("/<id:movie_id>/merge", tags=["movies"])
class MergeableMovie(View):
    """A movie that is the same as another one."""

    @blueprint.doc(operationId="merge_movie")
    @access.admin_required
    @blueprint.error_responses(400, 404, 409, 413, 415)
    @check_exists_first(movies.get_movie)
    @blueprint.arguments(schemas.MergeMovieSchema(), example={"into": 17})
    @blueprint.response(200, MovieDetailsSchema(), headers=ETAG_HEADER)
    def post(self, body: dict[str, int], movie_id: int) -> Response:
        """Merge a movie into another one

        The movie `into` gets its ratings, ids and titles, and the facts that it lacks; of two ratings of one user the
        newer stays. Afterwards the former id redirects reads and ratings to `into`; changes of the movie return 409. A
        merge can't be undone.
        """
        row = merging.merge_movies(movie_id, body["into"])
        return etag_response(serialize_details(row), edit=row.edit)
