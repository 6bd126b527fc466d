"""The application around a command."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask


@contextmanager
def open_application(*, prepared: bool = True) -> "Iterator[Flask]":
    """The application of the `flask` command where one runs, a new one otherwise; refusals become one line."""
    from flask.cli import ScriptInfo
    from sqlalchemy.exc import DatabaseError

    from movierating import create_app
    from movierating.errors import ApiError
    from movierating.storage import database

    info = click.get_current_context().find_object(ScriptInfo)
    app = info.load_app() if info else create_app(prepared=prepared)
    with app.app_context():
        try:
            yield app
        except ApiError as problem:
            if problem.status >= 500 and isinstance(problem.__cause__, DatabaseError):
                raise click.ClickException(f"the database refused: {problem.__cause__.orig}") from problem
            reasons = [f"{error.field}: {error.message}" for error in problem.errors or []]
            raise click.ClickException(" ".join(reasons) or problem.detail) from problem
        except DatabaseError as error:
            raise click.ClickException(f"the database refused: {error.orig}") from error
        except BrokenPipeError:
            # Whoever reads our output has enough; click ends the command without a word.
            raise
        except OSError as error:
            raise click.ClickException(str(error)) from error
        finally:
            database.close()


def with_application(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command inside `open_application()`."""

    @functools.wraps(command)
    def inside(*args: Any, **kwargs: Any) -> Any:
        with open_application():
            return command(*args, **kwargs)

    return inside
