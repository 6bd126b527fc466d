"""Click classes of the commands: their help ends with the instance folder in use, and Ctrl-C exits with 130."""

import os
from typing import Any

import click

from movierating import config


class IntRange(click.IntRange):
    """A whole number within a range, which errors call so."""

    name = "whole number"


class Command(click.Command):
    """A command whose help names the instance folder, and which exits with 130 when it is interrupted, as shells do."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. A command with more to say about an interruption has handled it before."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort) as error:
            # At a prompt, click converts the interruption to Abort, which it also raises if the answer is no.
            if isinstance(error, click.Abort) and not isinstance(error.__context__, KeyboardInterrupt):
                raise
            click.echo("\nInterrupted.", err=True)
            raise click.exceptions.Exit(130) from None
        except BrokenPipeError:
            # The reader of our output has closed it; click ends the command silently.
            raise
        except OSError as error:
            # For example, the output goes to a full disk.
            raise click.ClickException(str(error.strerror or error)) from error

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the instance folder, or why it can't be determined, below the help."""
        super().format_epilog(ctx, formatter)
        try:
            folder = str(config.get_instance_path(os.environ))
        except config.SettingError as error:
            folder = error.message
        # Not `write_text`, which would wrap a long path.
        formatter.write(f"\nInstance folder: {folder}\n")


class Group(Command, click.Group):
    """A group of commands."""

    command_class = Command


def confirm(question: str) -> None:
    """Ask for confirmation. Raise click.Abort unless the answer is yes, and UsageError if there is no answer."""
    try:
        click.confirm(question, abort=True, err=True)
    except RuntimeError as error:
        # A closed standard input raises RuntimeError. click.Abort, a subclass, is raised for "no" and for its end.
        if isinstance(error, click.Abort) and not isinstance(error.__context__, EOFError):
            raise
        raise click.UsageError("There is no answer on standard input; --yes skips the question.") from error
