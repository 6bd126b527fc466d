"""The progress of a long command: a bar on a terminal, otherwise a line at each tenth."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import click

# Smaller files are read without progress.
_MIN_PROGRESS_BYTES = 1 << 20


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


@contextmanager
def open_with_progress(name: str) -> Iterator[BinaryIO]:
    """Open a file, or `-` for standard input, and show progress while a large one is read."""
    with click.open_file(name, "rb") as file:
        if not file.seekable():
            yield io.BytesIO(file.read())
            return
        size = file.seek(0, io.SEEK_END)
        if size < _MIN_PROGRESS_BYTES:
            yield cast(BinaryIO, file)
        else:
            with show_progress("reading", size) as advance:
                yield io.BufferedReader(_ProgressReader(file.fileno(), advance))


class _ProgressReader(io.FileIO):
    """A file that reports how many of its bytes have been read."""

    def __init__(self, descriptor: int, advance: Callable[[int], None]) -> None:
        super().__init__(descriptor, closefd=False)
        self._advance, self._furthest = advance, 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = super().readinto(buffer)
        self._furthest = max(self._furthest, self.tell())
        self._advance(self._furthest)
        return count or 0
