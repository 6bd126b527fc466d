"""Recommended movies, and the people whose taste is most like the viewer's."""

from typing import Any

from flask import Response, current_app, request

from movierating.errors import InvalidRequest, NotFound
from movierating.http.responses import PageQuerySchema
from movierating.movies.genres import GENRES
from movierating.pages.blueprint import blueprint, get_member, member_page, render
from movierating.pages.forms import Form, load_query
from movierating.pages.local_paths import make_list_address, make_next_address
from movierating.pages.movie_data import find_rating_notice, to_plain
from movierating.predictions.recommendations import list_recommendations
from movierating.predictions.schemas import RECOMMENDATIONS_QUERY
from movierating.predictions.taste_matches import list_taste_matches
from movierating.users import service as users

ROWS_PER_PAGE = 25


@blueprint.get("/for-you")
@member_page
def list_for_you() -> Response:
    """Show movies that the viewer has not rated, best first, as the API's `list_recommendations` does."""
    _require_predictions()
    viewer, form = get_member(), Form(request.args)
    items: list[Any] = []
    next_cursor = reason = None
    try:
        query = load_query(RECOMMENDATIONS_QUERY)
        cursor, _ = query.pop("cursor"), query.pop("limit")
        items, next_cursor, reason = list_recommendations(viewer.id, query, cursor, ROWS_PER_PAGE)
    except InvalidRequest as error:
        form = Form.of_query(error)
    return render(
        "for_you.html",
        form.status,
        form=form,
        genres=GENRES,
        items=to_plain(items),
        reason=reason,
        notice=find_rating_notice(viewer),
        back=make_list_address({"cursor": request.args["cursor"]} if "cursor" in request.args else {}),
        next_page=make_next_address(next_cursor),
    )


@blueprint.get("/people")
@member_page
def list_people() -> Response:
    """Show the people whose taste is most like the viewer's, as the API's `list_taste_matches` does."""
    _require_predictions()
    viewer, form = get_member(), Form(request.args)
    items: list[Any] = []
    next_cursor = reason = None
    try:
        cursor = load_query(PageQuerySchema())["cursor"]
        items, next_cursor, reason = list_taste_matches(viewer.id, cursor, ROWS_PER_PAGE)
    except InvalidRequest as error:
        form = Form.of_query(error)
    return render(
        "people.html",
        form.status,
        form=form,
        items=items,
        reason=reason,
        is_listed=users.get_own_account(viewer.id)["listed"],
        next_page=make_next_address(next_cursor),
    )


def _require_predictions() -> None:
    """Raise NotFound if the service predicts nothing."""
    if not current_app.config["PREDICTIONS"]:
        raise NotFound("Predictions are turned off on this service.")
