"""Routes of `/v1/movies` and `/v1/genres`."""

from typing import Any

from flask import Response

from movierating.auth import access
from movierating.errors import NotFound
from movierating.http import preconditions
from movierating.http.blueprint import Blueprint, View, check_exists_first
from movierating.http.cache_subjects import get_listed_movies
from movierating.http.openapi_components import ETAG_HEADER, LIST_HEADERS, LOCATION_HEADER
from movierating.http.responses import created_response, etag_response, list_response, make_list_schema
from movierating.movies import movie_json, query_schemas, schemas, search, service
from movierating.movies.own_ratings import add_own_ratings
from movierating.movies.redirects import redirect_if_merged

blueprint = Blueprint("movies", __name__, url_prefix="/v1", description="Movies: facts, search and charts.")
blueprint.register_error_handler(NotFound, redirect_if_merged)


@blueprint.route("/movies")
class Movies(View):
    """All movies."""

    @blueprint.doc(operationId="list_movies")
    @access.auth_required_for("include=my_rating", "rated")
    @blueprint.arguments(query_schemas.ListMoviesQuerySchema(), location="query")
    @blueprint.response(200, make_list_schema(schemas.MovieSchema), headers=LIST_HEADERS)
    def get(self, query: dict[str, Any]) -> Response:
        """List movies

        A movie must pass all filters. By default the movies with the highest score come first; with `q`, exact titles,
        also behind an article such as `The`, then titles that start with `q`, then other movies, each by number of
        ratings and prominence. For example, `?ids=1,7,42` lists these movies, and
        `?country=FR&runtime_to=100&exclude_genre=Horror&min_score=7` short French movies with high scores.
        """
        sort, cursor, limit = query.pop("sort", None), query.pop("cursor"), query.pop("limit")
        user_id, include = access.get_caller_id(), query.pop("include", None)
        if "rated" in query:
            query["rater"] = user_id
        rows, next_cursor = search.search_movies(query, sort, cursor, limit, get_listed_movies())
        movies = [movie_json.serialize_movie(row) for row in rows]
        add_own_ratings(user_id if include else None, movies)
        return list_response(movies, next_cursor)

    @blueprint.doc(operationId="create_movie")
    @access.auth_required
    @blueprint.error_responses(400, 409, 413, 415)
    @blueprint.arguments(schemas.CreateMovieSchema())
    @blueprint.response(201, schemas.MovieDetailsSchema(), headers=LOCATION_HEADER)
    def post(self, body: dict[str, Any]) -> Response:
        """Create a movie

        Returns 409 if another movie has its IMDb id, its TMDB id, or its title and year. Movies of one title and year
        need different IMDb ids. Only an admin can give it alternative titles.
        """
        if body.get("alternative_titles"):
            access.require_admin(access.get_caller())
        row = service.create_movie(body)
        return created_response(movie_json.serialize_details(row), row.id)


@blueprint.route("/movies/<id:movie_id>")
class MovieById(View):
    """One movie."""

    @blueprint.doc(operationId="get_movie")
    @access.auth_required_for("include=my_rating")
    @blueprint.error_responses(301, 404)
    @check_exists_first(service.get_movie)
    @blueprint.arguments(query_schemas.IncludeQuerySchema(), location="query")
    @blueprint.response(200, schemas.MovieDetailsSchema(), headers=ETAG_HEADER)
    def get(self, query: dict[str, Any], movie_id: int) -> Response:
        """Get a movie

        Returns its facts, alternative titles and the statistics of its ratings.
        """
        return _movie_response(service.get_movie(movie_id))

    @blueprint.doc(operationId="update_movie")
    @access.admin_required
    @blueprint.error_responses(400, 409, 413, 415)
    @preconditions.if_match_required(service.require_edit)
    @blueprint.arguments(schemas.UpdateMovieSchema())
    @blueprint.response(200, schemas.MovieDetailsSchema(), headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], movie_id: int) -> Response:
        """Update a movie

        Requires `If-Match` with the movie's ETag. New ratings do not make the ETag stale. `alternative_titles` replaces
        the titles that `GET` returns; if the movie has more than 50, the others follow. After one was removed, imports
        of a catalogue add no titles to the movie.
        """
        row = service.update_movie(movie_id, preconditions.parse_if_match(), body)
        return etag_response(movie_json.serialize_details(row), edit=row.edit)


@blueprint.route("/movies/by-imdb/<string(maxlength=12):imdb_id>", parameters=[query_schemas.IMDB_ID_IN_PATH])
class MovieByImdbId(View):
    """One movie, by its IMDb id."""

    @blueprint.doc(operationId="get_movie_by_imdb_id")
    @access.auth_required_for("include=my_rating")
    @blueprint.error_responses(404)
    @check_exists_first(service.get_movie_by_imdb_id)
    @blueprint.arguments(query_schemas.IncludeQuerySchema(), location="query")
    @blueprint.response(200, schemas.MovieDetailsSchema(), headers=ETAG_HEADER)
    def get(self, query: dict[str, Any], imdb_id: str) -> Response:
        """Get a movie by its IMDb id

        Returns the same response as for the movie's own id.
        """
        return _movie_response(service.get_movie_by_imdb_id(imdb_id))


@blueprint.route("/movies/by-tmdb/<id:tmdb_id>", parameters=[query_schemas.TMDB_ID_IN_PATH])
class MovieByTmdbId(View):
    """One movie, by its TMDB id."""

    @blueprint.doc(operationId="get_movie_by_tmdb_id")
    @access.auth_required_for("include=my_rating")
    @blueprint.error_responses(404)
    @check_exists_first(service.get_movie_by_tmdb_id)
    @blueprint.arguments(query_schemas.IncludeQuerySchema(), location="query")
    @blueprint.response(200, schemas.MovieDetailsSchema(), headers=ETAG_HEADER)
    def get(self, query: dict[str, Any], tmdb_id: int) -> Response:
        """Get a movie by its TMDB id

        Returns the same response as for the movie's own id.
        """
        return _movie_response(service.get_movie_by_tmdb_id(tmdb_id))


def _movie_response(row: Any) -> Response:
    movie = movie_json.serialize_details(row)
    add_own_ratings(access.get_caller_id(), [movie])
    return etag_response(movie, edit=row.edit)


@blueprint.route("/genres")
class Genres(View):
    """The genres."""

    @blueprint.doc(operationId="list_genres")
    @blueprint.response(200, schemas.GenresSchema(), headers=ETAG_HEADER)
    def get(self) -> Response:
        """List genres

        Returns all genres that a movie may have, each with its number of movies.
        """
        return list_response(service.list_genres(), None)
