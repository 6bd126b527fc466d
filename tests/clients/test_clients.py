"""`make clients`: clients that other projects generate from the OpenAPI document tell one story with the service.

Sign up, log in, page through the movies, rate one that does not exist and one that does, rate two at once of which one
does not exist, upload a file, and export as CSV and JSON. npm and pip install the generators into build/clients.
"""

import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from movierating import create_app
from movierating.movies import service as movies
from movierating.storage import database

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "clients"


def run(*command, **variables):
    """Run a command, and return its output; fail with it if the command does."""
    result = subprocess.run(
        list(map(str, command)),
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def install(requirements, folder, install_into):
    """Call `install_into(folder)` unless it has already installed the same file of requirements there."""
    installed = folder / requirements.name
    if not installed.exists() or installed.read_bytes() != requirements.read_bytes():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install_into(folder)
        shutil.copy(requirements, installed)
    return folder


@pytest.fixture(scope="module")
def python():
    """The folder of the programs of a virtual environment with the generators in Python."""

    def install_into(folder):
        run(sys.executable, "-m", "venv", folder)
        pip = (folder / "bin/python", "-m", "pip", "--cache-dir", BUILD / "cache/pip")
        run(*pip, "install", "--quiet", "--requirement", HERE / "requirements.txt")

    return install(HERE / "requirements.txt", BUILD / "python", install_into) / "bin"


@pytest.fixture(scope="module")
def node(program):
    """The folder of the programs of the generators in JavaScript. Skips without Node.js; in CI it fails."""
    npm = program("npm")

    def install_into(folder):
        shutil.copy(HERE / "package.json", folder)
        options = ("--cache", BUILD / "cache/npm", "--no-audit", "--no-fund", "--no-package-lock")
        run(npm, "install", "--prefix", folder, *options)

    return install(HERE / "package.json", BUILD / "node", install_into) / "node_modules/.bin"


@pytest.fixture(scope="module")
def url(environ, empty_instance, copied, serve, tmp_path_factory):
    """The address of a running service with five movies."""
    folder = copied(empty_instance, tmp_path_factory.mktemp("clients") / "instance")
    with create_app(environ(folder)).app_context():
        for number in range(1, 6):
            movies.create_movie(
                {
                    "title": f"Movie {number}",
                    "year": 2000,
                    "imdb_id": f"tt000000{number}",
                    "genres": ["Drama"],
                }
            )
        database.close()
    return serve(folder).url


@pytest.fixture
def document(url, tmp_path):
    """The file of the OpenAPI document."""
    file = tmp_path / "openapi.json"
    urllib.request.urlretrieve(f"{url}/openapi.json", file)
    return file


def test_openapi_python_client(python, url, document, tmp_path):
    client = tmp_path / "movierating_client"
    programs = f"{python}{os.pathsep}{os.environ['PATH']}"
    generate = (
        "generate",
        "--path",
        document,
        "--meta",
        "none",
        "--output-path",
        client,
        "--fail-on-warning",
    )
    run(python / "openapi-python-client", *generate, PATH=programs)
    run(python / "python", HERE / "stories/openapi_python_client.py", url, PYTHONPATH=tmp_path)


def test_openapi_generator(python, url, document, tmp_path):
    run(python / "openapi-generator-cli", "generate", "-g", "python", "-i", document, "-o", tmp_path)
    run(python / "python", HERE / "stories/openapi_generator.py", url, PYTHONPATH=tmp_path)


def test_fastmcp(python, url):
    run(python / "python", HERE / "stories/fastmcp_bridge.py", url)


def run_typescript(node, story, url, generate):
    """Call `generate(folder)`, check the types of a story beside the client, and run it."""
    folder = node.parents[1] / story
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(HERE / "stories" / f"{story}.ts", folder / "story.ts")
    shutil.copy(HERE / "tsconfig.json", folder)
    generate(folder)
    run(node / "tsc", "--project", folder)
    bundle = ("--bundle", "--platform=node", "--format=esm", f"--outfile={folder}/story.mjs")
    run(node / "esbuild", folder / "story.ts", *bundle)
    run("node", folder / "story.mjs", url)


def test_openapi_typescript_and_openapi_fetch(node, url, document):
    def generate(folder):
        run(node / "openapi-typescript", document, "--output", folder / "schema.d.ts")

    run_typescript(node, "openapi_fetch", url, generate)


def test_hey_api_openapi_ts(node, url, document):
    def generate(folder):
        run(node / "openapi-ts", "--input", document, "--output", folder / "client", "--logs", folder)

    run_typescript(node, "hey_api", url, generate)


def test_orval(node, url):
    def generate(folder):
        run(node / "orval", "--config", HERE / "orval.config.mjs", FOLDER=folder, SERVICE=url)

    run_typescript(node, "orval", url, generate)
