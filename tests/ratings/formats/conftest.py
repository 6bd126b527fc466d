"""Fixtures for the formats: reading an upload whole, and making ZIP files."""

import io
import zipfile
from collections.abc import Callable

import pytest

from movierating.ratings.formats.rows import Row, UnknownFormat
from movierating.ratings.formats.upload_reader import open_upload


@pytest.fixture(scope="session")
def read() -> Callable[..., tuple[str, list[Row]]]:
    """`read(data)` is the format of an upload, given as text or bytes, and its rows."""

    def read(data: str | bytes, wanted: str | None = None) -> tuple[str, list[Row]]:
        upload = open_upload(data.encode() if isinstance(data, str) else data, wanted)
        return upload.format, list(upload.rows)

    return read


@pytest.fixture(scope="session")
def refused(read: Callable[..., object]) -> Callable[..., str]:
    """`refused(data)` is the reason for which an upload is refused."""

    def refused(data: str | bytes, wanted: str | None = None) -> str:
        with pytest.raises(UnknownFormat) as caught:
            read(data, wanted)
        return str(caught.value)

    return refused


@pytest.fixture(scope="session")
def zipped() -> Callable[..., bytes]:
    """`zipped({"a/ratings.csv": text, …})` is a ZIP file."""

    def zipped(files: dict[str, str | bytes]) -> bytes:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return target.getvalue()

    return zipped
