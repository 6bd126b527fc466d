"""The time of the newest backup."""

import pytest

from movierating.operations import backup_files


def test_backup_time_is_recorded_in_seconds(tmp_path):
    assert backup_files.read_backup_time(tmp_path / "data") == 0
    backup_files.record_backup_time(tmp_path / "data", 1_700_000_000.7)
    assert backup_files.read_backup_time(tmp_path / "data") == 1_700_000_000
    assert [file.name for file in tmp_path.iterdir()] == [".data.backed-up"]


@pytest.mark.parametrize("content", [b"", b"yesterday", b"\xff"])
def test_invalid_backup_time_counts_as_none(tmp_path, content):
    (tmp_path / ".data.backed-up").write_bytes(content)
    assert backup_files.read_backup_time(tmp_path / "data") == 0
