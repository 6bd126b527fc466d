"""When training is due, and where it starts."""

from types import SimpleNamespace

import pytest

from movierating import clock
from movierating.predictions.training_status import TrainingStatus

HOUR = 3600 * clock.SECOND
DAY = 24 * HOUR


def make_status(users=50, ratings=1000, *, age=HOUR, trained_on=1000, cold_age=DAY, cold_ratings=1000):
    now = clock.now()
    cold = {"cold_trained_at": now - cold_age, "cold_rating_count": cold_ratings}
    model = SimpleNamespace(trained_at=now - age, rating_count=trained_on, **cold)
    return TrainingStatus(model, users, ratings)


@pytest.mark.parametrize(
    ("changes", "is_due"),
    [
        ({}, False),
        ({"trained_on": 951}, False),
        ({"trained_on": 950}, True),
        ({"trained_on": 1050}, True),
        ({"age": 25 * HOUR}, True),
        # The clock was wrong.
        ({"age": -HOUR}, True),
        ({"age": 25 * HOUR, "users": 9}, False),
        ({"ratings": 0, "trained_on": 0}, False),
    ],
)
def test_training_is_due_after_a_day_or_new_ratings(changes, is_due):
    assert make_status(**changes).is_due() is is_due


@pytest.mark.parametrize(("users", "is_due"), [(0, False), (3, False), (9, False), (10, True)])
def test_first_training_needs_ten_users(users, is_due):
    assert TrainingStatus(None, users, 100).is_due() is is_due


@pytest.mark.parametrize(
    ("changes", "is_warm"),
    [({}, True), ({"cold_age": 8 * DAY}, False), ({"cold_age": -DAY}, False), ({"cold_ratings": 500}, False)],
)
def test_training_starts_from_nothing_after_a_week_or_with_twice_the_ratings(changes, is_warm):
    status = make_status(**changes)
    assert status.find_start() is (status.model if is_warm else None)


def test_without_a_model_training_starts_from_nothing():
    status = TrainingStatus(None, 10, 100)
    assert status.find_start() is None
    assert (status.ratings_behind, status.age_seconds) == (100, None)
