"""Formats are detected by content, and errors name what the file holds."""

import io
import zipfile

import pytest

from movierating.ratings.formats import upload_reader
from movierating.ratings.formats.rows import RejectedFile
from movierating.ratings.formats.upload_reader import open_upload

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
