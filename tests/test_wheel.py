"""The wheel works in a clean environment, outside the checkout."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import urllib.request
import zipfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urljoin

import pytest

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).parents[1]
TEST_VARIABLES = ("MOVIERATING_", "FLASK_", "PYTHON", "COVERAGE_", "COV_", "XDG_")


def make_clean_environment(**variables):
    """Return this process's environment without variables of the checkout or the test run."""
    return {key: value for key, value in os.environ.items() if not key.startswith(TEST_VARIABLES)} | variables


def run(*command):
    """Run a command in `/` and return its output."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    result = subprocess.run(command, cwd="/", env=make_clean_environment(), **output)
    assert result.returncode == 0, result.stdout
    return result.stdout


def get(url):
    """Return the body of a response with status 200."""
    with urllib.request.urlopen(url, timeout=60) as response:
        assert response.status == 200
        return response.read()


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
def service(command, home, free_port, eventually):
    """The process of `movierating serve`, run in `/` with that home, and its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = make_clean_environment(HOME=str(home), XDG_DATA_HOME=str(home / "data"))

    def is_ready():
        assert process.poll() is None
        with suppress(OSError):
            return get(f"{address}/readyz")

    with subprocess.Popen([command, "serve", "--port", str(port)], cwd="/", env=environment) as process:
        try:
            eventually(is_ready)
            yield process, address
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def address(service):
    return service[1]


def test_wheel_contains_the_tree(wheel):
    tree = {
        str(file.relative_to(ROOT)).replace("seed_data/", "movierating/seed_data/")
        for folder in ("movierating", "seed_data")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and not {"__pycache__", "corrections"} & {*file.parts}
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == tree


def test_help_works_without_an_instance(command):
    assert "serve" in run(command, "--help")


@pytest.mark.usefixtures("address")
def test_first_start_creates_the_instance_folder(home):
    (instance,) = (home / "data").iterdir()
    keys = [file for file in instance.iterdir() if "key" in file.name]
    assert [stat.S_IMODE(key.stat().st_mode) for key in keys] == [0o600]
    assert (instance / "movierating.sqlite3").stat().st_size


def test_first_start_adds_the_movies(address):
    assert len(json.loads(get(f"{address}/v1/movies?limit=100"))["items"]) == 100


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/genres"])
def test_endpoint_responds(address, path):
    assert get(address + path)


def test_docs_page_serves_its_own_files(address):
    page = f"{address}/docs"
    linked = re.findall(r"""(?:src|href)=["']([^"'#]+)["']""", get(page).decode())
    assert linked
    assert all(get(urljoin(page, path)) for path in linked)


def test_sigterm_exits_with_0(service):
    process, _ = service
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
