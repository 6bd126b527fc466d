"""The chart and the search: a list of movies with filters, where members rate in the row."""

from typing import Any

from flask import Response, request, url_for

from movierating.errors import InvalidRequest
from movierating.http.cache_subjects import get_listed_movies
from movierating.http.public_views import public
from movierating.movies import search
from movierating.movies import service as movies
from movierating.movies.genres import GENRES
from movierating.movies.query_schemas import ListMoviesQuerySchema
from movierating.pages.blueprint import blueprint, get_viewer, page, render, send_to
from movierating.pages.forms import Form, load_query
from movierating.pages.local_paths import make_list_address, make_next_address
from movierating.pages.movie_data import find_rating_notice, list_own_values, make_movie

MOVIES_PER_PAGE = 25
_MAX_RANK = 10**9
# Parameters of the list that filter nothing.
_ORDER = frozenset({"sort", "cursor", "from"})


@blueprint.get("/")
@public
def root() -> Any:
    """Redirect to the movies."""
    return send_to(url_for("pages.list_movies"))


@blueprint.get("/movies")
@page
def list_movies() -> Response:
    """Show a page of the movies that pass the filters, as the API's `list_movies` does."""
    try:
        query = load_query(ListMoviesQuerySchema())
        sort, cursor = query.pop("sort", None), query.pop("cursor")
        query.pop("limit")
        query.pop("include", None)
        _set_rater(query)
        rows, next_cursor = search.search_movies(query, sort, cursor, MOVIES_PER_PAGE, get_listed_movies())
    except InvalidRequest as error:
        return _render_chart([], None, Form.of_query(error))
    return _render_chart([make_movie(row) for row in rows], next_cursor, Form(request.args))


def _set_rater(query: dict[str, Any]) -> None:
    """Let the filter `rated` mean the viewer's ratings; without a viewer it does nothing."""
    viewer = get_viewer()
    if viewer is None:
        query.pop("rated", None)
    elif "rated" in query:
        query["rater"] = viewer.id


def _render_chart(shown: list[dict[str, Any]], next_cursor: str | None, form: Form) -> Response:
    viewer, rank = get_viewer(), max(1, min(request.args.get("from", 1, int), _MAX_RANK))
    here = {"cursor": request.args["cursor"], "from": rank} if "cursor" in request.args else {}
    return render(
        "chart.html",
        form.status,
        form=form,
        q=request.args.get("q", "").strip(),
        director=request.args.get("director", "").strip(),
        is_filtered=any(value for name, value in request.args.items(multi=True) if name not in _ORDER),
        sort=request.args.get("sort"),
        movies=shown,
        rank=rank,
        total=movies.count_movies(),
        genres=GENRES,
        own=list_own_values(viewer, [movie["id"] for movie in shown]),
        notice=find_rating_notice(viewer),
        back=make_list_address(here),
        next_page=make_next_address(next_cursor, **{"from": rank + MOVIES_PER_PAGE}),
    )
