"""The application factory: settings, extensions, blueprints and middleware."""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response
from sqlalchemy.exc import SQLAlchemyError

from movierating import config
from movierating.auth import session_tokens
from movierating.auth.link_routes import blueprint as links_blueprint
from movierating.auth.private_service import require_accounts
from movierating.auth.routes import blueprint as auth_blueprint
from movierating.cli.application import is_finding_command
from movierating.cli.main import main
from movierating.http import error_handlers, proxies, rate_limits
from movierating.http.application import Application
from movierating.http.docs_page import blueprint as docs_blueprint
from movierating.http.extensions import (
    EXPOSED_HEADERS,
    PREFLIGHT_MAX_AGE_SECONDS,
    api,
    cors,
    jwt,
)
from movierating.http.problems import blueprint as problems_blueprint
from movierating.http.response_cache import ResponseCache
from movierating.http.responses import finish_response
from movierating.limits import sqlite_storage
from movierating.monitoring import counters, logs, request_log
from movierating.movies.routes import blueprint as movies_blueprint
from movierating.operations import schema_revisions, startup
from movierating.operations.health import blueprint as health_blueprint
from movierating.pages import registration as pages
from movierating.predictions import model_store
from movierating.predictions.routes import blueprint as predictions_blueprint
from movierating.ratings.routes import blueprint as ratings_blueprint
from movierating.ratings.transfer_routes import blueprint as own_ratings_blueprint
from movierating.storage import database
from movierating.storage.database import db
from movierating.storage.postgresql import replicas
from movierating.users.routes import blueprint as users_blueprint

if TYPE_CHECKING:
    from movierating.limits.redis_client import RedisClient


def build(environ: Mapping[str, str] | None, prepared: bool) -> Flask:
    """Create the application; see `movierating.create_app`."""
    if is_finding_command():
        app = Flask("movierating")
        _add_commands(app)
        return app
    settings = config.load(environ)
    folder = settings["INSTANCE_PATH"]
    startup.create_instance_folder(folder, writable=prepared)
    settings["SECRET_KEY"] = settings["SECRET_KEY"] or startup.load_secret_key(folder)
    app = Application("movierating", instance_path=str(folder), static_folder="static")
    app.config.from_mapping(settings)
    app.extensions["redis"] = redis = _make_redis_client(settings["REDIS_URL"])
    app.config.from_mapping(_extension_settings(settings))
    app.config.from_mapping(_limiter_settings(folder / "limits.sqlite3", redis))
    # Another application of this process may still have to log and count its requests.
    request_log.flush()
    logs.configure(settings["LOG_FORMAT"], settings["LOG_LEVEL"])
    counters.set_file(folder / "metrics.sqlite3")
    _bind_extensions(app)
    _register_blueprints(app)
    _add_middleware(app)
    _add_commands(app)
    if prepared or "flask_migrate" in sys.modules:
        # Its commands look for it in the application. Workers do without it and Alembic.
        schema_revisions.init_migrate(app)
    if prepared:
        startup.prepare_instance(app)
    return app


def _add_commands(app: Flask) -> None:
    for command in main.commands.values():
        app.cli.add_command(command)


def _extension_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    url, folder = settings["DATABASE_URL"], settings["INSTANCE_PATH"]
    synchronous, cursor_key = settings["SQLITE_SYNCHRONOUS"], settings["SECRET_KEY"].encode()[:64]
    return {
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": database.get_engine_options(url, folder, synchronous, cursor_key),
        **session_tokens.JWT_SETTINGS,
        "API_TITLE": "movierating",
        "API_VERSION": version("movierating"),
        "OPENAPI_VERSION": "3.1.0",
    }


def _make_redis_client(url: str | None) -> "RedisClient | None":
    if url is None:
        return None
    try:
        from movierating.limits.redis_client import RedisClient
    except ImportError as error:
        raise config.SettingError("MOVIERATING_REDIS_URL: needs the extra movierating[redis]") from error
    try:
        return RedisClient(url)
    except ValueError as error:
        raise config.SettingError("MOVIERATING_REDIS_URL: is not a URL of a Redis server") from error


def _limiter_settings(file: Path, redis: "RedisClient | None") -> dict[str, Any]:
    if redis is None:
        scheme = sqlite_storage.SCHEME
    else:
        from movierating.limits import redis_storage

        scheme = redis_storage.SCHEME
    return {
        "RATELIMIT_STORAGE_URI": f"{scheme}://",
        # Always both, because Flask-Limiter keeps the options of an earlier application.
        "RATELIMIT_STORAGE_OPTIONS": {"path": file, "redis": redis},
        "RATELIMIT_STRATEGY": "fixed-window",
        # Limits that can't be stored are counted in the process; they never take the service down.
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        "RATELIMIT_SWALLOW_ERRORS": True,
    }


def _bind_extensions(app: Application) -> None:
    # Flask runs it last: hooks run in reverse order.
    app.after_request(finish_response)
    error_handlers.init_app(app)
    _bind_database(app)
    jwt.init_app(app)
    rate_limits.init_limiter(app)
    if app.config["CORS_ORIGINS"]:
        cors.init_app(
            app,
            origins=app.config["CORS_ORIGINS"],
            expose_headers=EXPOSED_HEADERS,
            max_age=PREFLIGHT_MAX_AGE_SECONDS,
            always_send=False,
            vary_header=False,
        )
        app.after_request(_add_vary_origin)
    api.init_app(app)


def _bind_database(app: Application) -> None:
    try:
        db.init_app(app)
    except ModuleNotFoundError as error:
        raise config.SettingError(
            "MOVIERATING_DATABASE_URL: needs the extra movierating[postgresql]"
        ) from error
    except SQLAlchemyError as error:
        raise config.SettingError("MOVIERATING_DATABASE_URL: is not a URL of a database") from error
    with app.app_context():
        database.configure(db.engine, app.config["DATABASE_REPLICA_URL"])
        model_store.configure(db.engine, enabled=app.config["PREDICTIONS"])


def _add_vary_origin(response: Response) -> Response:
    """Add `Vary: Origin`. Flask-CORS does so for allowed origins only, but caches need it on every response."""
    response.vary.add("Origin")
    return response


def _add_middleware(app: Flask) -> None:
    with app.app_context():
        engine = db.engine
    wsgi: Any = ResponseCache(app.wsgi_app, engine)
    if app.config["DATABASE_REPLICA_URL"]:
        wsgi = replicas.route_reads(wsgi, engine)
    if app.config["TRUSTED_PROXIES"]:
        wsgi = proxies.trust_proxies(wsgi, app.config["TRUSTED_PROXIES"])
    app.wsgi_app = wsgi  # type: ignore[method-assign]


def _register_blueprints(app: Flask) -> None:
    for blueprint in (
        auth_blueprint,
        users_blueprint,
        links_blueprint,
        movies_blueprint,
        ratings_blueprint,
        own_ratings_blueprint,
        predictions_blueprint,
        health_blueprint,
    ):
        api.register_blueprint(blueprint)
    app.register_blueprint(docs_blueprint)
    app.register_blueprint(problems_blueprint)
    pages.init_app(app)
    if app.config["PRIVATE"]:
        require_accounts(app)
