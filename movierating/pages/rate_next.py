"""Rate one movie after another, the most rated first."""

from contextlib import suppress
from typing import Any

from flask import request, url_for

from movierating.auth import access
from movierating.errors import NotFound
from movierating.movies import service as movies
from movierating.pages.blueprint import blueprint, get_member, member_page, render, send_to
from movierating.pages.movie_data import find_rating_notice, make_movie
from movierating.ratings import next_movies

# Rows of eight posters, or four on a phone, are full.
UPCOMING = 8


@blueprint.get("/rate")
@member_page
def rate_next() -> Any:
    """Show a movie that the viewer has not rated, and those that follow."""
    viewer = get_member()
    rows = next_movies.list_next_movies(viewer.id, 1 + UPCOMING)
    shown = [make_movie(row) for row in rows]
    return render(
        "rate.html",
        movie=shown[0] if shown else None,
        upcoming=shown[1:],
        rated_count=next_movies.count_ratings(viewer.id),
        notice=find_rating_notice(viewer),
    )


@blueprint.post("/rate/skip")
@member_page
@access.limit_writes
def skip_movie() -> Any:
    """Remember that the viewer has not seen a movie, and show the next one."""
    movie_id = request.form.get("movie", 0, int)
    if 0 < movie_id < 2**63:
        # The movie may have been merged or deleted since the page was shown.
        with suppress(NotFound):
            next_movies.skip_movie(get_member().id, movies.find_survivor(movie_id) or movie_id)
    return send_to(url_for("pages.rate_next"))
