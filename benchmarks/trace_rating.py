"""Counts the files, folders and functions of movierating that one request which rates a movie passes through.

`python benchmarks/trace_rating.py` prints the totals, with `--calls` each function too. The request is traced in
process with `sys.setprofile`, after requests that warm the caches up. Comprehensions do not count.
"""

import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import click
from flask.testing import FlaskClient

import movierating

PACKAGE = Path(movierating.__file__).parent
PASSWORD = "correct horse battery"  # noqa: S105, of an account that lasts as long as the run
WARM_UP_REQUESTS = 20


def open_session(client: FlaskClient) -> dict[str, str]:
    """Sign up and log in; return the header that authenticates requests."""
    account = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
    client.post("/v1/users", json=account)
    response = client.post("/v1/auth/login", json={"login": "ada", "password": PASSWORD})
    return {"Authorization": f"Bearer {response.get_json()['access_token']}"}


def trace(client: FlaskClient) -> Counter[str]:
    """Rate a movie; return how often each function of movierating was called, by `file:function`."""
    headers = open_session(client)
    movie_id = client.get("/v1/movies?limit=1").get_json()["items"][0]["id"]
    for number in range(WARM_UP_REQUESTS):
        rate(client, movie_id, headers, 0.5 + number % 20 / 2)
    calls: Counter[str] = Counter()

    def count_call(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and (name := function_name(frame)):
            calls[name] += 1

    threading.setprofile(count_call)
    sys.setprofile(count_call)
    try:
        # Another value than before: an unchanged rating is not written.
        rate(client, movie_id, headers, 5)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return calls


def rate(client: FlaskClient, movie_id: int, headers: dict[str, str], value: float) -> None:
    """Send a rating, which must succeed."""
    response = client.put(f"/v1/movies/{movie_id}/rating", json={"value": value}, headers=headers)
    if response.status_code not in (200, 201):
        raise SystemExit(f"rating a movie returned {response.status_code}: {response.text}")


def function_name(frame: FrameType) -> str | None:
    """Return `file:function` of a function of movierating, None for comprehensions and for other packages."""
    file = Path(frame.f_code.co_filename)
    name = frame.f_code.co_qualname.replace(".<locals>", "")
    if not file.is_relative_to(PACKAGE) or name.endswith(("<listcomp>", "<dictcomp>", "<setcomp>")):
        return None
    return f"{file.relative_to(PACKAGE)}:{name}"


@click.command(help=__doc__)
@click.option("--calls", is_flag=True, help="Print each function and how often it was called.")
def main(calls: bool) -> None:
    """Trace one rating on a new instance with the bundled movies."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "MOVIERATING_INSTANCE_PATH": str(Path(folder) / "instance"),
            "MOVIERATING_LOG_LEVEL": "INFO",
        }
        counted = trace(movierating.create_app(settings).test_client())
    if calls:
        for name, times in counted.items():
            click.echo(f"{times:4} {name}")
    files = {name.partition(":")[0] for name in counted}
    folders = {str(Path(file).parent) for file in files} - {"."}
    click.echo(f"{len(files)} files in {len(folders)} folders besides the root, {counted.total()} calls")


if __name__ == "__main__":
    main()
