"""What an installed user gets: the wheel, in a clean environment, away from the checkout."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urljoin

import pytest

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).parents[1]
TIES = ("MOVIERATING_", "FLASK_", "PYTHON", "COVERAGE_", "COV_", "XDG_")


def untied(**variables):
    """This process's environment without what ties it to the checkout or to a test run."""
    return {key: value for key, value in os.environ.items() if not key.startswith(TIES)} | variables


def run(*command):
    """What a command printed, run to its end from `/`; shown too when it fails."""
    done = subprocess.run(
        command, cwd="/", env=untied(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def get(url):
    """The body of a 200."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.status == 200
        return answer.read()


def wait_until_ready(process, address):
    """Return once `/readyz` answers; fail when the process ends before, or after a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(URLError, ConnectionError):
            return get(f"{address}/readyz")
        with suppress(subprocess.TimeoutExpired):
            pytest.fail(f"serve ended with {process.wait(0.1)}")
    pytest.fail("serve did not answer within a minute")


@contextmanager
def serving(command, home):
    """A service started from `/` by a user whose home is `home`: `(process, address)`."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = untied(HOME=str(home), XDG_DATA_HOME=str(home / "data"))
    with subprocess.Popen([command, "serve", "--port", str(port)], cwd="/", env=environment) as process:
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}")
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the source archive, so that both are proven complete."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def command(wheel, tmp_path_factory):
    """The `movierating` command of a virtual environment that holds the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin/python", "-m", "pip", "install", "--quiet", wheel)
    return folder / "bin/movierating"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The home of a user who never ran the service."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(command, home):
    with serving(command, home) as (_, address):
        yield address


def test_the_wheel_holds_the_tree(wheel):
    tree = {
        str(file.relative_to(ROOT)).replace("seed_data/", "movierating/seed_data/")
        for folder in ("movierating", "seed_data")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == tree


def test_help_needs_no_service(command):
    assert "serve" in run(command, "--help")


@pytest.mark.usefixtures("address")
def test_the_first_start_makes_the_instance_folder(home):
    (instance,) = (home / "data").iterdir()
    keys = [file for file in instance.iterdir() if "key" in file.name]
    assert [stat.S_IMODE(key.stat().st_mode) for key in keys] == [0o600]
    assert (instance / "movierating.sqlite3").stat().st_size


def test_the_first_start_brings_the_movies(address):
    assert len(json.loads(get(f"{address}/v1/movies?limit=100"))["items"]) == 100


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/genres"])
def test_it_answers(address, path):
    assert get(address + path)


def test_the_docs_page_brings_its_own_files(address):
    page = f"{address}/docs"
    linked = re.findall(r"""(?:src|href)=["']([^"'#]+)["']""", get(page).decode())
    assert linked
    assert all(get(urljoin(page, path)) for path in linked)


def test_sigterm_ends_it_well(command, tmp_path):
    with serving(command, tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
