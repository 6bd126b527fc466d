"""docs/architecture.md names folders, files and functions that exist, and each file that a rating passes through."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "movierating"
TEXT = (ROOT / "docs" / "architecture.md").read_text()
FILE = re.compile(r"`((?:\w+/)*\w+\.py)`")
STEPS = sorted(set(re.findall(r"^\| `([\w/]+\.py)` \| (.+?) \| .+ \|$", TEXT, re.MULTILINE)))


def defined_names(file):
    """Return the functions, classes and methods (`Class.method`) that a file defines at the top level."""
    names = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return names


def test_rooms_table_lists_every_folder():
    folders = {str(file.parent.relative_to(PACKAGE)) for file in PACKAGE.rglob("__init__.py")} - {"."}
    assert set(re.findall(r"^\| `([\w/]+)/` \|", TEXT, re.MULTILINE)) >= folders


@pytest.mark.parametrize(("file", "functions"), STEPS)
def test_steps_name_existing_functions(file, functions):
    names = set(re.findall(r"`([\w.]+)`", functions))
    assert names
    assert names - defined_names(PACKAGE / file) == set()


@pytest.mark.parametrize("file", sorted(set(FILE.findall(TEXT))))
def test_named_files_exist(file):
    assert (PACKAGE / file).is_file()


@pytest.mark.sqlite
def test_steps_of_a_rating_name_each_file_on_its_path(make_app, add_movie, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from trace_rating import trace

    add_movie()
    client = make_app(RATELIMIT_ENABLED="true").test_client()
    on_path = {name.partition(":")[0] for name in trace(client)}
    section = re.search("## When I rate a movie\n(.*?)\nOn PostgreSQL", TEXT, re.DOTALL)[1]
    assert set(FILE.findall(section)) == on_path
