"""A complete import of a made-up file in each format."""

from io import BytesIO
from pathlib import Path

import pytest

from movierating.ratings.formats.rows import RatedRow, RejectedRow
from movierating.ratings.formats.upload_reader import open_upload

FILES = sorted((Path(__file__).parent / "formats" / "files").iterdir())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_row_of_a_format_counts_once_and_a_second_import_changes_nothing(member, upload, file):
    data = file.read_bytes()
    rows = list(open_upload(BytesIO(data)).rows)
    movies = [row for row in rows if isinstance(row, RatedRow) and row.kind is None and row.year]
    report = upload(member, data, create_missing="always").json
    assert report["created"] == len(movies)
    assert len(report["errors"]) == sum(isinstance(row, RejectedRow) for row in rows)
    others = len(report["errors"]) + len(report["unmatched"]) + sum(report["skipped"].values())
    assert report["created"] + others == len(rows)
    again = upload(member, data).json
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, len(movies))
