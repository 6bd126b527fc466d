import numpy as np
import pytest

from movierating.predictions import ranking
from movierating.predictions.fold_in import solve_taste
from movierating.predictions.model_file import FILTER_SIZE
from movierating.predictions.prediction import predict


def compute_scores(model, taste, rated):
    """Return the scores of all movies, by the formula of the module."""
    rows = np.array(model.filter_rows).reshape(-1, FILTER_SIZE)
    user = (rows[rated] / np.array(model.movie_counts)[rated, None]).sum(0)
    values = rows @ user
    predictions = [predict(model, taste, model.get_moments(row)).value for row in range(len(rows))]
    return np.log(np.maximum(values, values.max() * ranking.MIN_FILTER_SHARE)) + 0.25 * np.array(predictions)


def test_candidates_are_ranked_by_the_formula(model, own_ratings):
    taste = solve_taste(model, *own_ratings)
    candidates = [row for row in range(len(model.movie_ids)) if row not in own_ratings[0]]
    scores = compute_scores(model, taste, own_ratings[0])
    expected = sorted(candidates, key=lambda row: -scores[row])
    assert ranking.rank_movies(model, taste, own_ratings[0], candidates) == expected


def test_no_candidates_give_no_movies(model, own_ratings):
    assert ranking.rank_movies(model, solve_taste(model, *own_ratings), own_ratings[0], []) == []


def test_movies_that_the_filter_puts_last_are_left_out(model, own_ratings, monkeypatch):
    taste = solve_taste(model, *own_ratings)
    monkeypatch.setattr(ranking, "MAX_RANKED", 3)
    assert len(ranking.rank_movies(model, taste, own_ratings[0], range(20))) == 3


def test_predictions_alone_decide_for_a_user_without_ratings(model):
    taste = solve_taste(model, [], [])
    best = ranking.rank_movies(model, taste, [], range(len(model.movie_ids)))
    predictions = [predict(model, taste, model.get_moments(row)).value for row in best]
    assert predictions == pytest.approx(sorted(predictions, reverse=True))
