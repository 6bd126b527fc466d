"""Lists on standard output: a line for each row, with tabs between its values."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import click

T = TypeVar("T")

_PAGE_ROWS = 1000


def print_table(header: str, rows: Iterable[Iterable[object]], if_empty: str) -> None:
    """Print a header and the rows, with `-` for None; without rows, print only `if_empty`."""
    is_empty = True
    for row in rows:
        if is_empty:
            click.echo(header)
            is_empty = False
        click.echo("\t".join("-" if value is None else str(value) for value in row))
    if is_empty:
        click.echo(if_empty)


def read_pages(read_page: Callable[[str | None, int], tuple[list[T], str | None]]) -> Iterator[T]:
    """Yield the items of all pages. `read_page` takes a cursor and a limit, and returns items and the next cursor."""
    items, cursor = read_page(None, _PAGE_ROWS)
    yield from items
    while cursor is not None:
        items, cursor = read_page(cursor, _PAGE_ROWS)
        yield from items
