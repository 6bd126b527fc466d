"""Durations as a person writes them on the command line: `30m`, `24h`, `7d`."""

import re
from datetime import timedelta

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MOST = timedelta(days=3650)


class Duration(click.ParamType[timedelta]):
    """A whole number and its unit, as a timedelta of a second at least and ten years at most."""

    name = "duration"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The duration; `fail`s, which ends the command, with what it should look like."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"([0-9]{1,9})([smhd])", value, re.ASCII)
        duration = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
        if not timedelta(0) < duration <= _MOST:
            self.fail(
                f"{value!r} is no duration such as 30m, 24h or 7d (s, m, h, d; at most 3650d).", param, ctx
            )
        return duration
