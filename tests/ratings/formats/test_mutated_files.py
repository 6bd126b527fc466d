"""No file, however damaged, breaks the reader, and no row of it counts twice."""

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movierating.ratings.formats.rows import RatedRow, RejectedFile, RejectedRow, SkippedRow
from movierating.ratings.formats.upload_reader import FORMATS, open_upload


@pytest.fixture(scope="module")
def real_files(data_folder):
    paths = [path for path in sorted((data_folder / "exports").rglob("*")) if path.is_file()]
    assert len(paths) == 7
    # Of a long one, a part serves as well.
    return [path.read_bytes() if path.stat().st_size < 5_000 else first_lines(path) for path in paths]


def first_lines(path):
    return b"".join(path.read_bytes().splitlines(keepends=True)[:60])


HOSTILE = [
    *(
        b"\0",
        b'"',
        b"\r",
        b"\n",
        b",",
        b";",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"[" * 500,
        b"{",
        b"]",
        b"\\",
        b"'",
        b"<",
        b"&a;",
        b"<!DOCTYPE a [<!ENTITY a 'b'>]>",
    ),
    *(
        b"PK\x01\x02",
        b"NaN",
        b"1e309",
        "\u0665".encode(),
        b"99999-01-01",
        b"0000-00-00",
        b"-1",
        b"a" * 200_000,
    ),
]


def flip(data, draw):
    changed = bytearray(data)
    for _ in range(draw.randint(1, 8)):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def cut(data, draw):
    return data[: draw.randrange(len(data))]


def insert(data, draw):
    place = draw.randrange(len(data))
    return data[:place] + draw.choice(HOSTILE) + data[place:]


def drop_line(data, draw):
    lines = data.splitlines(keepends=True)
    del lines[draw.randrange(len(lines))]
    return b"".join(lines)


def repeat_line(data, draw):
    lines = data.splitlines(keepends=True)
    return b"".join([*lines, draw.choice(lines) * draw.randint(1, 50)])


MUTATIONS = [flip, cut, insert, drop_line, repeat_line]
MADE_UP_FILES = [
    path.read_bytes()
    for folder in ("cases", "files")
    for path in sorted((Path(__file__).parent / folder).rglob("*"))
    if path.is_file()
]


@given(
    number=st.integers(0, 6),
    mutations=st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=4),
    draw=st.randoms(use_true_random=False),
)
@settings(max_examples=800)
def test_no_mutation_of_a_real_file_raises_or_counts_a_row_twice(real_files, number, mutations, draw):
    assert_mutation_is_read_or_rejected(real_files[number], mutations, draw)


def test_each_format_has_a_made_up_file():
    files = (Path(__file__).parent / "files").iterdir()
    assert {open_upload(io.BytesIO(file.read_bytes())).format for file in files} == set(FORMATS)


@given(
    data=st.sampled_from(MADE_UP_FILES),
    mutations=st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=4),
    draw=st.randoms(use_true_random=False),
)
@settings(max_examples=800)
def test_no_mutation_of_a_made_up_file_raises_or_counts_a_row_twice(data, mutations, draw):
    assert_mutation_is_read_or_rejected(data, mutations, draw)


def assert_mutation_is_read_or_rejected(data, mutations, draw):
    for mutate in mutations:
        data = mutate(data, draw) if data else data
    try:
        upload = open_upload(io.BytesIO(data))
        rows = list(upload.rows)
    except RejectedFile:
        return
    assert upload.format in FORMATS
    assert all(isinstance(row, RatedRow | SkippedRow | RejectedRow) for row in rows)
    if not data.startswith(b"PK"):
        assert_each_counts_once(rows, data)


def assert_each_counts_once(rows, data):
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
    most = data.count(b"\n") + data.count(b"\r") + data.count(b"{") + data.count(b"<") + 2
    assert all(line <= most for line in lines)


@pytest.mark.parametrize("name", ["imdb/2022_no_original_title.csv", "letterboxd/full/diary.csv"])
@given(places=st.lists(st.integers(0, 10_000), max_size=60))
@settings(max_examples=50)
def test_any_choice_of_real_lines_in_any_order_gives_a_row_each(data_folder, name, places):
    header, *lines = (data_folder / "exports" / name).read_bytes().splitlines(keepends=True)
    chosen = [lines[place % len(lines)] for place in places]
    rows = list(open_upload(io.BytesIO(header + b"".join(chosen))).rows)
    assert [row.line for row in rows] == list(range(2, len(chosen) + 2))
    assert not any(isinstance(row, RejectedRow) for row in rows)


@given(st.binary(max_size=300) | st.sampled_from(HOSTILE))
@settings(max_examples=200)
def test_no_bytes_raise(data):
    for head in (
        b"",
        b"PK\x03\x04",
        b"[",
        b'{"ratings": [',
        b"<recentratings><film>",
        b"Const,Your Rating\n",
        b"title,value\n",
    ):
        with contextlib.suppress(RejectedFile):
            assert all(row.line >= 0 for row in open_upload(io.BytesIO(head + data)).rows)
