import numpy as np
import pytest

from movierating.predictions import nearest_people
from movierating.predictions.array_file import ArrayFileError
from movierating.predictions.fold_in import solve_taste
from movierating.predictions.linear_algebra import dot
from movierating.predictions.model_file import FACTORS


@pytest.fixture
def people(trained, tmp_path):
    nearest_people.write_people(tmp_path / "people.bin", "1", trained.people)
    return nearest_people.PeopleFile(tmp_path / "people.bin")


def test_vector_is_the_normalized_taste(model, own_ratings):
    taste = solve_taste(model, *own_ratings)
    metric = np.array(model.taste_metric)
    vector = metric.T @ (np.array(taste.mean[1:]) - model.mean_taste)
    spread = np.trace(np.array(taste.covariance)[1:, 1:] @ metric @ metric.T)
    expected = vector / np.sqrt(vector @ vector + spread)
    np.testing.assert_allclose(nearest_people.compute_vector(model, taste), expected)


def test_match_with_oneself_grows_with_the_ratings(model, own_ratings):
    rows, ratings = own_ratings
    vectors = [
        nearest_people.compute_vector(model, solve_taste(model, rows[:count], ratings[:count]))
        for count in (1, 5, len(rows))
    ]
    matches = [dot(vector, vector) for vector in vectors]
    assert 0 < matches[0] < matches[1] < matches[2] < 1


def test_people_have_the_vectors_that_their_ratings_give(model, people, own_ratings):
    vector = nearest_people.compute_vector(model, solve_taste(model, *own_ratings))
    assert people.user_ids[0] == 100
    # Training fits the noise once an iteration, and predictions twice from the average.
    np.testing.assert_allclose(people.vectors[:FACTORS].tolist(), vector, atol=0.05)


def test_users_with_few_ratings_are_not_in_the_file(people, data):
    has_enough = data.by_user.counts >= nearest_people.MIN_RATINGS_FOR_MATCH
    assert 0 < has_enough.sum() < len(has_enough)
    assert people.user_ids.tolist() == data.user_ids[has_enough].tolist()


def test_find_nearest_returns_the_best_of_all_slices(people, monkeypatch):
    monkeypatch.setattr(nearest_people, "PEOPLE_PER_SLICE", 7)
    vector = np.random.default_rng(0).standard_normal(FACTORS) / 4
    matches = np.array(people.vectors).reshape(-1, FACTORS) @ vector
    order = np.argsort(-matches)[:5]
    best = nearest_people.find_nearest(people, vector.tolist(), 5)
    assert [user for _, user in best] == np.array(people.user_ids)[order].tolist()
    assert [match for match, _ in best] == pytest.approx(matches[order])


def test_find_nearest_in_an_empty_file_returns_nothing(tmp_path):
    empty = {"user_ids": np.empty(0, np.int64), "vectors": np.empty((0, FACTORS), np.float32)}
    nearest_people.write_people(tmp_path / "people.bin", "1", empty)
    people = nearest_people.PeopleFile(tmp_path / "people.bin")
    assert nearest_people.find_nearest(people, [0.1] * FACTORS, 5) == []


def test_model_is_not_a_file_of_people(model_path):
    with pytest.raises(ArrayFileError, match="another version"):
        nearest_people.PeopleFile(model_path)


def test_people_with_another_shape_are_reported(trained, tmp_path):
    people = {**trained.people, "user_ids": trained.people["user_ids"][1:]}
    nearest_people.write_people(tmp_path / "people.bin", "1", people)
    with pytest.raises(ArrayFileError, match="vectors"):
        nearest_people.PeopleFile(tmp_path / "people.bin")
