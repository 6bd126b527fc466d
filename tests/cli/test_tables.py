"""Lists on standard output."""

import pytest

from movierating.cli.tables import print_table, read_pages

PAGES = {None: (["a", "b"], "b"), "b": ([], "c"), "c": (["d"], None)}


@pytest.mark.parametrize(
    ("rows", "text"), [([], "Nothing.\n"), ([(1, "x"), (2, None)], "id\tname\n1\tx\n2\t-\n")]
)
def test_header_is_printed_if_there_are_rows(capsys, rows, text):
    print_table("id\tname", iter(rows), "Nothing.")
    assert capsys.readouterr().out == text


def test_items_of_all_pages_are_read():
    assert list(read_pages(lambda cursor, _limit: PAGES[cursor])) == ["a", "b", "d"]
