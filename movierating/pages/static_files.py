"""The style sheet, scripts, font and icon of the pages. Browsers keep them under an address with their hash."""

import functools
import mimetypes
from pathlib import Path

import xxhash
from flask import Response, abort, request, url_for

from movierating.http.public_views import public
from movierating.pages.blueprint import blueprint

_FOLDER = Path(__file__).with_name("static")
_NAMES = frozenset(file.name for file in _FOLDER.iterdir())
_FONT = "newsreader.woff2"
_FOR_EVER = "public, max-age=31536000, immutable"
# `mimetypes` does not know the font in Python 3.11, and its type for scripts depends on the system.
_TYPES = {".woff2": "font/woff2", ".js": "text/javascript"}


def get_url(name: str) -> str:
    """Return the address of a file, with the hash of its content."""
    return url_for("pages.static_file", name=name, v=_hash(name))


@functools.cache
def _read(name: str) -> bytes:
    content = (_FOLDER / name).read_bytes()
    # The style sheet names the font, which pages preload under the address with its hash.
    font = _FONT.encode()
    return content.replace(font, font + b"?v=" + _hash(_FONT).encode()) if name.endswith(".css") else content


@functools.cache
def _hash(name: str) -> str:
    return xxhash.xxh3_64_hexdigest(_read(name))


@blueprint.get("/static/pages/<name>")
@public
def static_file(name: str) -> Response:
    """Return a file, which browsers may keep for ever if they asked with its hash."""
    if name not in _NAMES:
        abort(404)
    mimetype = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
    response = Response(_read(name), mimetype=mimetype)
    response.set_etag(_hash(name))
    is_current = request.args.get("v") == _hash(name)
    response.headers["Cache-Control"] = _FOR_EVER if is_current else "no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]
