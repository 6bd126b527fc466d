"""Facts that the project states in two places agree."""

import ast
import itertools
import re
import subprocess
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
SETTINGS = tomllib.loads(PYPROJECT)
PROJECT = SETTINGS["project"]
WORKFLOW = (ROOT / ".github/workflows/check.yml").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


SUPPORTED_PYTHONS = re.findall(r'Python :: (3\.\d+)"', PYPROJECT)


def list_imports() -> set[str]:
    """Return the full names that the package's files import anywhere, such as `urllib.request.urlopen`."""
    names = set()
    for file in ROOT.glob("movierating/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def normalize_name(requirement: str) -> str:
    """Return a requirement's distribution name, normalized as in PEP 503."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def test_changelog_starts_with_this_version():
    newest = re.search(r"^## \[?([\w.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert newest in ("Unreleased", PROJECT["version"])


def test_supported_pythons_are_tested_and_documented():
    assert PROJECT["requires-python"] == f">={SUPPORTED_PYTHONS[0]}"
    assert re.findall(r'"(3\.\d+)"', re.search(r"python: \[(.+)\]", WORKFLOW)[1]) == SUPPORTED_PYTHONS
    development = (ROOT / "docs/development.md").read_text()
    assert re.findall(r"Python (3\.\d+) with", development) == SUPPORTED_PYTHONS
    assert f"Python {SUPPORTED_PYTHONS[0]}" in (ROOT / "README.md").read_text()


def test_packages_match_the_tree():
    tree = {".".join(file.parent.relative_to(ROOT).parts) for file in ROOT.glob("movierating/**/__init__.py")}
    assert set(SETTINGS["tool"]["setuptools"]["packages"]) == tree | {"movierating.seed_data"}
    assert (ROOT / "seed_data/__init__.py").exists(), "without it an editable install has no seed data"


def test_every_dependency_has_a_reason():
    for requirement in itertools.chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        assert f'    "{requirement}",  # ' in PYPROJECT, requirement


def test_every_dependency_is_imported():
    distributions = packages_distributions()
    used = {
        normalize_name(distribution)
        for name in list_imports()
        for distribution in distributions.get(name.partition(".")[0], [])
    }
    assert {normalize_name(requirement) for requirement in PROJECT["dependencies"]} <= used


def test_package_contains_no_http_client():
    clients = (
        r"(urllib\.request(?!\.url2pathname)|urllib3|http\.client|requests|httpx|aiohttp|smtplib|ftplib)\b"
    )
    assert [name for name in list_imports() if re.match(clients, name)] == []


def test_every_make_target_has_a_line_of_help():
    (targets,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.findall(r"^  make ([\w-]+) +\S", listed.stdout, re.MULTILINE) == targets.split()


@pytest.mark.parametrize(
    "path", ["instance/movierating.sqlite3", "instance/secret_key", "docs/deploy/.env", "build/x"]
)
def test_git_ignores_local_files(path):
    assert subprocess.run(["git", "check-ignore", "--quiet", path], cwd=ROOT).returncode == 0


def test_ci_installs_every_program_that_tests_use():
    tests = "\n".join(file.read_text() for file in ROOT.glob("tests/**/*.py"))
    script = (ROOT / ".ci/run").read_text()
    for program in re.findall(r"""program\(["'](\S+?)["']\)""", tests):
        assert f"missing+=({program})" in script, program
