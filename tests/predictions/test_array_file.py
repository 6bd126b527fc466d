import numpy as np
import pytest

from movierating.predictions.array_file import MAGIC, ArrayFile, ArrayFileError, write_arrays

ARRAYS = {
    "floats": np.arange(6, dtype=np.float32).reshape(2, 3),
    "doubles": np.array([0.1, -1e300]),
    "ids": np.array([1, 2**60], np.int64),
    "counts": np.array([3, 4, 5], np.int32),
    "text": np.frombuffer("Amélie".encode(), np.uint8),
    "empty": np.empty((0, 4), np.float32),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "arrays.bin"
    write_arrays(path, {"version": "é"}, ARRAYS)
    return path


def test_arrays_are_read_as_they_were_written(path):
    file = ArrayFile(path)
    assert file.header["version"] == "é"
    for name, array in ARRAYS.items():
        assert file.get_array(name).tolist() == array.ravel().tolist(), name


def test_arrays_are_aligned(path):
    assert {start % 64 for _, _, start, _ in ArrayFile(path).header["arrays"].values()} == {0}


def test_absent_file_is_reported(tmp_path):
    with pytest.raises(ArrayFileError, match="can't be read"):
        ArrayFile(tmp_path / "absent")


def test_empty_file_is_reported(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(ArrayFileError, match="format"):
        ArrayFile(tmp_path / "empty")


def test_every_truncation_is_reported(path):
    content = path.read_bytes()
    # The last array is empty, so the file could lose its padding and no more.
    for size in [0, 10, len(MAGIC), len(MAGIC) + 5, 100, 300, len(content) // 2, len(content) - 64]:
        path.write_bytes(content[:size])
        with pytest.raises(ArrayFileError):
            ArrayFile(path)


def test_changed_array_is_reported(path):
    start = ArrayFile(path).header["arrays"]["counts"][2]
    content = bytearray(path.read_bytes())
    content[start] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArrayFileError, match="checksum of counts"):
        ArrayFile(path)


def test_changed_header_is_reported(path):
    path.write_bytes(path.read_bytes().replace(b'"ids"', b'"idx"', 1))
    with pytest.raises(ArrayFileError, match="checksum"):
        ArrayFile(path)


def test_file_of_another_kind_is_reported(path):
    path.write_bytes(b"movierating arrays 2\n" + path.read_bytes()[len(MAGIC) :])
    with pytest.raises(ArrayFileError, match="format"):
        ArrayFile(path)


def test_open_file_stays_readable_after_it_is_replaced(path):
    file = ArrayFile(path)
    write_arrays(path, {}, {"ids": np.zeros(100, np.int64)})
    assert file.get_array("counts").tolist() == [3, 4, 5]
    assert ArrayFile(path).get_array("ids").tolist() == [0] * 100


def test_failed_write_leaves_the_old_file_and_no_draft(path):
    with pytest.raises(ValueError, match="not supported"):
        write_arrays(path, {}, {"ids": np.zeros(3, np.int16)})
    assert ArrayFile(path).get_array("counts").tolist() == [3, 4, 5]
    assert [file.name for file in path.parent.iterdir()] == [path.name]
