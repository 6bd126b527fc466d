"""The options of `movierating serve`."""

import logging
import re
import socket

import pytest
from click.testing import CliRunner

from movierating.cli.main import main

IN_USE = r"\d+ \(Address already in use; choose another port with --port\)\n"


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (["--host", "127.0.0.1"], 1, f"Error: can't listen on 127.0.0.1:{IN_USE}"),
        (["--host", "localhost"], 1, f"Error: can't listen on localhost:{IN_USE}"),
        (["--host", "192.0.2.1"], 1, r"Error: can't listen on 192.0.2.1:\d+ \(.+\)\n"),
        (["--host", "no.such.host.invalid"], 1, r"Error: can't listen on no.such.host.invalid:\d+ \(.+\)\n"),
        (["--host", "\udcff"], 2, r".*'\\udcff' is not an address or host name.*"),
        (["--host", "a" * 64], 2, ".*'a+' is not an address or host name.*"),
        (["--port", "0"], 2, ".* is not in the range .*"),
        (["--port", "65536"], 2, ".* is not in the range .*"),
        (["--workers", "0"], 2, ".* is not in the range .*"),
        (["--backup-every", "1h"], 2, ".*--backup-every and --backup-keep need --backup-dir\n"),
        (["--backup-keep", "3"], 2, ".*--backup-every and --backup-keep need --backup-dir\n"),
        (["--backup-dir", "x", "--backup-every", "soon"], 2, ".*'soon' is not a duration such as 30m.*"),
        (["--backup-dir", "x", "--backup-keep", "0"], 2, ".* is not in the range .*"),
        (["--backup-dir", ""], 2, ".*The path must not be empty.\n"),
        (
            ["--backup-dir", "/dev/null/x"],
            1,
            r"Error: backups can't be written to /dev/null/x \(Not a directory\)\n",
        ),
    ],
)
def test_serve_rejects_invalid_options(environ, instance, options, exit_code, message):
    root = logging.getLogger()
    handlers = root.handlers
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner(env=environ(instance)).invoke(main, ["serve", "--port", port, *options])
    root.handlers = handlers
    assert done.exit_code == exit_code
    assert re.fullmatch(message, done.output, re.DOTALL)
