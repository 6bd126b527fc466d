"""Where a request comes from: what the proxies in front may say about it, and the network that limits count it for."""

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address
from typing import Any

from flask import request
from werkzeug.middleware.proxy_fix import ProxyFix

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# What one customer of a provider gets at least (RFC 6177): who has one has all of its addresses.
IPV6_PREFIX_LENGTH = 64

# Some proxies say `203.0.113.7:4711` and `[2001:db8::1]:4711`; each port would be a network of its own.
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+|\[([0-9A-Fa-f:.%]+)\](?::[0-9]+)?", re.ASCII)
_MOUNT_POINT = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)


def trust_proxies(application: WSGI, hops: int) -> WSGI:
    """The application behind `hops` trusted proxies, whose `X-Forwarded-*` say who asks, and where it is mounted."""

    def mounted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # A proxy that sets no prefix passes the client's own on; `//elsewhere.example` would lead out of the service.
        if not _MOUNT_POINT.fullmatch(environ.get("SCRIPT_NAME", "")):
            environ["SCRIPT_NAME"] = ""
        return application(environ, start_response)

    return ProxyFix(mounted, hops, hops, hops, hops, hops)


def get_client_network() -> str:
    """The network of the request's client, for which limits by address count: an IPv4 address, or an IPv6 /64."""
    return get_network(request.remote_addr or "")


def get_network(address: str) -> str:
    """An address's network. What is no address, which only a proxy can say, is its own."""
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
