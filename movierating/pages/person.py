"""A person: what they like, in plots, and all their ratings."""

from typing import Any

from flask import Response, current_app, request

from movierating.errors import InvalidRequest, NotFound
from movierating.movies.genres import GENRES
from movierating.pages.blueprint import blueprint, get_viewer, page, render
from movierating.pages.forms import Form, load_query
from movierating.pages.local_paths import make_next_address
from movierating.pages.movie_data import to_plain
from movierating.predictions.taste_matches import match_tastes
from movierating.users import rating_history, service, statistics
from movierating.users.schemas import UserRatingsQuerySchema

HIGHEST_RATINGS_SHOWN = 8
LATEST_RATINGS_SHOWN = 12
GENRES_SHOWN = 12
RATINGS_PER_PAGE = 50
# A decade with fewer ratings says little about taste.
MIN_RATINGS_OF_FAVOURITE = 5


@blueprint.get("/people/<username>")
@page
def show_person(username: str) -> Response:
    """Show a profile: highest rated movies, plots, latest ratings."""
    person = service.get_profile_by_username(username)
    values: dict[str, Any] = {}
    if person["ratings"]["count"]:
        figures = statistics.read_statistics(person["id"])
        latest, _ = rating_history.list_ratings_by_user(
            person["id"], {}, "-rated_at", None, LATEST_RATINGS_SHOWN
        )
        values = {
            "highest": to_plain(rating_history.list_highest_ratings(person["id"], HIGHEST_RATINGS_SHOWN)),
            "latest": to_plain(latest),
            "figures": figures,
            "genres": figures.genres[:GENRES_SHOWN],
            "everyone": statistics.read_everyones_histogram(),
            "favourite": _find_favourite(figures.decades),
        }
    return render("person.html", person=person, alike=_compare(person["id"]), **values)


def _compare(user_id: int) -> Any:
    """Return how alike the tastes of the viewer and of a user are; None if that may not be shown."""
    viewer = get_viewer()
    if viewer is None or viewer.id == user_id or not current_app.config["PREDICTIONS"]:
        return None
    try:
        return to_plain(match_tastes(viewer.id, user_id))
    except NotFound:
        return None  # The user has opted out.


def _find_favourite(decades: list[statistics.Group]) -> statistics.Group | None:
    """Return the decade with the highest mean among those with enough ratings, or None."""
    known = [decade for decade in decades if decade.count >= MIN_RATINGS_OF_FAVOURITE]
    return max(known, key=lambda decade: decade.mean, default=None)


@blueprint.get("/people/<username>/ratings")
@page
def list_person_ratings(username: str) -> Response:
    """Show all ratings of a person, as the API's `list_user_ratings` does."""
    person = service.get_profile_by_username(username)
    form, shown, next_cursor = Form(request.args), [], None
    try:
        query = load_query(UserRatingsQuerySchema())
        sort, cursor = query.pop("sort"), query.pop("cursor")
        query.pop("limit")
        items, next_cursor = rating_history.list_ratings_by_user(
            person["id"], query, sort, cursor, RATINGS_PER_PAGE
        )
        shown = to_plain(items)
    except InvalidRequest as error:
        form, sort = Form.of_query(error), None
    return render(
        "ratings.html",
        form.status,
        person=person,
        ratings=shown,
        form=form,
        sort=sort,
        genres=GENRES,
        next_page=make_next_address(next_cursor),
    )
