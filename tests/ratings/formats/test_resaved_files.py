"""Each format is read the same after a spreadsheet or a person has changed the file, but not its ratings."""

import csv
import io
from pathlib import Path

import pytest

from movierating.ratings.formats.rows import RatedRow, RejectedFile
from movierating.ratings.formats.text_encoding import decode_head
from movierating.ratings.formats.upload_reader import open_upload

FILES = sorted((Path(__file__).parent / "files").glob("*.csv"))
SEPARATORS = ",;\t"


def read_table(path):
    """Return the header and the rows of a file, each with as many cells."""
    text = decode_head(path.read_bytes())
    header = text.splitlines()[0]
    separator = max(SEPARATORS, key=header.count)
    table = list(csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=", " in header))
    width = max(map(len, table))
    return [[*row, *[""] * (width - len(row))] for row in table]


def write_table(table, separator=",", quoting=csv.QUOTE_MINIMAL):
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=quoting).writerows(table)
    return text.getvalue()


CHANGES = {
    "semicolons and a byte order mark": lambda table: "\ufeff" + write_table(table, ";"),
    "two byte order marks": lambda table: "\ufeff\ufeff" + write_table(table),
    "tabs in UTF-16": lambda table: ("\ufeff" + write_table(table, "\t")).encode("utf-16-le"),
    "all quoted": lambda table: write_table(table, quoting=csv.QUOTE_ALL),
    "another order of columns": lambda table: write_table(row[::-1] for row in table),
    "empty columns and rows at the end": lambda table: write_table(
        [*([*row, "", ""] for row in table), *([""] * 3 for _ in range(3))]
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_that_was_saved_again_is_read_the_same(read, path, change):
    name, rows = read(path.read_bytes())
    assert any(isinstance(row, RatedRow) for row in rows)
    changed_name, changed = read(CHANGES[change](read_table(path)))
    # A cell with a line break counts as many lines as before.
    assert (changed_name, changed) == (name, rows)


def test_cells_of_our_own_file_may_have_spaces_around_them(read):
    _, rows = read("imdb_id , value , version \n tt0116191 , 8 , 1 \n")
    assert [(row.imdb_id, row.value) for row in rows] == [("tt0116191", 16)]


@pytest.mark.parametrize(
    ("header", "row", "name"),
    [
        ("ID;Title;Year;Vote;FA rate", "1;Emma;1996;8;6.6", "filmaffinity"),
        ("titre;titre_original;sortie;note", "Emma;Emma;1996;8", "senscritique"),
    ],
)
def test_a_deleted_column_of_dates_is_not_missed(read, header, row, name):
    found, rows = read(f"{header}\n{row}\n")
    assert found == name
    assert [(row.title, row.year, row.value, row.rated_at) for row in rows] == [("Emma", 1996, 16, None)]


def explain(data):
    """Return the reason for which a file is rejected, or an empty text."""
    try:
        open_upload(io.BytesIO(data))
    except RejectedFile as error:
        return str(error)
    return ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_column_is_reported_as_missing_that_the_file_has(path):
    table = read_table(path)
    for index, name in enumerate(table[0]):
        reason = explain(write_table(row[:index] + row[index + 1 :] for row in table).encode())
        assert "has no column" not in reason or f"“{name}”".lower() in reason.lower()
