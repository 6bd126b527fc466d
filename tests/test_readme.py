"""README.md works as written: the first session runs, and its links, commands and claims are checked."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
MAX_LINES = 150


def code_blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def session(serve, copied, well_known_instance, tmp_path_factory, program):
    """The JSON that each command of the first session printed; only the address is replaced."""
    program("curl")
    service = serve(copied(well_known_instance, tmp_path_factory.mktemp("readme") / "instance"))
    (script,) = code_blocks("bash")
    assert script.count("http://127.0.0.1:4000") == 1
    script = script.replace("http://127.0.0.1:4000", service.url)
    result = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, timeout=180)
    assert (result.returncode, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines() if line]


def test_first_session_signs_up_rates_a_movie_and_shows_the_profile(session):
    account, movies, rating, own_account, profile, ratings = session
    assert (account["username"], account["role"]) == ("ada", "member")
    assert [movie["title"] for movie in movies["items"]] == ["Amélie"]
    assert (rating["value"], rating["ratings"]["count"], rating["ratings"]["mean"]) == (8.5, 1, 8.5)
    assert (own_account["email"], own_account["ratings"]["count"]) == ("ada@example.org", 1)
    assert "email" not in profile
    (item,) = ratings["items"]
    assert (item["movie"]["id"], item["value"]) == (movies["items"][0]["id"], 8.5)


def test_profile_has_the_fields_and_values_shown(session):
    (block,) = code_blocks("json")
    shown, profile = json.loads(block), session[4]
    assert {**profile, "created_at": None} == {**shown, "created_at": None}
    assert list(profile) == list(shown)


def test_readme_starts_with_two_ways_to_run_the_service():
    assert code_blocks("sh")[:2] == ["make run\n", "pip install .\nmovierating serve\n"]


def test_docker_commands_are_those_of_the_dockerfile():
    dockerfile = (ROOT / "docs/deploy/Dockerfile").read_text()
    assert [line for line in code_blocks("sh")[2].splitlines() if line not in dockerfile] == []


def test_readme_is_short():
    assert len(README.splitlines()) <= MAX_LINES


def test_sources_of_the_movies_are_credited():
    for credit in ("Wikidata", "CC0 1.0", "omdb.org", "CC BY 2.0 DE"):
        assert credit in README
        assert credit in (ROOT / "seed_data" / "README.md").read_text()
