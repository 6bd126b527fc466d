"""Options of views: attributes of a view function, or of the View class that Flask made it from.

They are `accepts_files`, `is_public` (see `public_views`) and `redirects_writes` (see `movies.redirects`).
"""

from typing import Any, TypeVar

_View = TypeVar("_View")


def accept_files(view: _View) -> _View:
    """Mark a view function whose requests may have MAX_UPLOAD_BYTES. Apply it below the decorator of the route."""
    view.accepts_files = True  # type: ignore[attr-defined]
    return view


def get_view_option(view: Any, name: str) -> bool:
    """Return an option of a view function, False if it has none of this name."""
    option: bool = getattr(getattr(view, "view_class", view), name, False)
    return option
