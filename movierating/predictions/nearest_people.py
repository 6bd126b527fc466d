"""The match of two tastes, the expected correlation over movies, and the people whose taste is nearest.

With the taste z ~ N(m, S) of a user, the mean taste z_0 of all users, and the weighted covariance L L' of the movies'
factors, the ratings that a user's taste explains have the covariance v_1 . v_2 with another's, where v = L' (m - z_0),
and the variance |v|^2 + tr(S L L'): the expectation of a quadratic form (Petersen and Pedersen, "The Matrix Cookbook",
2012, 6.2.2). A correlation is a covariance over the roots of both variances. With their expectations for them it is the
product u_1 . u_2 of

    u = v / sqrt(|v|^2 + tr(S L L'))

The match shrinks to 0 by itself if little is known of a user, and the two need no movie in common.
"""

import time
from collections.abc import Mapping, Sequence
from math import sqrt
from operator import mul
from pathlib import Path
from struct import iter_unpack
from typing import Any

from movierating.predictions.array_file import ArrayFile, ArrayFileError, reporting_contents, write_arrays
from movierating.predictions.fold_in import Taste
from movierating.predictions.linear_algebra import dot, multiply
from movierating.predictions.model_file import FACTORS, ModelFile

# With fewer ratings, the nearest users are chance.
MIN_RATINGS_FOR_MATCH = 20
PEOPLE_FORMAT = "people-1"
# People compared before other threads get a turn: 5 ms.
PEOPLE_PER_SLICE = 6000


def compute_vector(model: ModelFile, taste: Taste) -> list[float]:
    """Return the vector u (FACTORS) of a taste. Its length is below 1, and the shorter, the less is known."""
    distances = [value - mean for value, mean in zip(taste.mean[1:], model.mean_taste, strict=True)]
    columns = list(zip(*model.taste_metric, strict=True))
    vector = multiply(columns, distances)
    covariance = [row[1:] for row in taste.covariance[1:]]
    # tr(S L L') is the sum of l' S l over the columns l of L.
    uncertainty = sum(dot(column, multiply(covariance, column)) for column in columns)
    length = sqrt(dot(vector, vector) + uncertainty)
    return [value / length for value in vector]


def write_people(path: Path, version: str, people: Mapping[str, Any]) -> None:
    """Write the people of a trained model to a file of their own. `version` is the model's. Raise OSError."""
    write_arrays(path, {"people_format": PEOPLE_FORMAT, "version": version}, people)


class PeopleFile:
    """Vectors of users with at least MIN_RATINGS_FOR_MATCH ratings, as they were when the model was trained."""

    def __init__(self, path: Path) -> None:
        """Map a file. Raise ArrayFileError if there is none, or one that is damaged or of another format."""
        file = ArrayFile(path)
        if file.header.get("people_format") != PEOPLE_FORMAT:
            raise ArrayFileError(f"{path} is of another version")
        with reporting_contents(path):
            self.version = str(file.header["version"])
            self.user_ids = file.get_array("user_ids")
            self.vectors = file.get_array("vectors")
            file.check_array("user_ids", "q", len(self.user_ids))
            file.check_array("vectors", "f", len(self.user_ids), FACTORS)


def find_nearest(people: PeopleFile, vector: Sequence[float], limit: int) -> list[tuple[float, int]]:
    """Return the best `limit` people: matches and user ids, best first.

    `vector` is of the people's model (`people.version`). The caller filters the list: it contains the user themselves,
    and may contain users who have left or opted out.
    """
    best: list[tuple[float, int]] = []
    for start in range(0, len(people.user_ids), PEOPLE_PER_SLICE):
        ids = people.user_ids[start : start + PEOPLE_PER_SLICE]
        rows = iter_unpack(
            f"{FACTORS}f", people.vectors[start * FACTORS : (start + len(ids)) * FACTORS].cast("B")
        )
        matches = [sum(map(mul, row, vector)) for row in rows]
        least = best[-1][0] if len(best) == limit else -1.0
        better = [pair for pair in zip(matches, ids, strict=True) if pair[0] > least]
        best = sorted([*best, *better], reverse=True)[:limit]
        # Lets the threads of other requests run.
        time.sleep(0)
    return best
