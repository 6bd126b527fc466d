"""Puts the application together from its settings, extensions and blueprints."""

from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from flask import Flask, Response
from limits.errors import ConfigurationError

from movierating import (
    clients,
    config,
    connections,
    counters,
    freshness,
    http,
    journal,
    logs,
    rate_limits,
    startup,
)
from movierating.auth import access
from movierating.auth.routes import blp as auth_blueprint
from movierating.auth.service import REFRESH_SECONDS
from movierating.cli import main
from movierating.database import db
from movierating.edge import Edge
from movierating.extensions import api, cors, jwt, limiter, migrate
from movierating.health import blp as health_blueprint
from movierating.movies.routes import blp as movies_blueprint
from movierating.pages import blp as pages_blueprint
from movierating.ratings.own_routes import blp as own_ratings_blueprint
from movierating.ratings.routes import blp as ratings_blueprint
from movierating.users.routes import blp as users_blueprint


def build(environ: Mapping[str, str] | None, prepared: bool) -> Flask:
    """The application, as `movierating.create_app` promises it."""
    settings = config.load(environ)
    folder = settings["INSTANCE_PATH"]
    startup.make_folder(folder, to_be_written=prepared)
    settings["SECRET_KEY"] = settings["SECRET_KEY"] or startup.secret_key(folder)
    app = http.Application("movierating", instance_path=str(folder), static_folder="static")
    app.config.from_mapping(settings)
    app.config.from_mapping(_extension_settings(settings))
    # What an application before this one answered is logged and counted where that one wanted it.
    journal.flush()
    logs.configure(settings["LOG_FORMAT"], settings["LOG_LEVEL"])
    counters.keep_in(folder / "metrics.sqlite3")
    _bind_extensions(app)
    _register_blueprints(app)
    with app.app_context():
        app.wsgi_app = Edge(app.wsgi_app, freshness.stamps(db.engine))  # type: ignore[method-assign]
    if settings["TRUSTED_PROXIES"]:
        app.wsgi_app = clients.behind_proxies(app.wsgi_app, settings["TRUSTED_PROXIES"])  # type: ignore[assignment, method-assign]
    for command in main.commands.values():
        app.cli.add_command(command)
    if prepared:
        startup.prepare(app)
    return app


def _extension_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    key = settings["SECRET_KEY"]
    return {
        "SQLALCHEMY_DATABASE_URI": settings["DATABASE_URL"],
        "SQLALCHEMY_ENGINE_OPTIONS": connections.engine_options(
            settings["SQLITE_SYNCHRONOUS"], key.encode()[:64]
        ),
        "JWT_SECRET_KEY": key,
        # There are no cookies; left on, it puts a claim for them into each token.
        "JWT_COOKIE_CSRF_PROTECT": False,
        "JWT_ALGORITHM": "HS256",
        "JWT_DECODE_ALGORITHMS": ["HS256"],
        "JWT_ENCODE_ISSUER": access.ISSUER,
        "JWT_DECODE_ISSUER": access.ISSUER,
        "JWT_ENCODE_AUDIENCE": access.ISSUER,
        "JWT_DECODE_AUDIENCE": access.ISSUER,
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(seconds=access.ACCESS_SECONDS),
        "JWT_REFRESH_TOKEN_EXPIRES": timedelta(seconds=REFRESH_SECONDS),
        "RATELIMIT_STORAGE_URI": settings["REDIS_URL"]
        or rate_limits.storage_uri(settings["INSTANCE_PATH"] / "limits.sqlite3"),
        "RATELIMIT_STRATEGY": "fixed-window",
        "RATELIMIT_HEADERS_ENABLED": True,
        # Limits that can't be stored are counted in the process; they never take the service down.
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        "RATELIMIT_SWALLOW_ERRORS": True,
        "API_TITLE": "movierating",
        "API_VERSION": version("movierating"),
        "OPENAPI_VERSION": "3.1.0",
    }


def _bind_extensions(app: Flask) -> None:
    http.init_app(app)
    db.init_app(app)
    # It closes the session of each request, and none has one.
    app.teardown_appcontext_funcs.clear()
    with app.app_context():
        # In this order: what the other one listens with is the last that is asked for a connection.
        connections.hold_while_open(db.engine)
        connections.configure(db.engine)
    migrate.init_app(app, db, directory=str(startup.MIGRATIONS), render_as_batch=True)
    jwt.init_app(app)
    try:
        limiter.init_app(app)
    except ConfigurationError as error:
        raise config.SettingError("MOVIERATING_REDIS_URL: needs the extra movierating[redis]") from error
    except ValueError as error:
        raise config.SettingError("MOVIERATING_REDIS_URL: is no address of a Redis server") from error
    if app.config["CORS_ORIGINS"]:
        cors.init_app(
            app,
            origins=app.config["CORS_ORIGINS"],
            expose_headers=["ETag", "Link", "Location", "Retry-After", "X-Request-ID"],
            always_send=False,
            vary_header=False,
        )
        app.after_request(_depends_on_origin)
    api.init_app(app)


def _depends_on_origin(response: Response) -> Response:
    """Flask-CORS says so only to those who are let in, and a cache would give the answer to others again."""
    response.vary.add("Origin")
    return response


def _register_blueprints(app: Flask) -> None:
    for blueprint in (
        auth_blueprint,
        users_blueprint,
        movies_blueprint,
        ratings_blueprint,
        own_ratings_blueprint,
        health_blueprint,
    ):
        api.register_blueprint(blueprint)
    app.register_blueprint(pages_blueprint)
