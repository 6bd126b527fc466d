"""Protection against requests that other sites let a browser send (CSRF), without tokens in forms.

A browser says where a request comes from: `Sec-Fetch-Site` over HTTPS and on localhost, `Origin` elsewhere.
Source: https://www.w3.org/TR/fetch-metadata/ and OWASP's CSRF cheat sheet.
"""

from urllib.parse import urlsplit

from flask import request

from movierating.errors import Forbidden

_OTHER_SITE = "This form was sent by another site. Open the page here and try again."
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def require_same_site() -> None:
    """Raise Forbidden unless the request changes nothing, or was sent by a page of this service or by the user."""
    if request.method in _SAFE_METHODS:
        return
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        if fetch_site not in ("same-origin", "none"):
            raise Forbidden(_OTHER_SITE)
        return
    _require_same_origin(request.headers.get("Origin"))


def _require_same_origin(origin: str | None) -> None:
    if origin is None:
        raise Forbidden("Your browser does not say which page sent this form. Use a current browser.")
    try:
        own, sent = urlsplit(request.host_url), urlsplit(origin)
    except ValueError:  # such as `http://[x`
        raise Forbidden(_OTHER_SITE) from None
    if (sent.scheme, sent.netloc) == (own.scheme, own.netloc):
        return
    if sent.netloc == own.netloc and sent.scheme in ("http", "https"):
        raise Forbidden(
            f"This page was opened with {sent.scheme}, but the proxy in front of the service passed it on as "
            f"{own.scheme}. The operator has to set MOVIERATING_TRUSTED_PROXIES."
        )
    raise Forbidden(_OTHER_SITE)
