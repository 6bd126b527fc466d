"""Movies, for admins: search, with links to edit, merge and delete."""

from typing import Any

from flask import Response, request, url_for

from movierating.errors import InvalidRequest
from movierating.movies import search
from movierating.movies.query_schemas import ListMoviesQuerySchema
from movierating.pages import notices
from movierating.pages.blueprint import admin_page, blueprint, render
from movierating.pages.forms import Form, load_query
from movierating.pages.movie_data import find_merge_notice, make_movie

MOVIES_PER_PAGE = 50


@blueprint.get("/admin/movies")
@admin_page
def list_movies_to_administer() -> Response:
    """Show a page of the movies that a search finds; without a search, the latest added."""
    form, next_cursor = Form(request.args), None
    shown: list[dict[str, Any]] = []
    try:
        query = load_query(ListMoviesQuerySchema(only=("q", "cursor")))
        cursor = query.pop("cursor")
        rows, next_cursor = search.search_movies(
            query, None if query else "-created_at", cursor, MOVIES_PER_PAGE
        )
        shown = [make_movie(row) for row in rows]
    except InvalidRequest as error:
        form = Form.of_query(error)
    search_text = request.args.get("q", "")
    return render(
        "admin_movies.html",
        form.status,
        form=form,
        search=search_text,
        movies=shown,
        next_cursor=next_cursor,
        back=url_for("pages.list_movies_to_administer", q=search_text or None),
        merged=find_merge_notice(),
        completed=notices.find_notice("deleted", "different"),
    )
