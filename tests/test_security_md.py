"""SECURITY.md: each requirement names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text()
ROWS = re.findall(r"^\| ((?:API|V)\d.+?) \| .+ \| (.*) \|$", TEXT, re.MULTILINE)


def list_tests(file):
    """Return the names of the tests in a file."""
    return set(re.findall(r"^def (test_\w+)", (ROOT / file).read_text(), re.MULTILINE))


@pytest.mark.parametrize("tests", dict(ROWS).values(), ids=dict(ROWS))
def test_each_requirement_names_existing_tests(tests):
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
    assert named
    assert [test for file, test in named if test not in list_tests(file)] == []
    assert re.sub(r"`[^`]+`", "", tests).strip() == ""


def test_all_risks_and_applicable_chapters_are_listed():
    named = " ".join(row[0] for row in ROWS)
    assert re.findall(r"API(\d+)", named) == [str(number) for number in range(1, 11)]
    chapters = sorted({int(chapter) for chapter in re.findall(r"\bV(\d+)", named)})
    assert chapters == [2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14]
