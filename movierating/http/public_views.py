"""Views that stay public if MOVIERATING_PRIVATE is set."""

from typing import Any, TypeVar

_View = TypeVar("_View")


def public(view: _View) -> _View:
    """Mark a view function or a View class as public. Apply it below the decorator of the route."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def is_public(view: Any) -> bool:
    """Return True if `public` marked a view function, or the class that Flask made it from."""
    return getattr(getattr(view, "view_class", view), "is_public", False)
