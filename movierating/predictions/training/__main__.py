"""`python -m movierating.predictions.training` trains the instance's model; `--cold` starts from nothing.

The operator's command and the server run it. It ends when its standard input ends: with the process that started it,
however that ends. The exit code is 0, 1 with one line on standard error that says why, or BUSY.
"""

import os
import pkgutil
import sys
import threading

import click
from filelock import FileLock, Timeout

from movierating.predictions.training.run import TrainingError, train_instance
from movierating.predictions.training_status import BUSY

_NICENESS = 10


@click.command()
@click.option("--cold", is_flag=True, help="Start from nothing.")
def main(cold: bool) -> None:
    """Train the model of predicted ratings."""
    os.umask(0o077)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    app = pkgutil.resolve_name("movierating:create_app")(prepared=False)
    with app.app_context():
        try:
            with FileLock(app.config["INSTANCE_PATH"] / ".predictions.lock", timeout=0):
                train_instance(app.config["INSTANCE_PATH"], cold=cold)
        except Timeout:
            sys.exit(BUSY)
        except TrainingError as error:
            raise click.ClickException(str(error)) from error
        except Exception as error:
            # The server logs the line: a traceback would hide the reason.
            message = " ".join(str(error).split())
            raise click.ClickException(f"{type(error).__name__}: {message}") from error


def _end_with_parent() -> None:
    """End this process when its standard input ends. A file that is being written is not used."""
    sys.stdin.read()
    os._exit(1)


main()
