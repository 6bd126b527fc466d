"""MOVIERATING_PRIVATE: every view requires an account, unless it is marked as public."""

import functools
from typing import Any

from flask import Flask

from movierating.auth.access import authenticate
from movierating.http.public_views import is_public


def require_accounts(app: Flask) -> None:
    """Make all views that `app` has now require a token, except public ones and static files.

    Without a token no read of data succeeds, so the response cache stores none.
    """
    for endpoint, view in app.view_functions.items():
        if endpoint != "static" and not is_public(view):
            app.view_functions[endpoint] = _require_account(view)


def _require_account(view: Any) -> Any:
    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        authenticate()
        return view(*args, **kwargs)

    return guarded
