"""The progress of a long command: a bar on a terminal, otherwise a line at each tenth."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def show_progress(label: str, size: int) -> Iterator[Callable[[int], None]]:
    """Show progress on standard error during the block: call the function with how much of `size` is done."""
    done, on_terminal = 0, sys.stderr.isatty()
    with click.progressbar(length=size, label=label, file=sys.stderr, hidden=not on_terminal) as bar:

        def advance(new_done: int) -> None:
            nonlocal done
            if not on_terminal and new_done * 10 // size > done * 10 // size:
                click.echo(f"{label}: {new_done * 100 // size} %", err=True)
            bar.update(new_done - done)
            done = new_done

        yield advance
