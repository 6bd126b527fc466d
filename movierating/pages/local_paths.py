"""Where a form leads back to: a path of this service, never another site."""

import re

from flask import request

# A browser reads `//x`, `/\x` and a tab between two slashes as another host.
_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)


def get_current_path() -> str:
    """Return the path of the request without its query, below the mount point of the service."""
    return request.root_path + request.path


def get_current_address() -> str:
    """Return the path of the request with its query, below the mount point of the service."""
    query = request.query_string.decode("ascii", "replace")
    return f"{get_current_path()}?{query}" if query else get_current_path()


def clean_path(path: str | None, default: str) -> str:
    """Return `path` if it is a path of this service with an optional query, otherwise `default`."""
    return path if path is not None and _PATH.fullmatch(path) and len(path) <= 2000 else default
