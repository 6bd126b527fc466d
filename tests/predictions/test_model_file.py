import shutil
from pathlib import Path

import numpy as np
import pytest

from movierating.predictions.array_file import write_arrays
from movierating.predictions.model_file import ModelFileError, open_model


def test_model_has_what_was_trained(model, trained):
    assert (model.version, model.trained_at, model.rating_count) == ("1", 5, trained.header["rating_count"])
    np.testing.assert_array_equal(model.user_precision, trained.arrays["user_precision"])
    np.testing.assert_array_equal(np.transpose(model.user_weights), trained.arrays["user_weights"])
    assert list(model.movie_ids) == list(range(1000, 1080, 2))


def test_find_movie_returns_the_row_of_a_movie(model):
    assert [model.find_movie(movie) for movie in (1000, 1002, 1078)] == [0, 1, 39]


@pytest.mark.parametrize("movie_id", [0, 999, 1001, 1079, 2**62])
def test_find_movie_returns_none_for_a_movie_without_ratings(model, movie_id):
    assert model.find_movie(movie_id) is None


def test_find_director_returns_effects_of_known_directors_only(model):
    assert np.abs(model.find_director("Director 1")).sum() > 0
    assert [model.find_director(name) for name in ("", "Alan", "Director", "Director 9", "Zoé")] == [None] * 5


def test_file_that_is_no_model_is_reported(tmp_path):
    write_arrays(tmp_path / "other", {"model_format": "ratings-0"}, {})
    with pytest.raises(ModelFileError, match="another version"):
        open_model(tmp_path / "other")


def test_truncated_model_is_reported(model_path, tmp_path):
    copy = shutil.copy(model_path, tmp_path)
    with Path(copy).open("r+b") as file:
        file.truncate(model_path.stat().st_size // 2)
    with pytest.raises(ModelFileError, match="truncated"):
        open_model(tmp_path / model_path.name)
