"""Durations on the command line: `30m`, `24h`, `7d`."""

import re
from datetime import timedelta

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MAX = timedelta(days=3650)


class Duration(click.ParamType[timedelta]):
    """A whole number and its unit, as a timedelta of one second to ten years."""

    name = "duration"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the duration. Raise BadParameter."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"([0-9]{1,9})([smhd])", value, re.ASCII)
        duration = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
        if not timedelta(0) < duration <= _MAX:
            self.fail(
                f"{value!r} is not a duration such as 30m, 24h or 7d (s, m, h, d; at most 3650d).", param, ctx
            )
        return duration
