"""Files that commands write."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click


@contextmanager
def replace_when_complete(name: str) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces the file `name` only when the block ends without an error.

    Raise ClickException if its folder does not exist.
    """
    path = Path(name).resolve()
    if not path.parent.is_dir():
        raise click.ClickException(f"{click.format_filename(path.parent)} is not a folder.")
    # /dev/null and other devices can't be replaced.
    if name == "-" or (path.exists() and not path.is_file()):
        with click.open_file(name, "wb") as file:
            yield cast(BinaryIO, file)
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".movierating-export-", delete=False) as file:
        part = Path(file.name)
        try:
            yield cast(BinaryIO, file)
            file.close()
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def create_if_written(name: str | None) -> Iterator[BinaryIO | None]:
    """Create a file for writing, and remove it if nothing is written. Yield None if there is no name.

    Raise ClickException if the file exists.
    """
    if name is None:
        yield None
        return
    path = Path(name)
    try:
        file = path.open("xb")
    except FileExistsError as error:
        raise click.ClickException(f"{click.format_filename(name)} already exists.") from error
    try:
        with file:
            yield file
    finally:
        if not path.stat().st_size:
            path.unlink()
