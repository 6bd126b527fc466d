"""The reference of every ratio: a bare Flask response, on the same server with as many threads."""

import sys

from flask import Flask, Response, jsonify
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

app = Flask(__name__)


@app.get("/")
def hello() -> Response:
    """Return a minimal JSON response."""
    return jsonify(hello="world")


def main() -> None:
    """Serve on the port and with the number of threads from the command line."""
    port, threads = map(int, sys.argv[1:])
    Server(
        "hello:app",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=threads,
        websockets=False,
        # No warning about the number of threads.
        log_level=LogLevels.error,
    ).serve()


if __name__ == "__main__":
    main()
