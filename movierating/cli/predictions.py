"""`movierating predictions`."""

import threading

import click

from movierating.cli.application import open_application
from movierating.cli.commands import Group
from movierating.cli.counts import format_count


@click.group(cls=Group)
def predictions() -> None:
    """Train the model of predicted ratings."""


@predictions.command()
@click.option("--cold", is_flag=True, help="Start from nothing instead of the earlier model.")
def train(cold: bool) -> None:
    """Train the model of predicted ratings now.

    The server does so by itself. It takes seconds for 100,000 ratings and minutes for 10 million.
    """
    from movierating.operations import prediction_training
    from movierating.predictions.training_status import BUSY

    with open_application() as app:
        if not app.config["PREDICTIONS"]:
            raise click.ClickException("Predictions are off; set MOVIERATING_PREDICTIONS to on.")
        instance = app.config["INSTANCE_PATH"]
    exit_code, message = prediction_training.run_training(instance, threading.Event(), cold=cold)
    if exit_code == BUSY:
        raise click.ClickException("Another process is training; try again when it has finished.")
    if exit_code:
        raise click.ClickException(message or f"The training ended with exit code {exit_code}.")
    _print_status()


@predictions.command()
def status() -> None:
    """Print what the model was trained on, and whether training is due."""
    _print_status()


def _print_status() -> None:
    from movierating.clock import format_rfc3339
    from movierating.predictions.training_status import MIN_USERS, read_status
    from movierating.storage.database import read

    with open_application() as app:
        if not app.config["PREDICTIONS"]:
            click.echo("Predictions are off.")
            return
        training = read_status(read())
        if training.model is None:
            click.echo("There is no model.")
        else:
            ratings = format_count(training.model.rating_count, "rating")
            users = format_count(training.model.user_count, "user")
            seconds = training.model.training_seconds
            click.echo(
                f"Trained at {format_rfc3339(training.model.trained_at)} on {ratings} of {users} in {seconds} s."
            )
    ratings, users = format_count(training.ratings, "rating"), format_count(training.users, "user")
    click.echo(f"The instance has {ratings} of {users} now; a model needs {MIN_USERS} users.")
    click.echo(f"Training is {'' if training.is_due() else 'not '}due.")
