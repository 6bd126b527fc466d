"""Views that stay public if MOVIERATING_PRIVATE is set."""

import re
from typing import Any, TypeVar

from flask import Flask

_View = TypeVar("_View")

_PARAMETER = re.compile(r"<(?:[^:<>]+:)?(\w+)>")


def public(view: _View) -> _View:
    """Mark a view function or a View class as public. Apply it below the decorator of the route."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def is_public(view: Any) -> bool:
    """Return True if `public` marked a view function, or the class that Flask made it from."""
    return getattr(getattr(view, "view_class", view), "is_public", False)


def list_private_paths(app: Flask) -> frozenset[str]:
    """Return the paths that need an account because of MOVIERATING_PRIVATE, as the OpenAPI document writes them."""
    if not app.config["PRIVATE"]:
        return frozenset()
    rules = app.url_map.iter_rules()
    return frozenset(
        _PARAMETER.sub(r"{\1}", rule.rule)
        for rule in rules
        if not is_public(app.view_functions[rule.endpoint])
    )
