import numpy as np
import pytest

from movierating.predictions.features import MovieFeatures
from movierating.predictions.fold_in import solve_taste
from movierating.predictions.model_file import open_model, write_model
from movierating.predictions.nearest_people import compute_vector
from movierating.predictions.prediction import compute_prior_moments, make_interval, predict
from movierating.predictions.ranking import rank_movies
from movierating.predictions.training.data import TrainingData
from movierating.predictions.training.fitting import train
from predictions import instances


@pytest.fixture
def train_model(tmp_path):
    """Return a function that trains a model and opens it."""

    def train_and_open(data, **options):
        trained = train(data, **options)
        write_model(tmp_path / "model", {**trained.header, **instances.HEADER}, trained.arrays)
        return open_model(tmp_path / "model")

    return train_and_open


def measure_error(model, data, hidden):
    """Return the root of the mean square error of the hidden ratings: user ids, movie ids and half points."""
    errors = []
    starts, ids = data.by_user.starts, data.user_ids.tolist()
    for user, movie, value in zip(*(array.tolist() for array in hidden), strict=True):
        own = slice(starts[ids.index(user)], starts[ids.index(user) + 1])
        taste = solve_taste(model, data.by_user.others[own].tolist(), data.by_user.get_points(own).tolist())
        errors.append(predict(model, taste, model.get_moments(model.find_row(movie))).value - value / 2)
    return np.sqrt(np.mean(np.square(errors)))


def test_hidden_ratings_are_predicted_better_than_by_means(ratings, train_model):
    is_hidden = np.random.default_rng(5).random(len(ratings[0])) < 0.1
    data = TrainingData.from_ratings(*(array[~is_hidden] for array in ratings), {})
    hidden = tuple(array[is_hidden] for array in ratings)
    means = {
        movie: ratings[2][(ratings[1] == movie) & ~is_hidden].mean() for movie in data.movie_ids.tolist()
    }
    distances = [value - means[movie] for movie, value in zip(hidden[1].tolist(), hidden[2], strict=True)]
    spread = np.sqrt(np.mean(np.square(distances))) / 2
    # The ratings have a noise of 0.7 points.
    assert measure_error(train_model(data), data, hidden) < 0.65 * spread


def test_training_is_deterministic(data, trained):
    again = train(data)
    assert again.header == trained.header
    for name, array in trained.arrays.items():
        np.testing.assert_array_equal(array, again.arrays[name], err_msg=name)
    np.testing.assert_array_equal(again.people["vectors"], trained.people["vectors"])


def test_warm_start_continues_a_model(data, model, train_model):
    warm = train_model(data, warm=model)
    assert warm.mean_rating == model.mean_rating
    assert warm.encoding == model.encoding
    differences = np.array(warm.get_array("moments")) - np.array(model.get_array("moments"))
    assert abs(differences).mean() < 0.2
    assert warm.find_director("Director 1") != model.find_director("Director 1")


def test_warm_start_learns_new_movies_and_forgets_deleted_ones(ratings, model, train_model):
    users, movies, values = ratings
    moved = np.where(movies == 1000, 5000, movies)
    facts = {5000: MovieFeatures(("Comedy",), 2020, "en", ("A new director",))}
    warm = train_model(TrainingData.from_ratings(users, moved, values, facts), warm=model)
    assert warm.find_row(1000) is None
    assert warm.find_row(5000) == len(warm.movie_ids) - 1
    assert warm.find_director("A new director") is not None
    assert warm.find_director("Director 1") is None


def test_warm_start_copes_with_entirely_new_movies(ratings, model, train_model):
    users, movies, values = ratings
    warm = train_model(TrainingData.from_ratings(users, movies + 10_000, values, {}), warm=model)
    assert list(warm.movie_ids[:2]) == [11_000, 11_002]


def test_no_ratings_are_an_error():
    with pytest.raises(ValueError, match="no ratings"):
        train(TrainingData.from_ratings([], [], [], {}))


CASES = {
    "one rating": ([1], [1], [1]),
    "two users of one movie": ([1, 2], [5, 5], [1, 20]),
    "three users": ([1, 2, 2, 3], [5, 5, 6, 7], [1, 20, 7, 9]),
    "one user with everything": ([1] * 300, range(300), [index % 20 + 1 for index in range(300)]),
    "one movie of everybody": (range(300), [1] * 300, [index % 20 + 1 for index in range(300)]),
    "all ratings equal": ([1] * 9 + [2] * 9, [*range(9)] * 2, [14] * 18),
    "least ratings": ([1] * 9 + [2] * 9, [*range(9)] * 2, [1] * 18),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("facts", [MovieFeatures(), MovieFeatures(("Drama",) * 2, 1990, "en", ("X", "Y"))])
def test_degenerate_ratings_give_finite_predictions(case, facts, train_model):
    users, movies, values = CASES[case]
    data = TrainingData.from_ratings(users, list(movies), values, dict.fromkeys(movies, facts))
    cold = train_model(data)
    for model in (cold, train_model(data, warm=cold)):
        rows = list(range(min(len(model.movie_ids), 5)))
        for rated in ([], rows[:1], rows):
            taste = solve_taste(model, rated, [10.0] * len(rated))
            for moments in (
                model.get_moments(0),
                compute_prior_moments(model, MovieFeatures()),
                compute_prior_moments(model, facts),
            ):
                interval = make_interval(predict(model, taste, moments))
                assert 0.5 <= interval.low <= interval.value <= interval.high <= 10
            assert np.isfinite(compute_vector(model, taste)).all()
            assert sorted(rank_movies(model, taste, rated, rows)) == rows
