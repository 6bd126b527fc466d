"""Add a movie, and edit one."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request, url_for
from werkzeug.datastructures import MultiDict

from movierating.auth import access
from movierating.errors import ApiError, NotFound, PreconditionFailed
from movierating.http.fields import StrictInteger
from movierating.movies import service as movies
from movierating.movies import title_proposals
from movierating.movies.genres import GENRES
from movierating.movies.schemas import CreateMovieSchema, UpdateMovieSchema
from movierating.pages.blueprint import admin_page, blueprint, get_member, member_page, render, send_to
from movierating.pages.forms import Form, load_text
from movierating.pages.movie_data import find_movie, make_details

# The form has a box for each genre, and a line for each item of the other lists.
_LINES = ("directors", "alternative_titles")
_LISTS = ("genres", *_LINES)
_FACTS = tuple(CreateMovieSchema().load_fields)
# A fact that cannot be removed.
_REQUIRED = frozenset({"title", "year"})


class _EditMovieSchema(UpdateMovieSchema):
    """The facts of a movie, and `edit`, the part of its ETag that `If-Match` reads."""

    edit = StrictInteger(required=True)


@blueprint.get("/movies/new")
@member_page
def new_movie() -> Response:
    """Show an empty form, or one with the title that a search did not find."""
    return _render_form(Form({"title": request.args.get("title", "")[:500]}))


@blueprint.post("/movies/new")
@member_page
@access.limit_writes
def create_movie() -> Response:
    """Add a movie and lead to its page, also if the form was sent twice; or show the form again."""
    schema = CreateMovieSchema(exclude=() if get_member().is_admin else ("alternative_titles",))
    try:
        movie_id = movies.create_movie(load_text(schema, _read_form(), "form")).id
    except ApiError as error:
        same = _find_same(error)
        if same is None or _find_differences(same):
            return _render_rejected_form(error)
        movie_id = same["id"]
    return send_to(url_for("pages.show_movie", movie_id=movie_id))


@blueprint.get("/movies/<id:movie_id>/edit")
@admin_page
def edit_movie(movie_id: int) -> Response:
    """Show the form with the facts of a movie. Raise NotFound."""
    row = movies.get_movie(movie_id)
    movie = make_details(row)
    return _render_form(
        Form(MultiDict({**_to_text(movie), "genres": movie["genres"], "edit": row.edit})), movie
    )


@blueprint.post("/movies/<id:movie_id>/edit")
@admin_page
@access.limit_writes
def update_movie(movie_id: int) -> Response:
    """Change a movie, add the chosen titles of members' files, and lead to its page; or show the form again.

    Raise NotFound.
    """
    row = movies.get_movie(movie_id)
    try:
        values = _load_changes(row.year is not None)
        values["genres"] = _keep_order(values["genres"], make_details(row)["genres"])
        movies.update_movie(movie_id, {values.pop("edit")}, values)
    except NotFound:
        raise
    except ApiError as error:
        row = movies.get_movie(movie_id)
        was_sent_twice = isinstance(error, PreconditionFailed) and not _find_differences(make_details(row))
        if not was_sent_twice:
            return _render_rejected_form(error, row)
    title_proposals.accept_proposals(movie_id, request.form.getlist("titles"))
    return send_to(url_for("pages.show_movie", movie_id=movie_id))


def _load_changes(has_year: bool) -> dict[str, Any]:
    """Return all facts of the form: an empty field removes an optional fact. Raise InvalidRequest."""
    schema = _EditMovieSchema()
    schema.load_fields["title"].required = True
    # An imported data set may lack the year of a movie.
    schema.load_fields["year"].required = has_year
    removed: dict[str, Any] = {
        name: [] if name in _LISTS else None for name in _FACTS if name not in _REQUIRED
    }
    if "alternative_titles" not in request.form:
        # The page was opened before it had this field.
        del removed["alternative_titles"]
    return {**removed, **load_text(schema, _read_form(), "form")}


def _keep_order(chosen: list[str], stored: list[str]) -> list[str]:
    """Return the chosen genres, first those that are stored: boxes do not tell in which order they were stored."""
    return sorted(chosen, key=lambda genre: stored.index(genre) if genre in stored else len(stored))


def _read_form() -> MultiDict[str, str]:
    """Return the form with one value for each line of the lists that have lines."""
    form = MultiDict(request.form)
    for name in _LINES:
        lines = (line.strip() for line in form.get(name, "").splitlines())
        form.setlist(name, list(filter(None, lines)))
    return form


def _to_text(movie: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts of a movie as the fields of the form show them."""
    values = {name: "" if movie[name] is None else movie[name] for name in _FACTS}
    separators = {"genres": ", ", **dict.fromkeys(_LINES, "\n")}
    return {
        name: separators[name].join(value) if name in _LISTS else str(value) for name, value in values.items()
    }


def _render_rejected_form(error: ApiError, row: Any = None) -> Response:
    """Return the form as it was sent, with the messages of `error`, and the other movie or version that it names."""
    form, movie = Form.of_request(error), make_details(row) if row is not None else None
    values = MultiDict(request.form)
    differences: list[tuple[str, str, str]] = []
    if isinstance(error, PreconditionFailed) and movie is not None:
        # Sent again, the form replaces the version that it is now shown with.
        values["edit"] = row.edit
        differences = _find_differences(movie)
    form.values = values
    return _render_form(form, movie, differences=differences, same=_find_same(error))


def _find_same(error: ApiError) -> dict[str, Any] | None:
    """Return the movie that `error` names, which has the same title and year, or the same id; or None."""
    return find_movie((error.conflict or {}).get("movie_id"))


def _find_differences(movie: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the name, the text in the form and the stored text of the facts that differ."""
    form = _read_form()
    lists = {
        **{name: form.getlist(name) for name in _LINES},
        "genres": _keep_order(form.getlist("genres"), movie["genres"]),
    }
    sent = _to_text({**{name: form.get(name, "").strip() for name in _FACTS}, **lists})
    stored = _to_text(movie)
    return [(name, sent[name], stored[name]) for name in _FACTS if sent[name] != stored[name]]


def _render_form(form: Form, movie: Mapping[str, Any] | None = None, **values: Any) -> Response:
    chosen = form.values if isinstance(form.values, MultiDict) else MultiDict[str, str]()
    return render(
        "movie_form.html",
        form.status,
        form=form,
        movie=movie,
        genres=GENRES,
        chosen_genres=chosen.getlist("genres"),
        proposals=title_proposals.list_proposals(movie["id"]) if movie is not None else [],
        chosen_titles=chosen.getlist("titles"),
        **values,
    )
