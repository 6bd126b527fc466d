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
from movierating.cli.commands import Command

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.exc import DatabaseError

    from movierating.errors import ApiError


def require_instance() -> None:
    """Raise ClickException, and create nothing, if there is no instance in the instance folder."""
    settings = config.load(os.environ)
    folder: Path = settings["INSTANCE_PATH"]
    scheme, _, path = settings["DATABASE_URL"].partition(":///")
    if scheme == "sqlite":
        file = folder / unquote(path)
        # The second file is `startup`'s marker. If only it exists, the database is lost, which the command reports.
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


def is_finding_command() -> bool:
    """Return True while `flask` loads the application only to find a command, which opens the application itself.

    Raise ClickException if another command than `run` of Flask or an extension is called without an instance.
    """
    from flask.cli import FlaskGroup, ScriptInfo

    context = click.get_current_context(silent=True)
    if context is None or isinstance(context.command, Command) or context.find_object(ScriptInfo) is None:
        return False
    if isinstance(context.command, FlaskGroup):
        return True
    if context.command.name != "run":
        require_instance()
    return False


@contextmanager
def open_application(*, prepared: bool = True, creates_instance: bool = False) -> "Iterator[Flask]":
    """Open the application context that a command runs in; raise ClickException with one line for expected errors.

    With `prepared`, the database is migrated first, as at a start of the service. Raise ClickException in a folder
    without an instance, unless the command `creates_instance`.
    """
    from movierating import create_app
    from movierating.storage import database

    if not creates_instance:
        require_instance()
    app = create_app(prepared=prepared)
    with app.app_context(), _describe_errors():
        try:
            yield app
        finally:
            database.close()


@contextmanager
def _describe_errors() -> Iterator[None]:
    """Raise ClickException with one line for an expected error."""
    from sqlalchemy.exc import DatabaseError

    from movierating.errors import ApiError
    from movierating.storage import storage_errors

    try:
        yield
    except ApiError as error:
        raise click.ClickException(describe_api_error(error)) from error
    except DatabaseError as error:
        raise click.ClickException(_describe_database_error(error)) from error
    except UnicodeEncodeError as error:
        # An argument that is not UTF-8 has surrogates, which no database takes.
        raise click.ClickException(f"{error.object!r} is not valid UTF-8.") from error
    except BrokenPipeError:
        # The reader of our output has closed it; click ends the command silently.
        raise
    except OSError as error:
        raise click.ClickException(storage_errors.format_reason(error)) from error


def describe_api_error(error: "ApiError") -> str:
    """Return the reason of an error as one line."""
    from sqlalchemy.exc import DatabaseError

    if error.status >= 500 and isinstance(error.__cause__, DatabaseError):
        return _describe_database_error(error.__cause__)
    fields = [f"{field.field}: {field.message}" for field in error.errors or []]
    return " ".join(fields) or error.detail


def _describe_database_error(error: "DatabaseError") -> str:
    from movierating.storage import database, storage_errors

    if storage_errors.is_locked(error):
        return "The database is locked by another program; try again when that has finished."
    file = database.get_sqlite_file()
    return f"Database error: {storage_errors.format_reason(error, file.parent if file else None)}"


def with_application(command: Callable[..., Any], *, creates_instance: bool = False) -> Callable[..., Any]:
    """Return a command that runs inside `open_application()`."""

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
