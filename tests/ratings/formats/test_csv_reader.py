"""CSV files as people, spreadsheets and enemies make them."""

import io
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierating.ratings.formats import line_reader
from movierating.ratings.formats.csv_reader import CsvFile
from movierating.ratings.formats.line_reader import MAX_LINE_LENGTH
from movierating.ratings.formats.rows import RatedRow, RejectedRow
from movierating.ratings.formats.source_file import SourceFile

HEADER = "title,year,value\n"


def titles(rows):
    """Line and title of each row, None for one that can't be read."""
    return [(row.line, None if isinstance(row, RejectedRow) else row.title) for row in rows]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_line_ends_separators_and_marks_of_spreadsheets(read, newline, separator, bom):
    text = bom + "\n" + HEADER + '"Emma, or; not",1996,8\n\n,,\nRan,1985,7\n'
    if separator != ",":
        text = text.replace("Emma, or; not", "Emma - or # not").replace(",", separator)
    name, rows = read(text.replace("\n", newline))
    assert name == "csv"
    assert [line for line, _ in titles(rows)] == [3, 6]
    assert all(isinstance(row, RatedRow) for row in rows)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "utf-8", "utf-8-sig"])
def test_the_encoding_is_detected(read, encoding):
    _, rows = read((HEADER + "Élan,1995,8\nAmélie,2001,9\n").encode(encoding))
    assert titles(rows) == [(2, "Élan"), (3, "Amélie")]


@pytest.mark.parametrize(
    ("title", "encoding"),
    [
        ("Ирония судьбы, или лёгкий пар", "cp1251"),
        ("Ταξίδι στα Κύθηρα", "cp1253"),
        ("霸王别姬", "gbk"),
    ],
)
def test_letters_of_other_scripts_that_are_not_utf8_are_rejected(reject_reason, title, encoding):
    assert "save the file as CSV in UTF-8" in reject_reason(f'{HEADER}"{title}",1975,8\n'.encode(encoding))


def test_a_few_bad_bytes_in_utf8_cost_their_row_alone(read):
    _, rows = read(
        HEADER.encode() + "Élan,1995,8\nAmélie,2001,9\n".encode() + b"E\xffmma,1996,8\nRan,1985,7\n"
    )
    assert titles(rows) == [(2, "Élan"), (3, "Amélie"), (4, None), (5, "Ran")]
    assert "not text in the file's encoding" in rows[2].reason


@pytest.mark.parametrize("header", ["title,Title,value", "title,value,other,Value"])
def test_a_file_that_has_a_column_twice_is_rejected_if_it_is_read(reject_reason, header):
    assert re.search("2 columns “(title|value)”. Rename or delete all but one", reject_reason(f"{header}\n"))


def test_other_columns_may_be_there_twice(read):
    _, rows = read("title,value,x,x,,\nEmma,8,1,2,,\n")
    assert titles(rows) == [(2, "Emma")]


def test_columns_are_known_by_name_alone(read):
    _, rows = read(" Value ,else,TITLE\n8,Ran,Emma\n")
    assert rows == [RatedRow(2, None, None, "Emma", None, None, 16, None)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"Emma,19\x0096,8", "NUL"),
        (b"Emma,1996,8,9", "4 columns"),
        (b"x," * 60_000, "60001 columns"),
        (b"," * 1_000_000, "longer than"),
        (b"a" * 10_000_000 + b",1996,8", "longer than"),
        (b'"' + b"a" * 10_000_000 + b'",1996,8', "longer than"),
        (b'"Emma"x,1996,8', "quotation mark"),
        (b'"Emma,1996,8', "quotation mark"),
        (b"Emma\x0b,1996,inf", "the rating 'inf'"),
        ("Emma,1996,\u0665".encode(), "the rating '\u0665'"),
        (b"Emma,1996,1e309", "the rating '1e309'"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_one_bad_line_costs_one_row(read, line, reason):
    _, rows = read(HEADER.encode() + b"Ran,1985,7\n" + line + b'\nRashomon,1950,9\n"Ikiru",1952,9\n')
    assert titles(rows) == [(2, "Ran"), (3, None), (4, "Rashomon"), (5, "Ikiru")]
    assert isinstance(rows[1], RejectedRow)
    assert reason in rows[1].reason


def test_a_column_leaves_out_rows_that_can_not_be_read():
    data = b'title,year\nRan,1985\n"Emma"x,1996\nIkiru,1952\n'
    file = CsvFile(SourceFile("", lambda: io.BytesIO(data)))
    assert list(file.read_column("title")) == ["Ran", "Ikiru"]


AWKWARD = (
    b"Ran,1985,7\n",
    b"Ran,1985,7\r\n",
    b"\n",
    b",,\n",
    b'"Emma, or\nnot",1996,8\n',
    b'"Emma,1996,8\n',
    "Élan,1995,8\n".encode(),
    b"E\xff,1996,8\n",
    b"Emma,19\x0096,8\n",
    b"Emma,1996\n",
    b"Emma,1996,11\n",
)


@given(st.lists(st.sampled_from(AWKWARD), max_size=30), st.integers(1, 100))
def test_rows_are_the_same_however_much_is_looked_at_together(read, content, taken):
    data = HEADER.encode() + b"".join(content)
    with pytest.MonkeyPatch.context() as patched:
        whole = read(data)
        patched.setattr(line_reader, "_BLOCK_LENGTH", taken)
        assert read(data) == whole
        patched.setattr("movierating.ratings.formats.movierating_csv._parse_columns", lambda *_: None)
        assert read(data) == whole


def test_quotation_marks_never_closed_cost_one_row_each_within_bounds(read):
    good = ("R" * 490 + ",1985,7\n") * 270
    _, rows = read(HEADER + ('"Emma\n' + good) * 20)
    assert [isinstance(row, RejectedRow) for row in rows] == ([True] + [False] * 270) * 20
    _, rows = read(HEADER + ('"Emma\n' + good) * 80)
    assert sum(isinstance(row, RejectedRow) for row in rows) == 80
    assert (
        "lines after it that could not be read"
        in next(row for row in rows[::-1] if isinstance(row, RejectedRow)).reason
    )


def test_memory_is_bounded_by_the_line(read):
    data = (HEADER + "," * 15_000_000).encode()
    tracemalloc.start()
    _, rows = read(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert titles(rows) == [(2, None)]
    assert peak < 20 * MAX_LINE_LENGTH


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n\n  \n", "empty"),
        (b"\0\1\2", "does not begin with a line of text"),
        (b"\xfe\xd8\xff\xe0", "has only one column"),
        (b"My films,,,\ntitle,value\n", "has only one column (My films)"),
        (b"Heat 1995 9/10\n", "has only one column (Heat 1995 9/10)"),
        (b'"title,value"\n"Emma,1"\n', "has only one column (title,value)"),
        (b"\n" * 1000 + b"title,value\n", "does not begin with a line of text"),
        (b"title,value," + b"x," * 1_000_000 + b"\n", "The first line has 131,072 characters or more"),
        (b'title,"value\n', "quotation mark"),
        (b"title,value" + b"," * 999 + b"\nEmma,1\n", "has 1,001 columns, over 1,000"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_files_that_are_not_a_table_are_rejected(reject_reason, data, reason):
    assert reason in reject_reason(data)


def test_there_is_a_limit_of_lines_which_blank_ones_count_to(read, reject_reason, monkeypatch):
    monkeypatch.setattr(line_reader, "MAX_LINES", 5)
    assert read(HEADER + "\n" * 4)
    assert reject_reason(HEADER + "\n" * 5) == "The file has more than 5 lines."
