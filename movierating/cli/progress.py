"""How far a long command is: a bar on a terminal, a line each tenth in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def show_progress(label: str, size: int) -> Iterator[Callable[[int], None]]:
    """Call the function with how much of `size` is done."""
    done, on_terminal = 0, sys.stderr.isatty()
    with click.progressbar(length=size, label=label, file=sys.stderr, hidden=not on_terminal) as bar:

        def advance(now_done: int) -> None:
            nonlocal done
            if not on_terminal and now_done * 10 // size > done * 10 // size:
                click.echo(f"{label}: {now_done * 100 // size} %", err=True)
            bar.update(now_done - done)
            done = now_done

        yield advance
