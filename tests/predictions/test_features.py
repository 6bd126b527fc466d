from math import log, log1p

import pytest

from movierating.predictions.features import FeatureEncoding, MovieFeatures

ENCODING = FeatureEncoding(
    ("Comedy", "Drama"), 2000, (1930, 2020), mean_log_count=log(10), log_counts=(log(2), log(1000))
)


@pytest.mark.parametrize(
    ("features", "numbers"),
    [
        (MovieFeatures(("Drama", "Western"), 2010, "en", rating_count=9), [1, 0, 1, 1, 1, 0, 0, 0, 0]),
        (MovieFeatures(("Comedy",), 1950, "fr", rating_count=9), [1, 1, 0, -2, 4, 2, 1, 0, 0]),
        (MovieFeatures(), [1, 0, 0, 0.5, 0.25, 0, 0, -log(5), log(5) ** 2]),
        (MovieFeatures(year=1888, rating_count=9), [1, 0, 0, -3, 9, 3, 0, 0, 0]),
        (MovieFeatures(year=2100, rating_count=9), [1, 0, 0, 1.5, 2.25, 0, 0, 0, 0]),
    ],
    ids=["new", "old", "unknown", "before all others", "after all others"],
)
def test_facts_become_numbers(features, numbers):
    assert ENCODING.encode(features) == pytest.approx(numbers, abs=1e-12)
    assert ENCODING.size == len(numbers)


def test_popularity_grows_with_the_number_of_ratings():
    numbers = ENCODING.encode(MovieFeatures(rating_count=999))
    assert numbers[-2:] == pytest.approx([log1p(999) - log(10), (log1p(999) - log(10)) ** 2])


def test_popularity_beyond_what_training_has_seen_counts_as_its_end():
    assert ENCODING.encode(MovieFeatures(rating_count=10**6)) == pytest.approx(
        ENCODING.encode(MovieFeatures(rating_count=999))
    )


def test_header_describes_the_encoding():
    assert FeatureEncoding.from_header(ENCODING.to_header()) == ENCODING
