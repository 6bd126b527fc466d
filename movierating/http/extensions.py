"""Flask extensions, bound to an application by the factory."""

import functools
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.globals import request_ctx
from flask_cors import CORS
from flask_jwt_extended import JWTManager
from flask_limiter import Limiter
from flask_migrate import Migrate

from movierating.http.blueprint import Api
from movierating.http.proxies import get_client_network
from movierating.http.response_cache import READ_METHODS

api = Api()
cors = CORS()
jwt = JWTManager()
limiter = Limiter(get_client_network)
migrate = Migrate()


def init_limiter(app: Flask) -> None:
    """Bind the limiter to `app` without the work that it does for reads, none of which has a limit."""
    limiter.init_app(app)
    if not limiter.enabled:
        return
    # It looks for limits of whole applications and blueprints; here views have limits, and check these when called.
    app.before_request_funcs[None].remove(limiter._check_request_limit)
    for hooks in (app.after_request_funcs[None], app.teardown_request_funcs[None]):
        hooks.append(_skip_reads(hooks.pop()))


def _skip_reads(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return a hook that returns its argument if the request is a read, and otherwise calls `hook`."""

    @functools.wraps(hook)
    def hook_for_writes(argument: Any) -> Any:
        is_read = request_ctx.request.environ["REQUEST_METHOD"] in READ_METHODS
        return argument if is_read else hook(argument)

    return hook_for_writes
