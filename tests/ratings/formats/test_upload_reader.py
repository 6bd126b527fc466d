"""Formats are detected by content, errors name what the file holds, and no file breaks the reader."""

import contextlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movierating.ratings.formats import upload_reader
from movierating.ratings.formats.rows import RatedRow, RejectedFile, RejectedRow, SkippedRow
from movierating.ratings.formats.upload_reader import FORMATS, open_upload

OWN = "title,value\nEmma,8\n"


def test_an_open_file_is_read_from_its_start_and_stays_open():
    file = io.BytesIO(OWN.encode())
    file.seek(5)
    assert len(list(open_upload(file).rows)) == 1
    assert not file.closed


def test_upload_of_another_format_than_expected_is_rejected(read, reject_reason):
    assert read(OWN, "csv")
    assert reject_reason(OWN, "imdb") == "The file is of the format csv, not imdb."


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (OWN.encode("utf-16-be"), "does not begin with a line of text"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"%PDF-1.7", "PDF"),
        (b"Rar!\x1a\x07\x01\0", "a RAR archive: unpack it first"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "a 7-Zip archive: unpack it first"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "an image"),
        (b"<html><br>", "web page"),
        (b"name;price\nx;1\n", "(name, price)"),
        (b'[{"name": "x"}]', "without ratings"),
        (b'{"movies": [{"rating": 9, "movie": {"ids": {"trakt": 1}}}]}', "without ratings in a known format"),
    ],
)
def test_rejection_names_the_content_and_the_accepted_formats(reject_reason, data, found):
    reason = reject_reason(data)
    assert found in reason
    assert "Accepted formats: simkl, letterboxd, imdb" in reason or "line of text" in reason


def test_a_bare_list_of_our_ratings_is_rejected_with_what_to_do(reject_reason):
    assert reject_reason('[{"title": "Heat", "year": 1995, "value": 9}]') == (
        'The JSON is a bare list. Put it into an object: {"ratings": […]}.'
    )


def test_there_is_a_limit_of_rows(reject_reason, monkeypatch):
    monkeypatch.setattr(upload_reader, "MAX_ROWS", 2)
    assert list(open_upload(io.BytesIO(OWN.encode())).rows)
    assert "more than 2 rows" in reject_reason(OWN + "Ran,7\nx,\n")


# Mutations of every file


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


def make_archive(**files):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for name, text in files.items():
            writer.writestr(name.replace("__", "/").replace("_", "."), text)
    return archive.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"sep=;\ntitle;year;value\nHeat;1995;8\n", "remove the first line"),
        (b"<!DOCTYPE html>\n<html></html>", "Download the export itself"),
        (b"\n<html><body>Log in</body></html>", "Download the export itself"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as CSV"),
        (make_archive(Index__Document_iwa="x", preview_jpg="x"), "save it as CSV"),
        (make_archive(xl__workbook_xml="<workbook/>", docProps__app_xml="<x/>"), "save it as CSV"),
        (make_archive(mimetype="x", content_xml="<x/>"), "save it as CSV"),
    ],
    ids=["sep", "doctype", "html", "xls", "numbers", "xlsx", "ods"],
)
def test_rejection_of_another_file_says_what_to_do(data, message):
    with pytest.raises(RejectedFile, match=message):
        open_upload(io.BytesIO(data))


def test_files_of_one_name_in_a_zip_are_named_by_their_path():
    file = "title,year,value\nHeat,1995,8\n"
    archive = make_archive(a__ratings_csv=file, b__ratings_csv=file, c__more_csv=file)
    assert [row.file for row in open_upload(io.BytesIO(archive)).rows] == [
        "a/ratings.csv",
        "b/ratings.csv",
        "more.csv",
    ]


def test_unreadable_ratings_in_a_folder_are_rejected_too():
    archive = make_archive(a__ratings_csv="x\n1\n", b__ratings_csv="title,year,value\nHeat,1995,8\n")
    with pytest.raises(RejectedFile, match=r"^a/ratings\.csv: "):
        open_upload(io.BytesIO(archive))
