"""The command `movierating`. The application is only imported by a command that needs it, so that help is instant."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask


class _Migrations(click.Command):
    """Stands in for Flask-Migrate's group of commands, which is imported when one of them is asked for."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of Flask-Migrate's group, which finds the application where `flask` would have put it."""
        from flask.cli import ScriptInfo
        from flask_migrate.cli import db

        from movierating import create_app

        assert parent is not None
        parent.obj = parent.find_object(ScriptInfo) or ScriptInfo(
            create_app=lambda: create_app(prepared=False)
        )
        context: click.Context = db.make_context(info_name, args, parent, **extra)
        return context


@click.group()
@click.version_option(package_name="movierating")
def main() -> None:
    """A movie rating service."""


main.add_command(_Migrations("db", help="Perform database migrations."))


@contextmanager
def _application(*, prepared: bool = True) -> "Iterator[Flask]":
    """The application of the `flask` command where one runs, a new one otherwise; refusals become one line."""
    from flask.cli import ScriptInfo
    from sqlalchemy.exc import DatabaseError

    from movierating import create_app, database
    from movierating.problems import Problem

    info = click.get_current_context().find_object(ScriptInfo)
    app = info.load_app() if info else create_app(prepared=prepared)
    with app.app_context():
        try:
            yield app
        except Problem as problem:
            reasons = [f"{error.field}: {error.message}" for error in problem.errors or []]
            raise click.ClickException(" ".join(reasons) or problem.detail) from problem
        except DatabaseError as error:
            raise click.ClickException(f"the database refused: {error.orig}") from error
        finally:
            database.close()


def _with_application(command: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(command)
    def inside(*args: Any, **kwargs: Any) -> Any:
        with _application():
            return command(*args, **kwargs)

    return inside


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=4000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Worker processes."
)
def serve(host: str, port: int, workers: int) -> None:
    """Run the production server; SIGTERM lets requests under way finish."""
    from movierating.server import run

    run(host, port, workers)


@main.group()
def user() -> None:
    """Make and administer accounts."""


def _new_password(from_stdin: bool) -> str:
    if from_stdin:
        try:
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise click.ClickException("password: is not UTF-8") from error
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@user.command("create")
@click.argument("name")
@click.argument("email")
@click.option("--admin", is_flag=True, help="Make it an admin.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@_with_application
def create_user(name: str, email: str, admin: bool, password_stdin: bool) -> None:
    """Make an account; asks for the password twice."""
    from movierating.users import schemas, service

    given = {"username": name, "email": email, "password": _new_password(password_stdin)}
    errors = schemas.SignUpSchema().validate(given)
    if errors:
        raise click.ClickException("; ".join(f"{field}: {' '.join(why)}" for field, why in errors.items()))
    account = service.sign_up(name, email, given["password"], None, "admin" if admin else "member")
    click.echo(f"{account['role']} {account['username']} has id {account['id']}")


@user.command("list")
@_with_application
def list_users() -> None:
    """List all accounts."""
    from movierating.users import service

    cursor: str | None = None
    while True:
        accounts, cursor = service.accounts(None, cursor, 1000)
        for account in accounts:
            state = "active" if account["active"] else "deactivated"
            row = (account["id"], account["username"], account["email"] or "-", account["role"], state)
            click.echo("\t".join(map(str, row)))
        if cursor is None:
            return


@user.command("promote")
@click.argument("name")
@_with_application
def promote_user(name: str) -> None:
    """Make an account an admin."""
    from movierating.users import service

    service.administer(service.id_of(name), {"role": "admin"})
    click.echo(f"{name} is an admin")


@user.command("deactivate")
@click.argument("name")
@_with_application
def deactivate_user(name: str) -> None:
    """Shut an account: its sessions and tokens end, its ratings stay counted."""
    from movierating.users import service

    service.administer(service.id_of(name), {"active": False})
    click.echo(f"{name} is deactivated")


@user.command("reset-password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@_with_application
def reset_password(name: str, password_stdin: bool) -> None:
    """Set a new password; the account's sessions and tokens end."""
    from movierating.users import service

    user_id = service.id_of(name)
    service.reset_password(user_id, _new_password(password_stdin))
    click.echo(f"{name} has a new password")


@main.command()
@click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A CSV of movies."
)
@_with_application
def seed(path: Path | None) -> None:
    """Add the bundled movies, or those of a CSV with the same columns, that are not there."""
    from movierating.movies import seed as seeding

    try:
        report = seeding.seed(path or seeding.bundled())
    except seeding.NotMovies as error:
        raise click.ClickException(str(error)) from error
    for refused in report.refused:
        click.echo(refused, err=True)
    click.echo(f"{report.added} movies added, {report.present} there already, {len(report.refused)} refused")


@main.group("import")
def import_() -> None:
    """Load ratings in bulk."""


@import_.command("movielens")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_movielens(folder: Path) -> None:
    """Load a MovieLens data set: ml-latest(-small), ml-25m, ml-32m, ml-1m, ml-10m or ml-100k.

    Its users become accounts that can't sign in, its movies are matched or added. It can be repeated, and resumed
    after a kill. Rows that can't be taken are reported and left out, which is no failure: the exit code is 1 only
    where the folder holds no data set or can't be read to its end.
    """
    from movierating.ratings import datasets
    from movierating.ratings.formats import movielens

    try:
        dataset = movielens.open_folder(folder)
        with _application(), _progress("ratings", dataset.size) as progress:
            report = datasets.import_movielens(dataset, progress)
    except (movielens.NotMovieLens, OSError) as error:
        raise click.ClickException(str(error)) from error
    for reason in report.reasons:
        click.echo(reason, err=True)
    if report.refused > len(report.reasons):
        click.echo(f"and {report.refused - len(report.reasons)} more", err=True)
    if report.unmatched:
        click.echo(
            f"{report.unmatched} ratings not loaded: their movies were refused or are not listed", err=True
        )
    click.echo(f"{report.movies_added} movies added, {report.movies_present} there already")
    click.echo(f"{report.users_added} users added")
    click.echo(
        f"{report.added} ratings loaded, {report.changed} changed, {report.unchanged} unchanged,"
        f" {report.refused} rows refused"
    )


@contextmanager
def _progress(label: str, size: int) -> Iterator[Callable[[int], None]]:
    """Call the function with how much of `size` is done: a bar on a terminal, a line each tenth in a pipe."""
    done, on_terminal = 0, sys.stderr.isatty()
    with click.progressbar(length=size, label=label, file=sys.stderr, hidden=not on_terminal) as bar:

        def advance(now_done: int) -> None:
            nonlocal done
            if not on_terminal and now_done * 10 // size > done * 10 // size:
                click.echo(f"{label}: {now_done * 100 // size} %", err=True)
            bar.update(now_done - done)
            done = now_done

        yield advance


@main.command()
@click.option("--repair", is_flag=True, help="Recompute the aggregates that are wrong.")
def check(repair: bool) -> None:
    """Verify settings, migrations, the database file, and that every aggregate equals its ratings."""
    from movierating import checks

    with _application(prepared=False):
        wrong, repaired = checks.run(repair)
    for finding in [*wrong, *repaired]:
        click.echo(finding)
    if wrong:
        raise click.exceptions.Exit(1)
    if not repaired:
        click.echo("all is well")


@main.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    import orjson

    from movierating.extensions import api
    from movierating.openapi import document

    with _application(prepared=False):
        click.echo(orjson.dumps(document(api.spec), option=orjson.OPT_INDENT_2))
