"""Merge a movie into another one: choose it, see which ratings move, confirm; or say that both are different ones."""

from typing import Any

from flask import Response, request, url_for

from movierating.auth import access
from movierating.errors import InvalidRequest, NotFound
from movierating.movies import duplicates, search
from movierating.movies import service as movies
from movierating.movies.query_schemas import ListMoviesQuerySchema
from movierating.pages.blueprint import admin_page, blueprint, render, send_to
from movierating.pages.forms import Form, load_form, load_query
from movierating.pages.local_paths import clean_path
from movierating.pages.movie_data import make_movie
from movierating.pages.notices import Notice
from movierating.ratings import merging
from movierating.ratings.schemas import MergeMovieSchema

CANDIDATES_SHOWN = 12
_MAX_SEARCH_LENGTH = 200


@blueprint.get("/admin/movies/<id:movie_id>/merge")
@admin_page
def preview_merge(movie_id: int) -> Response:
    """Show what a merge into the movie `into` would change; without `into`, movies to choose from. Raise NotFound."""
    if "into" not in request.args:
        return _render_choice(movie_id, Form(request.args))
    try:
        preview = merging.preview_merge(movie_id, load_query(MergeMovieSchema())["into"])
    except InvalidRequest as error:
        return _render_choice(movie_id, Form.of_query(error))
    return render(
        "merge_movie.html",
        movie=make_movie(preview.movie),
        survivor=make_movie(preview.survivor),
        preview=preview,
        back=_get_back(request.args),
    )


@blueprint.post("/admin/movies/<id:movie_id>/merge")
@admin_page
@access.limit_writes
def merge_movie(movie_id: int) -> Response:
    """Merge a movie into the movie `into` and lead back to a list, also if the form was sent twice.

    Raise NotFound and Conflict.
    """
    try:
        into_id = load_form(MergeMovieSchema())["into"]
        survivor_id = merging.merge_movies(movie_id, into_id).id
    except InvalidRequest as error:
        return _render_choice(movie_id, Form.of_request(error))
    except NotFound:
        survivor_id = movies.find_survivor(movie_id)
        if survivor_id is None or survivor_id not in (into_id, movies.find_survivor(into_id)):
            raise
    return send_to(_get_back(request.form), Notice("merged", survivor_id))


@blueprint.post("/admin/movies/<id:movie_id>/different")
@admin_page
@access.limit_writes
def mark_as_different(movie_id: int) -> Response:
    """Store that a movie and the movie `into` are different, and lead back to a list. Raise NotFound."""
    try:
        duplicates.mark_as_different(movie_id, load_form(MergeMovieSchema())["into"])
    except InvalidRequest as error:
        return _render_choice(movie_id, Form.of_request(error))
    return send_to(_get_back(request.form), Notice("different"))


def _get_back(values: Any) -> str:
    """Return the list from which the admin came."""
    return clean_path(values.get("back"), url_for("pages.list_movies_to_administer"))


def _render_choice(movie_id: int, form: Form) -> Response:
    """Return the page with movies to merge into: by default, those whose titles are like the movie's."""
    movie = make_movie(movies.get_movie(movie_id))
    like_title = movie["title"][:_MAX_SEARCH_LENGTH]
    shown: list[dict[str, Any]] = []
    try:
        query = {"q": like_title, **load_query(ListMoviesQuerySchema(only=("q",)))}
        rows, _ = search.search_movies(query, None, None, CANDIDATES_SHOWN)
        shown = [make_movie(row) for row in rows if row[0] != movie_id]
    except InvalidRequest as error:
        form = Form.of_query(error)
    return render(
        "merge_choice.html",
        form.status,
        form=form,
        movie=movie,
        search=request.args.get("q") or like_title,
        movies=shown,
        back=_get_back(request.values),
    )
