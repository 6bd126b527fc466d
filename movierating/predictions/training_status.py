"""The numbers of ratings in the database and in the model, and whether training is due."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, func, select

from movierating import clock
from movierating.auth.models import User
from movierating.predictions.model_file import ModelFile
from movierating.predictions.model_store import find_model, find_people
from movierating.storage.statements import CompiledStatement

# The exit code of a training process that finds another one training the model of the same instance folder.
BUSY = 3
# With fewer users, means are as accurate.
MIN_USERS = 10
# A model is trained again when the number of ratings has changed by this share, or after this time.
RETRAIN_SHARE = 0.05
RETRAIN_INTERVAL = timedelta(days=1)
# It is trained from nothing after this time, or once there are this many times as many ratings as at the last time:
# what follows from few ratings is a bad start.
COLD_INTERVAL = timedelta(days=7)
COLD_GROWTH = 2

_user = User.__table__.c
_SUMS = CompiledStatement(
    select(
        func.count().label("users"), func.coalesce(func.sum(_user.rating_count), 0).label("ratings")
    ).where(_user.rating_count > 0)
)


@dataclass(frozen=True, slots=True)
class TrainingStatus:
    """The model, None if there is none, and the present numbers of users with ratings and of ratings.

    `has_people` is False if the model's file of people can't be used.
    """

    model: ModelFile | None
    users: int
    ratings: int
    has_people: bool = True

    @property
    def ratings_behind(self) -> int:
        """Return by how many ratings the model differs from the database in number."""
        return abs(self.ratings - (self.model.rating_count if self.model else 0))

    @property
    def age_seconds(self) -> float | None:
        """Return the age of the model, None without one."""
        return None if self.model is None else (clock.now() - self.model.trained_at) / clock.SECOND

    def is_due(self) -> bool:
        """Return True if it is time to train."""
        if self.users < MIN_USERS:
            return False
        if self.age_seconds is None or not 0 <= self.age_seconds < RETRAIN_INTERVAL.total_seconds():
            return True
        if not self.has_people:
            return True
        return self.ratings_behind >= max(1, RETRAIN_SHARE * self.ratings)

    def find_start(self) -> ModelFile | None:
        """Return the model from which training continues, None if it starts from nothing."""
        if self.model is None:
            return None
        cold_age = clock.now() - self.model.cold_trained_at
        has_grown = self.ratings >= COLD_GROWTH * self.model.cold_rating_count
        is_old = not 0 <= cold_age < COLD_INTERVAL.total_seconds() * clock.SECOND
        return None if has_grown or is_old else self.model


def read_status(connection: Connection) -> TrainingStatus:
    """Return the state of the instance."""
    sums = _SUMS.first(connection)
    model = find_model(connection)
    has_people = model is not None and find_people(model) is not None
    return TrainingStatus(model, sums.users, int(sums.ratings), has_people)
