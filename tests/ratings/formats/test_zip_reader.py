"""ZIP files as enemies make them."""

import io
import struct
import tracemalloc
import zipfile

import pytest

from movierating.ratings.formats import zip_reader
from movierating.ratings.formats.custom_csv import ColumnMapping
from movierating.ratings.formats.rows import RatedRow, RejectedFile
from movierating.ratings.formats.upload_reader import open_upload
from movierating.ratings.formats.zip_reader import MAX_FILES

RATINGS = "title,value\nEmma,8\n"


def titles(rows):
    return [row.title for row in rows if isinstance(row, RatedRow)]


@pytest.mark.parametrize(
    "name",
    [
        "ratings.csv",
        "../../etc/ratings.csv",
        "/ratings.csv",
        "C:\\x\\ratings.csv",
        "a/" * 200 + "ratings.csv",
        "é.CSV",
    ],
)
def test_where_a_file_lies_in_it_does_not_matter(read, zipped, name):
    assert titles(
        read(zipped({name: RATINGS, "photo.jpg": b"\xff\xd8", "__MACOSX/._ratings.csv": b"\0"}))[1]
    ) == ["Emma"]


@pytest.mark.parametrize("names", [["x" * 252 + ".csv"], ["a/" * 130 + "ratings.csv", "ratings.csv"]])
def test_a_long_name_which_each_row_of_a_report_would_repeat_is_rejected(reject_reason, zipped, names):
    assert "a name of more than 255 characters" in reject_reason(zipped(dict.fromkeys(names, RATINGS)))


def test_a_zip_in_a_zip_is_not_opened(reject_reason, zipped):
    reason = reject_reason(zipped({"inner.zip": zipped({"ratings.csv": RATINGS})}))
    assert "no ratings in the ZIP file (inner.zip). Unpack the archive in it first. Accepted" in reason
    assert "no ratings in the ZIP file (it is empty). Accepted" in reject_reason(zipped({}))


def test_two_formats_at_once_are_rejected(reject_reason, zipped):
    imdb = "Const,Your Rating,Date Rated,Title,Year\n"
    assert "several formats" in reject_reason(zipped({"a.csv": RATINGS, "b.csv": imdb}))


def test_duplicates_are_read_one_after_the_other(read):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("ratings.csv", RATINGS)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("ratings.csv", RATINGS.replace("Emma", "Ran"))
    assert titles(read(target.getvalue())[1]) == ["Emma", "Ran"]


def test_too_many_files_are_rejected_before_they_are_listed(reject_reason, zipped):
    data = zipped({f"{number}.csv": "" for number in range(MAX_FILES + 1)})
    assert "files in it" in reject_reason(data)
    # The count in the end record is a lie.
    end = data.rindex(b"PK\x05\x06")
    assert "files in it" in reject_reason(data[: end + 8] + struct.pack("<HH", 1, 1) + data[end + 12 :])


def bomb(header, body, megabytes):
    target = io.BytesIO()
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("ratings.csv", "w") as file,
    ):
        file.write(header)
        for _ in range(megabytes):
            file.write(body * (1_000_000 // len(body)))
    return target.getvalue()


@pytest.mark.parametrize("body", [b"\n", b",", b"0", b" ", b"Emma,8\n"])
@pytest.mark.parametrize("header", [b"title,value\n", b'{"ratings": [', b""])
@pytest.mark.parametrize("megabytes", [20, 70])
def test_bombs_are_rejected(reject_reason, header, body, megabytes):
    data = bomb(header, body, megabytes)
    tracemalloc.start()
    assert reject_reason(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_several_files_may_not_unpack_to_more_than_one_may(read, reject_reason, zipped, monkeypatch):
    monkeypatch.setattr(zip_reader, "MAX_UNPACKED_BYTES", 3 * len(RATINGS))
    assert read(zipped({f"{number}.csv": RATINGS for number in range(3)}))
    assert "unpacks to more than" in reject_reason(zipped({f"{number}.csv": RATINGS for number in range(4)}))


@pytest.fixture
def bytes_unpacked(monkeypatch):
    """Counts the bytes that are unpacked: `bytes_unpacked()`."""
    sizes, read = [], zipfile.ZipExtFile.read

    def count(file, size=-1):
        sizes.append(len(data := read(file, size)))
        return data

    monkeypatch.setattr(zipfile.ZipExtFile, "read", count)
    return lambda: sum(sizes)


DATED = "title,rating,watcheddate,other\n"


@pytest.mark.parametrize(
    ("name", "content", "most"),
    [
        ("over the ratio.csv", DATED + "é\n" * 2_000_000, 0),
        ("dated.csv", DATED + "".join(f"{number:x}é,3\n" for number in range(200_000)), 500_000),
        ("other.xml", "<other>" + "<a/>" * 200_000 + "</other>", 20_000),
        ("other.json", "[" + "[0]," * 400_000 + "0]", 800_000),
    ],
)
def test_only_the_beginning_of_a_file_without_ratings_is_unpacked(
    read, zipped, bytes_unpacked, name, content, most
):
    assert titles(read(zipped({name: content, "ratings.csv": RATINGS}))[1]) == ["Emma"]
    assert bytes_unpacked() <= most + 10 * len(RATINGS)


def test_many_large_files_without_ratings_are_rejected_soon(reject_reason, zipped, bytes_unpacked):
    names = [f"{number}.json" for number in range(500)]
    reason = reject_reason(zipped(dict.fromkeys(names, "[" + "[0]," * 200_000 + "0]")))
    assert reason == "The ZIP file has too many large files in it. Take the one with the ratings alone."
    assert bytes_unpacked() < 10_000_000


def test_ratings_beside_many_large_files_are_read(read, zipped, bytes_unpacked):
    files = dict.fromkeys([f"history-{number}.json" for number in range(500)], "[" + "[0]," * 200_000 + "0]")
    assert titles(read(zipped({**files, "ratings.csv": RATINGS}))[1]) == ["Emma"]
    assert bytes_unpacked() < 10_000_000


def test_many_large_files_are_not_read_for_named_columns_either(zipped, bytes_unpacked):
    data = zipped(dict.fromkeys([f"{number}.csv" for number in range(500)], "a" * 200_000))
    with pytest.raises(RejectedFile, match="too many large files"):
        open_upload(io.BytesIO(data), mapping=ColumnMapping({"title": "Film"}))
    assert bytes_unpacked() < 10_000_000


@pytest.mark.parametrize("size", [0, 3, 10])
def test_a_lie_about_a_size_is_damage(reject_reason, zipped, size):
    data = bytearray(zipped({"ratings.csv": RATINGS}))
    place = data.rindex(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", size)
    assert reject_reason(bytes(data))


def test_a_locked_file_is_rejected(reject_reason, zipped):
    data = bytearray(zipped({"ratings.csv": RATINGS}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert "is encrypted" in reject_reason(bytes(data))


def test_other_packing_than_deflate_is_rejected(reject_reason):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("ratings.csv", RATINGS)
    assert "unsupported compression method" in reject_reason(target.getvalue())


def test_a_damaged_file_is_rejected_when_its_end_is_reached(reject_reason):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("ratings.csv", RATINGS)
    assert "is damaged" in reject_reason(target.getvalue().replace(b"Emma", b"Anna"))


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, b"PK\x03\x04" + b"\xff" * 100])
def test_what_only_begins_like_a_zip_is_rejected(reject_reason, data):
    assert "ZIP" in reject_reason(data)
