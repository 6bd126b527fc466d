"""Two people: the movies that both have rated, with the largest differences first."""

from flask import Response, url_for

from movierating.pages.blueprint import Redirect, blueprint, page, render
from movierating.pages.movie_data import make_movie
from movierating.users import comparison, service

MOVIES_SHOWN = 50


@blueprint.get("/people/<username>/with/<other>")
@page
def compare_people(username: str, other: str) -> Response:
    """Show how the ratings of two people differ."""
    first, second = map(service.get_profile_by_username, (username, other))
    if first["id"] == second["id"]:
        raise Redirect(url_for("pages.show_person", username=first["username"]))
    result = comparison.compare_users(first["id"], second["id"], MOVIES_SHOWN)
    movies = [(make_movie(row), row.own_value, row.other_value) for row in result.rows]
    return render("compare.html", people=(first, second), result=result, movies=movies)
