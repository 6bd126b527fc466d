"""The service compared with a model: random operations of several people in random order.

`make test` runs a few hundred steps, `make soak` runs SOAK_STEPS.
"""

import os
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from movierating import create_app
from movierating.ratings import merging
from movierating.storage import database
from movierating.users import service
from stateful.list_rules import ListRules
from stateful.machine import PASSWORDS

STEPS = int(os.environ.get("SOAK_STEPS", "300"))
STEPS_PER_RUN = 50
# Shrinking a failure takes minutes, so only `make soak` does it.
PHASES = set(Phase) if "SOAK_STEPS" in os.environ else set(Phase) - {Phase.shrink, Phase.explain}


@pytest.fixture
def accounts(make_app):
    """An admin and a member on the instance that each run copies."""
    with make_app().app_context():
        made = [
            service.sign_up(name, f"{name}@example.org", PASSWORDS[0], None, role)
            for name, role in (("boss", "admin"), ("ada", "member"))
        ]
        database.close()
    return made


def test_service_matches_its_model(accounts, environ, copied, tmp_path, monkeypatch):
    # So that merges take several transactions.
    monkeypatch.setattr(merging, "BATCH_RATINGS", 1)
    numbers = count()

    def machine():
        folder = copied(tmp_path / "instance", tmp_path / str(next(numbers)))
        # Durability does not matter here.
        return ListRules(create_app(environ(folder, SQLITE_SYNCHRONOUS="NORMAL")), accounts)

    amount = settings(
        max_examples=-(-STEPS // STEPS_PER_RUN),
        stateful_step_count=STEPS_PER_RUN,
        phases=PHASES,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(machine, settings=amount)
