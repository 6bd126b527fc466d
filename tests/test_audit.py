"""`make audit` fails on a known vulnerability, and passes with a message if the database is unreachable."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.any_database]

AUDIT = Path(__file__).parents[1] / ".ci" / "audit.py"
VULNERABILITY = {
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
    """Run the audit with a database at this address, compatible with osv.dev; return the exit code and output."""
    command = [sys.executable, AUDIT, "--vulnerability-service", "osv", "--osv-url", url]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.stderr == ""
    return result.returncode, result.stdout


@pytest.fixture
def database():
    """The URL of a database in which only flask is vulnerable, and the set of packages that it was asked for."""
    queried = set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            queried.add(name)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"vulns": [VULNERABILITY]} if name == "flask" else {}).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query", queried
        server.shutdown()


def test_known_vulnerability_of_a_dependency_fails(database):
    url, queried = database
    code, output = audit(url)
    assert code == 1
    assert "GHSA-0000-0000-0000, fixed in 999" in output
    assert f"audited {len(queried)} of {len(queried)} packages, 1 vulnerable\n" in output
    assert {"flask", "werkzeug", "granian", "sqlalchemy", "redis"} <= queried
    assert not {"pytest", "movierating", "pip"} & queried


def test_unreachable_database_is_reported(free_port):
    code, output = audit(f"http://127.0.0.1:{free_port()}/v1/query")
    assert code == 0
    assert output.startswith("not audited: ")
