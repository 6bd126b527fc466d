"""A movie rating service: sign up, look up movies, rate how much they entertained you, see your profile."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app(environ: Mapping[str, str] | None = None, *, prepared: bool = True) -> "Flask":
    """The application, with its settings read from `environ` (the process's own, if None) and `config.toml`.

    The instance folder and key are made if need be; unless `prepared` is False, the database is migrated and seeded
    too. Raises `config.SettingError` where a setting can't work.
    """
    # Every command imports this package, and those that need no application should not wait for one.
    from movierating.app import build

    return build(environ, prepared)
