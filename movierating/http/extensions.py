"""Flask extensions, bound to an application by the factory."""

import math
import sqlite3
import time
from contextlib import suppress

from flask import Flask
from flask_cors import CORS
from flask_jwt_extended import JWTManager
from flask_limiter import Limiter
from flask_migrate import Migrate

from movierating.http.blueprint import Api
from movierating.http.proxies import get_client_network

# A page of another origin can read these headers of a response, besides those that CORS always allows.
EXPOSED_HEADERS = (
    *(
        "Allow",
        "Content-Disposition",
        "ETag",
        "Link",
        "Location",
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
    ),
    *("WWW-Authenticate", "X-Request-ID"),
)
# How long a browser may use the response to a preflight request. Chrome caps it at two hours.
PREFLIGHT_MAX_AGE_SECONDS = 7200

api = Api()
cors = CORS()
jwt = JWTManager()
limiter = Limiter(get_client_network)
migrate = Migrate()


def init_limiter(app: Flask) -> None:
    """Bind the limiter to `app` without its hooks: views check their limits when they are called."""
    limiter.init_app(app)
    if limiter.enabled:
        # They look for limits of whole applications and blueprints, and add headers to every response to a write.
        app.before_request_funcs[None].remove(limiter._check_request_limit)
        app.after_request_funcs[None].pop()
        app.teardown_request_funcs[None].pop()


def calculate_retry_after() -> int:
    """Return the seconds until the window of the limit that a request exceeded ends."""
    exceeded = limiter.current_limit
    with suppress(sqlite3.Error):
        if exceeded is not None:
            return max(1, math.ceil(exceeded.window.reset_time - time.time()))
    return 1
