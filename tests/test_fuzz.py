"""schemathesis against a running service: a short, repeatable run; `make fuzz` runs longer, with random data."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from movierating.users import service as users

ROOT = Path(__file__).parents[1]
# Different from the example in the OpenAPI document: requests with that one would delete the account.
PASSWORD = "otters play at dusk"
AMOUNT = ["--max-examples", os.environ.get("FUZZ_EXAMPLES", "10")]
if "FUZZ_EXAMPLES" not in os.environ:
    AMOUNT.append("--generation-deterministic")
LOGIN = """
[auth.dynamic.openapi.{scheme}]
path = "/v1/auth/login"
payload = {{ login = "{name}", password = "{password}" }}
extract_selector = "/{token}"
"""


def make_config(role: str) -> str:
    """Return schemathesis.toml, with a login unless the role is anonymous."""
    text = (ROOT / "schemathesis.toml").read_text()
    if role == "anonymous":
        return text
    for scheme, token in (("bearer", "access_token"), ("refresh", "refresh_token")):
        text += LOGIN.format(scheme=scheme, name=role, password=PASSWORD, token=token)
    return text


@pytest.mark.parametrize("role", ["anonymous", "member", "admin"])
def test_schemathesis_finds_nothing(add_movie, serve, tmp_path, role):
    users.sign_up("first", "first@example.org", PASSWORD, None)
    account = role != "anonymous" and users.sign_up(role, f"{role}@example.org", PASSWORD, None, role)
    for number in range(5):
        add_movie(genres=["Drama"], imdb_id=f"tt000000{number}")
    service = serve(tmp_path / "instance")
    file = tmp_path / "schemathesis.toml"
    file.write_text(make_config(role))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(file), "run", "--no-color"]
    command += [*AMOUNT, f"{service.url}/openapi.json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    # Responses led to other calls.
    assert int(re.search(r"API Links: +(\d+) covered", result.stdout)[1]) > 2, result.stdout
    # The account still exists in its role; otherwise the run tested little.
    assert not account or users.get_own_account(account["id"])["role"] == role
