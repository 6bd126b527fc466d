import json
import shutil
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from movierating.predictions.array_file import MAGIC, ArrayFileError, write_arrays
from movierating.predictions.model_file import open_model, write_model
from predictions import instances


def test_model_has_what_was_trained(model, trained):
    assert (model.version, model.trained_at, model.rating_count) == ("1", 5, trained.header["rating_count"])
    np.testing.assert_array_equal(model.user_precision, trained.arrays["user_precision"])
    np.testing.assert_array_equal(np.transpose(model.user_weights), trained.arrays["user_weights"])
    assert list(model.movie_ids) == list(range(1000, 1080, 2))


def test_find_row_returns_the_row_of_a_movie(model):
    assert [model.find_row(movie) for movie in (1000, 1002, 1078)] == [0, 1, 39]


@pytest.mark.parametrize("movie_id", [0, 999, 1001, 1079, 2**62])
def test_find_row_returns_none_for_a_movie_without_ratings(model, movie_id):
    assert model.find_row(movie_id) is None


def test_find_director_returns_effects_of_known_directors_only(model):
    assert np.abs(model.find_director("Director 1")).sum() > 0
    assert [model.find_director(name) for name in ("", "Alan", "Director", "Director 9", "Zoé")] == [None] * 5


def test_file_that_is_not_a_model_is_reported(tmp_path):
    write_arrays(tmp_path / "other", {"model_format": "ratings-0"}, {})
    with pytest.raises(ArrayFileError, match="another version"):
        open_model(tmp_path / "other")


def test_truncated_model_is_reported(model_path, tmp_path):
    copy = shutil.copy(model_path, tmp_path)
    with Path(copy).open("r+b") as file:
        file.truncate(model_path.stat().st_size // 2)
    with pytest.raises(ArrayFileError, match="truncated"):
        open_model(tmp_path / model_path.name)


@pytest.mark.parametrize(
    "header",
    [
        *(
            {name: None}
            for name in ("version", "database", "trained_at", "cold_trained_at", "cold_rating_count")
        ),
        *(
            {name: None}
            for name in ("training_seconds", "rating_count", "user_count", "mean_rating", "encoding")
        ),
        {"noise_precision": "high"},
        {"trained_at": float("inf")},
        {"encoding": {"genres": []}},
    ],
    ids=str,
)
def test_model_with_an_unexpected_header_is_reported(trained, tmp_path, header):
    fields = {**trained.header, **instances.HEADER, **header}
    present = {name: value for name, value in fields.items() if value is not None}
    write_model(tmp_path / "model", present, trained.arrays)
    with pytest.raises(ArrayFileError, match="unexpected contents"):
        open_model(tmp_path / "model")


def test_model_without_an_array_or_with_another_shape_or_type_is_reported(trained, tmp_path):
    header = {**trained.header, **instances.HEADER}
    for name, array in trained.arrays.items():
        others = dict(trained.arrays)
        del others[name]
        changes = [others]
        if name != "director_names":
            changes += [
                {**others, name: np.append(array.ravel(), array.ravel()[:1])},
                {**others, name: array[:-1]},
            ]
        changes.append({**others, name: array.astype(np.int32 if array.dtype != np.int32 else np.float32)})
        for arrays in changes:
            write_model(tmp_path / "model", header, arrays)
            with pytest.raises(ArrayFileError, match="unexpected contents"):
                open_model(tmp_path / "model")


@pytest.mark.parametrize("places", [None, [], {"a": None}, {"a": ["f", 3, 0, 0]}, {"a": ["x", [1], 0, 0]}])
def test_file_whose_arrays_are_described_otherwise_is_reported(tmp_path, places):
    text = json.dumps({"byte_order": sys.byteorder, "arrays": places}).encode()
    (tmp_path / "model").write_bytes(b"%s%s\n%08x\n" % (MAGIC, text, zlib.crc32(text)))
    with pytest.raises(ArrayFileError, match="unexpected contents"):
        open_model(tmp_path / "model")
