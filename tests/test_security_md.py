"""SECURITY.md: each requirement names tests, and these exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| ((?:API|V)\d.+?) \| (.+) \| (.*) \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE
)


def names_in(file):
    """The names of a file's tests."""
    tree = ast.parse((ROOT / file).read_text())
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize(("requirement", "done", "held_by"), ROWS, ids=[row[0] for row in ROWS])
def test_each_requirement_names_tests_that_there_are(requirement, done, held_by):
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", held_by)
    assert named
    assert [test for file, test in named if test not in names_in(file)] == []
    assert re.sub(r"`[^`]+`", "", held_by).strip() == ""


def test_all_ten_risks_and_the_chapters_that_apply_are_there():
    named = " ".join(row[0] for row in ROWS)
    assert re.findall(r"API(\d+)", named) == [str(number) for number in range(1, 11)]
    assert {int(chapter) for chapter in re.findall(r"\bV(\d+)", named)} == {
        2,
        3,
        4,
        5,
        7,
        8,
        9,
        11,
        12,
        13,
        14,
    }
