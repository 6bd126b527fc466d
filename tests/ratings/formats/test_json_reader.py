"""JSON files as enemies make them."""

import json
import tracemalloc
from io import BytesIO

import pytest

from movierating.ratings.formats.json_reader import MAX_ITEM_LENGTH
from movierating.ratings.formats.rows import RejectedRow
from movierating.ratings.formats.upload_reader import open_upload

START, END = '{"ratings": [', "]}"
RATING = json.dumps({"imdb_id": "tt0116191", "value": 8, "title": 'Amélie, {["]}'}, ensure_ascii=False)


def test_items_lie_anywhere_in_the_windows(read):
    for spaces in (0, 1, 700):
        _, rows = read(START + (" " * spaces + RATING + ",\n").join([""] * 3_000) + RATING + END)
        assert [row.line for row in rows] == list(range(3_000))
        assert not any(isinstance(row, RejectedRow) for row in rows)


@pytest.mark.parametrize("depth", [1_000, 60_000, 1_000_000])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_deep_nesting_is_rejected(reject_reason, depth, brackets):
    opening = "[" if brackets == "[]" else '{"ratings": '
    deep = opening * depth + "1" + brackets[1] * depth
    for text in (deep, START + deep + END, START + RATING + "," + '{"title": ' + deep + "}" + END):
        assert reject_reason(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (START + RATING, "after item 0"),
        (START + RATING + "," + RATING[:20], "after item 0"),
        (START + RATING + "," + END, "after item 0"),
        (START + RATING + END + "x", "malformed"),
        (START + RATING + " " + RATING + END, "malformed"),
        (START + '"' + "a" * 10 * MAX_ITEM_LENGTH + '"' + END, "malformed"),
        (START + " " * 10 * MAX_ITEM_LENGTH + END, "malformed"),
        (START + "1" * 5_000 + END, "malformed"),
        ("{", "malformed"),
        ("[", "malformed"),
        ("{}", "malformed"),
        ("[}", "malformed"),
        ("[]", "an empty list"),
        ('{"a": 1}', "without a list"),
        ('{"ratings": 5}', "without a list"),
        ('{"ratings": {}}', "without a list"),
        ("{" + ",".join(f'"{n}": 1' for n in range(1_000)) + "}", "malformed"),
    ],
    ids=lambda value: f"{len(value)} of {value[-20:]}",
)
def test_what_is_not_a_list_to_its_end_is_rejected(reject_reason, text, reason):
    assert reason in reject_reason(text)


def test_lists_of_other_things_are_skipped_however_long(read):
    other = f'"people": [{",".join(["[5]"] * 2 * MAX_ITEM_LENGTH)}]'
    _, rows = read("{" + other + ', "ratings": [' + RATING + "]}")
    assert len(rows) == 1


def test_broken_utf_8_and_control_characters_cost_one_item(read):
    bad = [RATING.replace("é", character) for character in ("\udcff", "\x00", "\n", "\\ud800")]
    text = START + ",".join([*bad, RATING]) + END
    _, rows = read(text.encode(errors="surrogateescape"))
    assert [isinstance(row, RejectedRow) for row in rows] == [True] * 4 + [False]


def test_memory_is_bounded_by_the_item():
    # As Python objects these lists are 300 MB.
    data = (START + RATING + "," + "[[],[],[]]," * 500_000 + RATING + END).encode()
    upload = open_upload(BytesIO(data))
    tracemalloc.start()
    for _, _row in zip(range(20_000), upload.rows, strict=False):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
