import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierating.predictions import fold_in
from movierating.predictions.features import MovieFeatures
from movierating.predictions.fold_in import solve_taste
from movierating.predictions.model_file import CROSS, SIZE, SQUARE, WIDTH
from movierating.predictions.prediction import (
    Prediction,
    compute_prior_moments,
    compute_shares,
    make_interval,
    predict,
)


def test_prediction_agrees_with_simulated_ratings(model, own_ratings):
    taste = solve_taste(model, *own_ratings)
    movie = compute_prior_moments(model, MovieFeatures(("Drama",), 1990))
    random = np.random.default_rng(0)
    means = [movie[CROSS], *movie[1:SIZE]]
    movies = random.multivariate_normal(means, model.movie_covariance, 200_000)
    tastes = random.multivariate_normal(taste.mean, taste.covariance, 200_000)
    scores = model.mean_rating + movies[:, 0] + tastes[:, 0] + (movies[:, 1:] * tastes[:, 1:]).sum(1)
    prediction = predict(model, taste, movie)
    assert prediction.value == pytest.approx(scores.mean(), abs=0.02)
    assert prediction.variance - 1 / taste.noise_precision == pytest.approx(scores.var(), rel=0.02)


def test_predictions_are_near_the_ratings(model, own_ratings):
    taste = solve_taste(model, *own_ratings)
    errors = [
        predict(model, taste, model.get_moments(row)).value - rating
        for row, rating in zip(*own_ratings, strict=True)
    ]
    assert np.std(errors) < 0.7 * np.std(own_ratings[1])


@pytest.mark.parametrize(
    ("prediction", "interval"),
    [
        (Prediction(7.04, 1.0), (7.0, 5.8, 8.3)),
        (Prediction(11.3, 1.0), (10.0, 10.0, 10.0)),
        (Prediction(-1.0, 4.0), (0.5, 0.5, 1.6)),
    ],
)
def test_interval_is_on_the_scale_by_tenths(prediction, interval):
    assert make_interval(prediction) == interval


@given(st.data())
def test_shares_and_the_part_of_the_prior_add_up_to_the_prediction(model, data):
    rows = data.draw(st.lists(st.integers(0, len(model.movie_ids) - 1), unique=True))
    half_points = data.draw(st.lists(st.integers(1, 20), min_size=len(rows), max_size=len(rows)))
    ratings = [value / 2 for value in half_points]
    moments = data.draw(
        st.one_of(
            st.integers(0, len(model.movie_ids) - 1).map(model.get_moments),
            st.just(compute_prior_moments(model, MovieFeatures(("Horror",)))),
        )
    )
    taste = solve_taste(model, rows, ratings)
    shares = compute_shares(model, taste, rows, ratings, moments)
    sums = fold_in._sum_ratings(model, rows, ratings)
    prior_mean = fold_in._compute_prior_mean(model, sums)
    of_prior = np.array(moments[:SIZE]) @ taste.covariance @ model.user_precision @ prior_mean
    total = model.mean_rating + moments[CROSS] + of_prior + sum(shares)
    assert total == pytest.approx(predict(model, taste, moments).value, abs=1e-9)


def test_prior_follows_from_facts_and_directors(model):
    facts = MovieFeatures(("Comedy",), 1960, "fr", ("Director 1", "Unknown Director"), rating_count=2)
    moments = compute_prior_moments(model, facts)
    effect = np.array(model.find_director("Director 1")) / 2
    mean = np.array(model.encoding.encode(facts)) @ model.movie_coefficients + effect
    square = np.array(model.movie_covariance) + np.outer(mean, mean)
    assert len(moments) == WIDTH
    np.testing.assert_allclose(moments[:SIZE], [1, *mean[1:]])
    # The second row of the triangle, without its first element.
    np.testing.assert_allclose(moments[SIZE : 2 * SIZE - 1], square[1, 1:])
    np.testing.assert_allclose(moments[CROSS:SQUARE], [mean[0], *square[0, 1:]])
    assert moments[SQUARE] == pytest.approx(square[0, 0])


def test_movie_of_unknown_facts_is_uncertain(model, own_ratings):
    taste = solve_taste(model, *own_ratings)
    unknown = predict(model, taste, compute_prior_moments(model, MovieFeatures()))
    assert unknown.variance > max(
        predict(model, taste, model.get_moments(row)).variance for row in range(len(model.movie_ids))
    )


def test_movie_with_more_ratings_than_any_other_is_not_extrapolated(model):
    counts = (max(model.movie_counts), 10**7)
    most, more = (compute_prior_moments(model, MovieFeatures(rating_count=count)) for count in counts)
    assert more == most


def test_movie_without_ratings_is_not_extrapolated(model, own_ratings):
    taste = solve_taste(model, *own_ratings)
    # In the training, years are from 1942 to 2018 and each movie has some 35 ratings.
    for year in (1870, None, 2100):
        prediction = predict(model, taste, compute_prior_moments(model, MovieFeatures(("Drama",), year)))
        assert 0 < prediction.value < 12
