"""Registers the pages: the modules of all pages, their templates, and the page for an unknown address."""

from typing import Any

from flask import Flask, request
from werkzeug.exceptions import HTTPException

from movierating.http import error_handlers

# Importing the module of a page adds its views to the blueprint.
from movierating.pages import (  # noqa: F401
    admin_duplicates,
    admin_invitations,
    admin_movies,
    admin_users,
    chart,
    compare,
    delete_movie,
    for_you,
    import_file,
    login,
    merge_movie,
    movie,
    movie_form,
    person,
    plots,
    rate_next,
    rating_steps,
    reset_password,
    settings,
    settings_tokens,
    sign_up,
    static_files,
)
from movierating.pages.blueprint import blueprint, load_viewer, render_http_error
from movierating.pages.local_paths import get_current_path
from movierating.pages.messages import reword
from movierating.rating_stats import MAX_HALF_POINTS

_API_PATHS = ("/v1/", "/openapi.json/", "/healthz/", "/readyz/", "/metrics/", "/static/")


def init_app(app: Flask) -> None:
    """Register the pages, and what their templates use."""
    _set_up_templates(app)
    app.register_blueprint(blueprint)
    # No blueprint is responsible for an address that does not exist.
    for status in (404, 405):
        app.register_error_handler(status, _handle_unknown_address)


def _set_up_templates(app: Flask) -> None:
    """Set up the extension, filters and globals of templates."""
    environment = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {
        "bars": plots.draw_bars,
        "count": plots.format_count,
        "mean": plots.format_mean,
        "reword": reword,
        "tone": plots.choose_tone,
        "value": plots.format_value,
    }
    environment.globals |= {
        "HALF_POINTS": range(1, MAX_HALF_POINTS + 1),
        "current_path": get_current_path,
        "rating_steps": rating_steps.render_steps,
        "static_url": static_files.get_url,
        "version": app.config["API_VERSION"],
    }


def _handle_unknown_address(error: HTTPException) -> Any:
    """Return a page for a browser, and problem details for other clients and below the addresses of the API."""
    is_api = f"{request.path}/".startswith(_API_PATHS)
    prefers_html = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    if is_api or not prefers_html:
        return error_handlers.handle_http_error(error)
    load_viewer()
    return render_http_error(error)
