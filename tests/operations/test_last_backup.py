"""The time of the newest backup, beside the database."""

import pytest

from movierating.operations import backup_files


def test_it_is_remembered(tmp_path):
    assert backup_files.read_backup_time(tmp_path / "data") == 0
    backup_files.record_backup_time(tmp_path / "data", 1_700_000_000.7)
    assert backup_files.read_backup_time(tmp_path / "data") == 1_700_000_000
    assert [file.name for file in tmp_path.iterdir()] == [".data.backed-up"]


@pytest.mark.parametrize("content", [b"", b"yesterday", b"\xff"])
def test_a_file_that_does_not_say_is_none(tmp_path, content):
    (tmp_path / ".data.backed-up").write_bytes(content)
    assert backup_files.read_backup_time(tmp_path / "data") == 0
