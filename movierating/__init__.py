"""A movie rating service: sign up, find movies, rate how much they entertained you, see your profile."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app(environ: Mapping[str, str] | None = None, *, prepared: bool = True) -> "Flask":
    """Create the application, with settings from `environ` (the process's own if None) and `config.toml`.

    Creates the instance folder and the key file if they are missing and, unless `prepared` is False, migrates the
    database and adds the bundled movies. Raise `config.SettingError` for an invalid setting.
    """
    # Every command imports this package, and some need no application, whose import takes most of a second.
    from movierating.app import build

    return build(environ, prepared)


def create_worker() -> "Flask":
    """Create the application of one of the server's worker processes."""
    from movierating.operations import process_tuning

    process_tuning.reduce_garbage_collections()
    # Only the server needs granian.
    from movierating.operations import server

    return server.start_worker(lambda: create_app(prepared=False))
