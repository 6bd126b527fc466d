"""What every ratio is to: a bare Flask answer, on the server that movierating is delivered with and its settings."""

import sys

from flask import Flask, Response, jsonify
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

app = Flask(__name__)


@app.get("/")
def hello() -> Response:
    """The least that a Flask service can say in JSON."""
    return jsonify(hello="world")


def main() -> None:
    """Serve on the port, and with the threads, that the command line gives."""
    port, threads = map(int, sys.argv[1:])
    Server(
        "hello:app",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=threads,
        websockets=False,
        # Not what it thinks of the number of threads.
        log_level=LogLevels.error,
    ).serve()


if __name__ == "__main__":
    main()
