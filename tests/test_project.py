"""Facts that are stated in two places of the project agree."""

import ast
import itertools
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
SETTINGS = tomllib.loads(PYPROJECT)
PROJECT = SETTINGS["project"]
WORKFLOW = (ROOT / ".github/workflows/check.yml").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def list_imports(path: Path) -> set[str]:
    """Return the top-level names that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def normalize_name(requirement: str) -> str:
    """Return a requirement's distribution name, normalized as in PEP 503."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def test_the_changelog_starts_with_this_version():
    newest = re.search(r"^## \[?([\w.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert newest in ("Unreleased", PROJECT["version"])


def test_installed_version_is_the_projects():
    assert version("movierating") == PROJECT["version"]


def test_workflow_runs_every_supported_python():
    supported = re.findall(r'Python :: (3\.\d+)"', PYPROJECT)
    assert re.findall(r'"(3\.\d+)"', re.search(r"python: \[(.+)\]", WORKFLOW)[1]) == supported
    assert PROJECT["requires-python"] == f">={supported[0]}"


def test_docs_name_each_supported_python():
    named = re.findall(r"Python (3\.\d+) with", (ROOT / "docs/development.md").read_text())
    assert named == re.findall(r'Python :: (3\.\d+)"', PYPROJECT)


def test_trixie_tests_are_skipped_without_debootstrap(tmp_path):
    for program in ("dirname", "grep"):
        (tmp_path / program).symlink_to(shutil.which(program))
    script = [shutil.which("bash"), ROOT / ".ci/trixie"]
    done = subprocess.run(script, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Skipped ")
    assert done.stdout.count("\n") == 1


def test_readme_names_the_oldest_supported_python():
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert f"Python {oldest}" in (ROOT / "README.md").read_text()


def test_packages_match_the_tree():
    tree = {".".join(file.parent.relative_to(ROOT).parts) for file in ROOT.glob("movierating/**/__init__.py")}
    assert set(SETTINGS["tool"]["setuptools"]["packages"]) == tree | {"movierating.seed_data"}
    assert (ROOT / "seed_data/__init__.py").exists(), "without it an editable install has no seed data"


def test_every_dependency_has_a_reason():
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for requirement in itertools.chain(*groups):
        assert f'    "{requirement}",  # ' in PYPROJECT, requirement


def test_every_dependency_is_imported():
    distributions = packages_distributions()
    used = {
        normalize_name(distribution)
        for file in ROOT.glob("movierating/**/*.py")
        for name in list_imports(file)
        for distribution in distributions.get(name, [])
    }
    assert {normalize_name(requirement) for requirement in PROJECT["dependencies"]} <= used


def test_package_contains_no_http_client():
    clients = (
        r"(urllib\.request(?!\.url2pathname)|urllib3|http\.client|requests|httpx|aiohttp|smtplib|ftplib)\b"
    )
    imported = []
    for file in ROOT.glob("movierating/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names = getattr(node, "names", []) if isinstance(node, ast.Import | ast.ImportFrom) else []
            imported += [(file.name, alias.name) for alias in names if re.match(clients, module + alias.name)]
    assert imported == []


def test_every_make_target_has_a_line_of_help():
    (targets,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.findall(r"^  make ([\w-]+) +\S", listed.stdout, re.MULTILINE) == targets.split()


@pytest.mark.parametrize(
    "path", ["instance/movierating.sqlite3", "instance/secret_key", "docs/deploy/.env", ".venv"]
)
def test_git_ignores_local_files(path):
    assert subprocess.run(["git", "check-ignore", "--quiet", path], cwd=ROOT).returncode == 0


def test_git_keeps_the_instance_folder():
    result = subprocess.run(["git", "check-ignore", "--quiet", "instance/.gitignore"], cwd=ROOT)
    assert result.returncode == 1


def test_ci_installs_every_program_that_tests_use():
    tests = "\n".join(file.read_text() for file in ROOT.glob("tests/**/*.py"))
    script = (ROOT / ".ci/run").read_text()
    for program in re.findall(r"""program\(["'](\S+?)["']\)""", tests):
        assert f"missing+=({program})" in script, program
