"""Trusted proxies, and the network of a client, by which rate limits count."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import Any
from wsgiref.types import WSGIApplication

from flask import request
from werkzeug.exceptions import ClientDisconnected
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import LimitedStream, get_content_length

from movierating.errors import Unavailable

# The least that a provider assigns to one customer (RFC 6177), who can use each of its addresses.
IPV6_PREFIX_LENGTH = 64

# A shorter body arrives together with the headers, and a longer one is not worth the time.
_MIN_DISCARDED_BYTES, MAX_DISCARDED_BYTES = 1 << 12, 1 << 25
_BLOCK_BYTES = 1 << 16

# Some proxies send `203.0.113.7:4711` and `[2001:db8::1]:4711`; each port would be a network of its own.
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+|\[([0-9A-Fa-f:.%]+)\](?::[0-9]+)?", re.ASCII)
_MOUNT_POINT = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)


def trust_proxies(application: WSGIApplication, hops: int) -> WSGIApplication:
    """Return `application` behind `hops` trusted proxies: `X-Forwarded-*` set the client, URL and mount point."""

    def mounted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # A proxy that sets no prefix may forward the client's, and `//evil.example` would redirect to another site.
        if not _MOUNT_POINT.fullmatch(environ.get("SCRIPT_NAME", "")):
            environ["SCRIPT_NAME"] = ""
        body = _limit_body(environ)
        response = application(environ, start_response)
        if body is not None:
            _discard_rest(body)
        return response

    return ProxyFix(mounted, hops, hops, hops, hops, hops)


def _limit_body(environ: dict[str, Any]) -> LimitedStream | None:
    """Limit the stream of a long body to the body's length, and return it; None for other bodies.

    Some servers pass the connection itself, where a read beyond the body would wait for the next request.
    """
    length = get_content_length(environ) or 0
    if not _MIN_DISCARDED_BYTES < length <= MAX_DISCARDED_BYTES:
        return None
    environ["wsgi.input"] = body = LimitedStream(environ["wsgi.input"], length)
    return body


def _discard_rest(body: LimitedStream) -> None:
    """Read the rest of a body: a proxy that can't send all of it responds 502 instead of with our response."""
    # If no slot for uploads is free, the rest is left.
    with suppress(Unavailable, ClientDisconnected):
        while body.read(_BLOCK_BYTES):
            pass


def get_client_network() -> str:
    """Return the network of the request's client: an IPv4 address, or an IPv6 /64."""
    # A server on a Unix socket has no address. Flask-Limiter would not count a client without one.
    return get_network(request.remote_addr or "unknown")


def get_network(address: str) -> str:
    """Return the network of an address. Text that is not an address, which only a proxy can send, is returned."""
    with_port = _WITH_PORT.fullmatch(address)
    try:
        parsed = ip_address((with_port[1] or with_port[2] if with_port else address).partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> IPV6_PREFIX_LENGTH << IPV6_PREFIX_LENGTH)}/{IPV6_PREFIX_LENGTH}"
