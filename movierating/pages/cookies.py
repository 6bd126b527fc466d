"""The cookies of the pages, which only this service reads: no script, and no other site."""

from hashlib import blake2b

from flask import Response, current_app, request

from movierating.http.response_cache import COOKIE_PREFIX


def read_cookie(name: str) -> str:
    """Return the value of a cookie, empty if the request lacks it."""
    return request.cookies.get(get_full_name(name), "")


def has_cookie(name: str) -> bool:
    """Return True if the request has the cookie, even with an invalid value."""
    return get_full_name(name) in request.cookies


def set_cookie(response: Response, name: str, value: str, max_age: int | None) -> None:
    """Set a cookie for `max_age` seconds; None: until the browser is closed."""
    response.set_cookie(
        *(get_full_name(name), value, max_age), secure=request.is_secure, httponly=True, samesite="Lax"
    )


def delete_cookie(response: Response, name: str) -> None:
    """Delete a cookie."""
    response.delete_cookie(get_full_name(name), secure=request.is_secure, httponly=True, samesite="Lax")


def get_full_name(name: str) -> str:
    """Return a name that only this instance uses: ports and mount points of a host share their cookies.

    The cookie's path can't keep mount points apart: it must be `/` with the prefix `__Host-`.
    """
    # Browsers take a cookie with the prefix `__Host-` from this host only, and over HTTPS only (RFC 6265bis, 4.1.3.2).
    # So over HTTPS, one that a plain connection has set does not count.
    host_prefix = "__Host-" if request.is_secure else ""
    # Instances can have the same secret key, below mount points of their own.
    instance = f"{current_app.config['SECRET_KEY']}{request.script_root}".encode("utf-8", "surrogatepass")
    return f"{host_prefix}{COOKIE_PREFIX}{name}_{blake2b(instance, person=b'cookie name', digest_size=6).hexdigest()}"
