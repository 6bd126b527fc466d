"""Delete a movie, after a page that asks."""

from typing import Any

from flask import Response, url_for

from movierating.auth import access
from movierating.errors import ApiError, NotFound
from movierating.http.fields import StrictInteger
from movierating.movies import service as movies
from movierating.pages.blueprint import admin_page, blueprint, render, send_to
from movierating.pages.forms import Form, load_form
from movierating.pages.movie_data import make_movie
from movierating.pages.notices import Notice
from movierating.ratings import service as ratings
from movierating.ratings.schemas import DeleteMovieQuerySchema


class _DeleteMovieSchema(DeleteMovieQuerySchema):
    """Options for deleting a movie, and `edit`, the part of its ETag that `If-Match` reads."""

    edit = StrictInteger(required=True)


@blueprint.get("/movies/<id:movie_id>/delete")
@admin_page
def ask_to_delete_movie(movie_id: int) -> Response:
    """Show what would be deleted. Raise NotFound."""
    return _render_question(movie_id, Form())


@blueprint.post("/movies/<id:movie_id>/delete")
@admin_page
@access.limit_writes
def delete_movie(movie_id: int) -> Response:
    """Delete a movie and lead to the list, also if the form was sent twice; or ask again, if the movie has changed.

    Raise NotFound if it was merged.
    """
    try:
        values = load_form(_DeleteMovieSchema())
        ratings.delete_movie(movie_id, {values["edit"]}, values["with_ratings"])
    except NotFound:
        if movies.find_survivor(movie_id) is not None:
            raise
    except ApiError as error:
        has_ratings = error.kind == "movie-has-ratings"
        form = Form(status=error.status) if has_ratings else Form.of_request(error)
        return _render_question(movie_id, form, must_confirm_ratings=has_ratings)
    return send_to(url_for("pages.list_movies_to_administer"), Notice("deleted"))


def _render_question(movie_id: int, form: Form, **values: Any) -> Response:
    row = movies.get_movie(movie_id)
    return render("delete_movie.html", form.status, form=form, movie=make_movie(row), edit=row.edit, **values)
