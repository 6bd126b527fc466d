"""Addresses of this service: where a form leads back to, which is never another site, and the pages of a list."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from flask import current_app, request, url_for

# A browser reads `//x`, `/\x` and a tab between two slashes as another host.
_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)
# Parameters of a list that say which page of it is shown, and the rank of its first row. The others are filters.
_PLACE = frozenset({"cursor", "from"})


def get_current_path() -> str:
    """Return the path of the request without its query, including the mount point of the service."""
    return request.root_path + request.path


def get_current_address() -> str:
    """Return the path of the request with its query, including the mount point of the service."""
    query = request.query_string.decode("ascii", "replace")
    return f"{get_current_path()}?{query}" if query else get_current_path()


def find_form_address() -> str | None:
    """Return the address of the page that sent the request's form; None if it is unknown or only takes forms.

    The page is of this service: `same_site` rejects forms of others.
    """
    try:
        sender = urlsplit(request.referrer or "")
    except ValueError:
        return None
    adapter = current_app.create_url_adapter(request)
    # A rejected form is shown at the address that it was sent to, which may be for forms only.
    path = unquote(sender.path).removeprefix(request.root_path)
    if not path or adapter is None or not adapter.test(path, "GET"):
        return None
    return sender._replace(scheme="", netloc="", fragment="").geturl()


def make_list_address(place: Mapping[str, Any] | None = None) -> str:
    """Return the address of the requested list with the same filters, at `place`; by default, of its first page."""
    assert request.endpoint is not None
    path = url_for(request.endpoint, **request.view_args or {})
    filters = [
        (name, value) for name, value in request.args.items(multi=True) if value and name not in _PLACE
    ]
    query = urlencode([*filters, *(place or {}).items()])
    return f"{path}?{query}" if query else path


def make_next_address(next_cursor: str | None, **place: Any) -> str | None:
    """Return the address of the next page of the requested list; None after the last page."""
    return make_list_address({"cursor": next_cursor, **place}) if next_cursor else None


def clean_path(path: str | None, default: str) -> str:
    """Return `path` if it is a path of this service with an optional query, otherwise `default`."""
    return path if path is not None and _PATH.fullmatch(path) and len(path) <= 2000 else default
