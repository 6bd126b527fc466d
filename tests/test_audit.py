"""`make audit`: a known vulnerability fails the check, a database that can't be asked is said and does not."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

AUDIT = Path(__file__).parents[1] / ".ci" / "audit.py"
FOUND = {
    "id": "GHSA-0000-0000-0000",
    "summary": "Made up",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "flask"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999"}]}],
        }
    ],
}


def audit(url):
    """The exit code and what is said, with a database at this address that speaks as osv.dev does."""
    command = [sys.executable, AUDIT, "--vulnerability-service", "osv", "--osv-url", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture
def database():
    """`database(vulnerable)` is the address of one in which those packages have one, and who was asked for."""
    servers, asked = [], set()

    def serve(vulnerable):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
                asked.add(name)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"vulns": [FOUND]} if name in vulnerable else {}).encode())

            def log_message(self, *_):
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/v1/query", asked

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_known_vulnerability_fails(database):
    code, said = audit(database({"flask"})[0])
    assert code == 1
    assert "GHSA-0000-0000-0000, fixed in 999" in said
    assert ", 1 vulnerable" in said


def test_all_that_the_service_runs_on_is_looked_up_and_nothing_else(database):
    url, asked = database(set())
    code, said = audit(url)
    assert (code, said) == (0, f"audited {len(asked)} of {len(asked)} packages, 0 vulnerable\n")
    assert {"flask", "werkzeug", "granian", "sqlalchemy", "redis"} <= asked
    assert not {"pytest", "movierating", "pip"} & asked


def test_a_database_that_cannot_be_asked_is_said(free_port):
    code, said = audit(f"http://127.0.0.1:{free_port()}/v1/query")
    assert code == 0
    assert said.startswith("not audited: ")
