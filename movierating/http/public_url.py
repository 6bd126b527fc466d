"""Links that users pass on. They start with MOVIERATING_PUBLIC_URL, never with the host that a client named."""

from flask import current_app, has_request_context, request


def make_link(path: str) -> str:
    """Return the public address of a path of the service, or only its path if no public URL is configured."""
    base: str | None = current_app.config["PUBLIC_URL"]
    if base is None:
        base = request.root_path if has_request_context() else ""
    return base + path
