"""The application context in which a command runs."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import click

from movierating import config

if TYPE_CHECKING:
    from flask import Flask

    from movierating.errors import ApiError


def require_instance() -> None:
    """Raise ClickException, and create nothing, if the instance folder in use holds no instance."""
    settings = config.load(os.environ)
    folder: Path = settings["INSTANCE_PATH"]
    scheme, _, path = settings["DATABASE_URL"].partition(":///")
    if scheme == "sqlite":
        file = folder / unquote(path)
        # The mark remains where a database was lost, which the command itself reports.
        files = [file, file.with_name(f".{file.name}.made")]
    elif settings["SECRET_KEY"] is None:
        files = [folder / "secret_key"]
    else:
        return
    if not any(os.path.lexists(file) for file in files):
        raise click.ClickException(
            f"There is no instance in {folder}: {files[0]} does not exist. Create one with `movierating serve`, or set "
            f"{config.PREFIX}INSTANCE_PATH to the folder of an existing one."
        )


@contextmanager
def open_application(*, prepared: bool = True, creates_instance: bool = False) -> "Iterator[Flask]":
    """Open the application context that a command runs in; raise ClickException with one line for expected errors.

    Only a command that `creates_instance` runs on a folder without one. Under `flask` the application is the one that
    `flask` loaded, which exists by then.
    """
    from flask.cli import ScriptInfo
    from sqlalchemy.exc import DatabaseError

    from movierating import create_app
    from movierating.errors import ApiError
    from movierating.storage import database

    info = click.get_current_context().find_object(ScriptInfo)
    if info is None and not creates_instance:
        require_instance()
    app = info.load_app() if info else create_app(prepared=prepared)
    with app.app_context():
        try:
            yield app
        except ApiError as error:
            raise click.ClickException(_describe(error)) from error
        except DatabaseError as error:
            raise click.ClickException(f"Database error: {error.orig}.") from error
        except BrokenPipeError:
            # The reader of our output has closed it; click ends the command silently.
            raise
        except OSError as error:
            raise click.ClickException(str(error)) from error
        finally:
            database.close()


def _describe(error: "ApiError") -> str:
    """Return the line that a command prints for an error of a service."""
    from sqlalchemy.exc import DatabaseError

    if error.status >= 500 and isinstance(error.__cause__, DatabaseError):
        return f"Database error: {error.__cause__.orig}."
    fields = [f"{field.field}: {field.message}" for field in error.errors or []]
    return " ".join(fields) or error.detail


def with_application(command: Callable[..., Any], *, creates_instance: bool = False) -> Callable[..., Any]:
    """Run a command inside `open_application()`."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        with open_application(creates_instance=creates_instance):
            return command(*args, **kwargs)

    return run


@contextmanager
def interruptible(message: str) -> Iterator[None]:
    """Print `message` and exit with 130 on Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\nInterrupted. {message}", err=True)
        raise click.exceptions.Exit(130) from None
