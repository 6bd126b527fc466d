"""Fixtures for the formats: reading an upload whole, and making ZIP files."""

import io
import zipfile
from pathlib import Path

import pytest

from movierating.ratings.formats.rows import RejectedFile
from movierating.ratings.formats.upload_reader import open_upload


@pytest.fixture(scope="session")
def read():
    """`read(data)` is the format of an upload, given as text or bytes, and its rows."""

    def read(data, wanted=None):
        upload = open_upload(io.BytesIO(data.encode() if isinstance(data, str) else data), wanted)
        return upload.format, list(upload.rows)

    return read


@pytest.fixture(scope="session")
def read_file(read):
    """`read_file("filmweb.csv")` is the format and the rows of a file in `files/`: one of each format, made up."""
    return lambda name: read((Path(__file__).parent / "files" / name).read_bytes())


@pytest.fixture(scope="session")
def reject_reason(read):
    """`reject_reason(data)` is the reason for which an upload is rejected."""

    def reject_reason(data, wanted=None):
        with pytest.raises(RejectedFile) as caught:
            read(data, wanted)
        return str(caught.value)

    return reject_reason


@pytest.fixture(scope="session")
def zipped():
    """`zipped({"a/ratings.csv": text, …})` is a ZIP file."""

    def zipped(files):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return target.getvalue()

    return zipped


@pytest.fixture
def folder(tmp_path):
    """Writes files, of which `ratings_csv` is named ratings.csv, and gives their folder."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("_", ".")
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


@pytest.fixture(scope="session")
def read_with():
    """`read_with(mapping, text)` is the rows of a CSV."""

    def read_with(mapping, text, expected_format=None):
        upload = open_upload(
            io.BytesIO(text.encode() if isinstance(text, str) else text), expected_format, mapping
        )
        assert upload.format == "csv"
        return list(upload.rows)

    return read_with
