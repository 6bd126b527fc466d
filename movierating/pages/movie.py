"""The page of a movie, and the form that rates it from any page."""

from typing import Any

from flask import Response, make_response, render_template, request, url_for

from movierating.auth import access
from movierating.errors import InvalidRequest, NotFound
from movierating.movies import service as movies
from movierating.pages.blueprint import (
    Viewer,
    blueprint,
    get_member,
    get_viewer,
    member_page,
    page,
    render,
    send_to,
)
from movierating.pages.forms import load_form
from movierating.pages.local_paths import clean_path
from movierating.pages.movie_data import (
    describe_notice,
    find_rating_notice,
    get_own_rating,
    get_own_value,
    make_details,
)
from movierating.pages.notices import Notice
from movierating.predictions.service import predict_rating
from movierating.ratings import service as ratings
from movierating.ratings.schemas import NewRatingSchema

LATEST_RATINGS_SHOWN = 12


@blueprint.get("/movies/<id:movie_id>")
@page
def show_movie(movie_id: int) -> Any:
    """Show a movie's facts, its histogram and its latest ratings. Raise NotFound."""
    row = movies.get_movie(movie_id)
    viewer = get_viewer()
    own = get_own_value(viewer, movie_id)
    return render(
        "movie.html",
        movie=make_details(row),
        own=own,
        notice=find_rating_notice(viewer),
        **_list_opinions(viewer, movie_id, own),
    )


def _list_opinions(viewer: Viewer | None, movie_id: int, own: int | None) -> dict[str, Any]:
    """Return the latest ratings of a movie, and its prediction for a viewer who has not rated it."""
    latest, _ = ratings.list_ratings_for_movie(movie_id, None, LATEST_RATINGS_SHOWN)
    prediction = predict_rating(viewer.id, movie_id) if viewer is not None and own is None else None
    return {"latest": latest, "prediction": prediction}


@blueprint.post("/movies/<id:movie_id>/rating")
@member_page
@access.limit_writes
def rate_movie(movie_id: int) -> Any:
    """Set or remove the viewer's rating; return the changed parts for a script, or lead back to the page."""
    viewer = get_member()
    notice = Notice("rated", movie_id, *get_own_rating(viewer, movie_id))
    if "remove" in request.form:
        try:
            ratings.delete_rating(viewer.id, movie_id)
        except NotFound:
            movies.get_movie(movie_id)  # raises NotFound
    else:
        ratings.rate_movie(viewer.id, movie_id, *_load_rating())
    if (part := request.headers.get("X-Part")) in ("row", "movie"):
        return _render_parts(notice, part == "movie")
    back = clean_path(request.form.get("back"), url_for("pages.show_movie", movie_id=movie_id))
    return send_to(f"{back}#m{movie_id}", notice)


def _load_rating() -> tuple[int, int | None]:
    """Return the value and the time of the form, which has one to undo. Raise InvalidRequest without a rating."""
    if not request.form.get("value"):
        raise InvalidRequest("Choose a rating.")
    values = load_form(NewRatingSchema())
    return values["value"], values["rated_at"]


def _render_parts(rated: Notice, is_large: bool) -> Response:
    viewer = get_member()
    notice = describe_notice(viewer, rated)
    if notice is None:
        raise NotFound("There is no such movie.")
    parts = render_template(
        "rated.html",
        viewer=viewer,
        movie=notice["movie"],
        own=notice["value"],
        notice=notice,
        is_large=is_large,
        **(_list_opinions(viewer, rated.movie_id, notice["value"]) if is_large else {}),
    )
    return make_response(parts)
