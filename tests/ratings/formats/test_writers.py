"""What is written comes back through our own importer."""

import csv
import io
import tracemalloc
import unicodedata
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movierating import clock
from movierating.ratings.formats import field_parsers, letterboxd
from movierating.ratings.formats.rows import ExportRow, RatedRow
from movierating.ratings.formats.upload_reader import open_upload
from movierating.ratings.formats.writers import CSV, FORMATS, ZIP, write_export

NOW = clock.now()


def _is_title(text):
    try:
        return field_parsers.parse_title(text) == text
    except ValueError:
        return False


TITLES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60),
    st.text(st.sampled_from("=+-@';\",ab 0é\uff1d"), min_size=1, max_size=12),
)
TITLES = TITLES.map(lambda text: unicodedata.normalize("NFC", text).strip()).filter(_is_title)
ROWS = st.lists(
    st.builds(
        ExportRow,
        imdb_id=st.none() | st.integers(1, 10**10 - 1).map(lambda number: f"tt{number:07}"),
        tmdb_id=st.none() | st.integers(1, 2**31 - 1),
        title=TITLES,
        original_title=st.none() | TITLES,
        year=st.none() | st.integers(1870, 2100),
        directors=st.lists(TITLES, max_size=3),
        value=st.integers(1, 20),
        rated_at=st.integers(-62_135_596_800_000_000, NOW),
    ),
    max_size=20,
)


def file_of(name, rows):
    return b"".join(write_export(name, rows).blocks)


def read_back(name, data):
    upload = open_upload(io.BytesIO(data), name)
    rows = list(upload.rows)
    assert all(isinstance(row, RatedRow) for row in rows), rows
    return [row for row in rows if isinstance(row, RatedRow)]


def exported(row):
    assert row.title is not None
    assert row.rated_at is not None
    ids = row.imdb_id, row.tmdb_id
    return ExportRow(*ids, row.title, row.original_title, row.year, (), row.value, row.rated_at)


@pytest.mark.parametrize("name", ["csv", "json"])
@given(rows=ROWS)
@settings(max_examples=100)
def test_our_own_formats_lose_nothing(name, rows):
    data = file_of(name, rows)
    back = [exported(row) for row in read_back(name, data)]
    assert back == [row._replace(directors=()) for row in rows]
    assert file_of(name, back) == data


def _to_midnight(row):
    return row.rated_at // (86_400 * clock.SECOND) * 86_400 * clock.SECOND


@pytest.mark.parametrize(
    ("name", "has_tmdb_id", "get_rated_at"),
    [
        ("letterboxd", True, lambda row: None),
        ("imdb", False, _to_midnight),
        ("trakt", True, lambda row: row.rated_at),
        ("simkl", True, _to_midnight),
    ],
)
@given(rows=ROWS)
@settings(max_examples=100)
def test_formats_of_other_services_can_be_imported_with_rounded_values(name, has_tmdb_id, get_rated_at, rows):
    imported = read_back(name, file_of(name, rows)) if rows else []
    for row, original in zip(imported, rows, strict=True):
        assert (row.imdb_id, row.title, row.year) == (original.imdb_id, original.title, original.year)
        assert row.tmdb_id == (original.tmdb_id if has_tmdb_id else None)
        assert row.value == original.value + original.value % 2
        assert row.rated_at == get_rated_at(original)


@given(rows=ROWS)
@settings(max_examples=100)
def test_no_cell_starts_like_a_formula(rows):
    for name in ("csv", "letterboxd", "imdb", "simkl"):
        text = file_of(name, rows).decode()
        for separator in (",", ";"):
            every = [cell for row in csv.reader(io.StringIO(text), delimiter=separator) for cell in row]
            assert not any(cell.startswith(("=", "+", "-", "@", "\uff1d")) for cell in every)


def many(count, title="Movie"):
    for number in range(1, count + 1):
        yield ExportRow(f"tt{number:07}", number, f"{title} {number}", None, 2000, ("Ann Lee",), 17, number)


def test_letterboxd_gets_a_zip_of_files_of_at_most_a_megabyte():
    small, large = write_export("letterboxd", many(100)), write_export("letterboxd", many(60_000))
    assert (small.media_type, small.extension) == (CSV, "csv")
    assert (large.media_type, large.extension) == (ZIP, "zip")
    data = b"".join(large.blocks)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        sizes = [info.file_size for info in archive.infolist()]
    assert len(sizes) > 2
    assert letterboxd.MAX_PART_BYTES * 0.99 < max(sizes) <= letterboxd.MAX_PART_BYTES
    assert [row.tmdb_id for row in read_back("letterboxd", data)] == list(range(1, 60_001))
    assert b"".join(write_export("letterboxd", many(60_000)).blocks)[:4096] == data[:4096]


@pytest.mark.parametrize("name", FORMATS)
def test_memory_is_flat(name):
    tracemalloc.start()
    size = sum(map(len, write_export(name, many(25_000, "M" * 400)).blocks))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > (200_000 if name == "letterboxd" else 10_000_000)
    assert peak < 8_000_000


def test_an_empty_history_is_a_file_too(read):
    # An empty list of JSON does not say that it is Trakt's.
    for name in set(FORMATS) - {"trakt"}:
        assert read(file_of(name, [])) == (name, [])
    assert file_of("trakt", []) == b"[]\n"
