"""Calls about movies: `/v1/movies`, `/v1/genres`."""

from typing import Any

from flask import Response, request

from movierating.auth import access
from movierating.http import preconditions
from movierating.http.blueprint import Blueprint, View
from movierating.http.openapi import ETAG, LOCATION, PAGE
from movierating.http.responses import created, json_answer, list_schema, listing, tagged
from movierating.movies import schemas, search, service

blp = Blueprint("movies", __name__, url_prefix="/v1", description="Movies: facts, search, charts.")


@blp.route("/movies")
class Movies(View):
    """All movies."""

    @blp.doc(operationId="find_movies")
    @blp.arguments(schemas.MovieQuerySchema(), location="query")
    @blp.response(200, list_schema(schemas.MovieSchema), headers=PAGE)
    def get(self, query: dict[str, Any]) -> Response:
        """Find movies

        Without a filter these are the charts: the best first. All filters given must hold.
        """
        sort, cursor, limit = query.pop("sort"), query.pop("cursor"), query.pop("limit")
        rows, next_cursor = search.search(query, sort, cursor, limit)
        return listing([service.shown(row) for row in rows], next_cursor)

    @blp.doc(operationId="add_movie")
    @access.signed_in
    @blp.refuses(400, 409, 413, 415)
    @blp.arguments(schemas.NewMovieSchema())
    @blp.response(201, schemas.MovieSchema(), headers=LOCATION)
    def post(self, body: dict[str, Any]) -> Response:
        """Add a movie

        Refused (409) where its IMDb or TMDB id is taken, and on the title and year of a movie that is there, unless
        both carry different IMDb ids.
        """
        row = service.create(body)
        return created(service.shown(row), f"{request.root_path}{request.path}/{row.id}")


@blp.route("/movies/<id:movie_id>")
class MovieById(View):
    """One movie."""

    @blp.doc(operationId="get_movie")
    @blp.refuses(404)
    @blp.response(200, schemas.MovieSchema(), headers=ETAG)
    def get(self, movie_id: int) -> Response:
        """Look at a movie

        Its facts, and what its ratings add up to.
        """
        row = service.by_id(movie_id)
        return tagged(service.shown(row), service.tag(row))

    @blp.doc(operationId="change_movie")
    @access.admin_only
    @blp.refuses(400, 409, 413, 415)
    @preconditions.if_match(service.require_edit)
    @blp.arguments(schemas.MovieChangeSchema())
    @blp.response(200, schemas.MovieSchema(), headers=ETAG)
    def patch(self, body: dict[str, Any], movie_id: int) -> Response:
        """Change a movie's facts

        Needs `If-Match` with the movie's tag; ratings that came in since don't make it stale.
        """
        row = service.change(movie_id, preconditions.edits(), body)
        return json_answer(service.shown(row), headers={"ETag": f'"{service.tag(row)}"'})


@blp.route("/movies/by-imdb/<string(maxlength=12):imdb_id>", parameters=[schemas.IMDB_ID_IN_PATH])
class MovieByImdbId(View):
    """One movie, by the id it has at IMDb."""

    @blp.doc(operationId="get_movie_by_imdb_id")
    @blp.refuses(404)
    @blp.response(200, schemas.MovieSchema(), headers=ETAG)
    def get(self, imdb_id: str) -> Response:
        """Look a movie up by its IMDb id

        The same answer as by its own id.
        """
        row = service.by_imdb_id(imdb_id)
        return tagged(service.shown(row), service.tag(row))


@blp.route("/genres")
class Genres(View):
    """The genres."""

    @blp.doc(operationId="list_genres")
    @blp.response(200, schemas.GenresSchema(), headers=ETAG)
    def get(self) -> Response:
        """List the genres

        The ones a movie can have, each with its number of movies.
        """
        return listing(service.genres(), None)
