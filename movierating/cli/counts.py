"""Counts in messages."""

from collections.abc import Sequence

import click


def format_count(number: int, noun: str) -> str:
    """Return a number with the noun, such as `1 movie` or `2 movies`."""
    return f"{number} {noun if number == 1 else f'{noun}s'}"


def print_rejected(reasons: Sequence[str], rejected: int) -> None:
    """Print the reasons for the first rejected rows, and how many more there are."""
    for reason in reasons:
        click.echo(reason, err=True)
    if rejected > len(reasons):
        click.echo(f"and {rejected - len(reasons)} more", err=True)
