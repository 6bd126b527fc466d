"""XML files as people and enemies make them."""

import contextlib
import time
import tracemalloc
from io import BytesIO

import pytest

from movierating.ratings.formats import xml_reader
from movierating.ratings.formats.rows import RatedRow, RejectedFile, RejectedRow
from movierating.ratings.formats.upload_reader import open_upload
from movierating.ratings.formats.xml_reader import MAX_MARKUP_LENGTH

START, END = "<recentratings>", "</recentratings>"
FILM = "<film><filmname>Amélie (2001)</filmname><rating>80</rating></film>"
LAUGHS = "".join(f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' for number in range(1, 10))
XXE = '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><recentratings><film>&e;</film></recentratings>'


@pytest.mark.parametrize(
    "data",
    [
        (START + FILM + END).encode(),
        ("\ufeff\n" + START + FILM + END).encode(),
        ('<?xml version="1.0" encoding="UTF-8"?>' + START + FILM + END).encode(),
        ('<?xml version="1.0" encoding="windows-1252"?>' + START + FILM + END).encode("cp1252"),
        (START + FILM + END).encode("utf-16"),
        (START.upper() + FILM.replace("rating", "Rating") + END.upper()).encode(),
        (START + FILM.replace("<film>", "<film id='1'>") + END + "\n<!-- end -->\n").encode(),
    ],
)
def test_encodings_and_attributes_are_read(read, data):
    _, rows = read(data)
    assert rows == [RatedRow(0, None, None, "Amélie", None, 2001, 16, None)]


def test_items_lie_anywhere_in_the_blocks(read):
    for spaces in (0, 1, 700):
        _, rows = read(START + (" " * spaces + FILM + "\n") * 2_000 + END)
        assert [row.line for row in rows] == list(range(2_000))
        assert not any(isinstance(row, RejectedRow) for row in rows)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!DOCTYPE html><html></html>", "web page"),
        ("<html><body>Log in</body></html>", "web page"),
        ("<rss><channel/></rss>", "Accepted formats"),
        (
            f'<!DOCTYPE r [<!ENTITY l0 "ha">{LAUGHS}]>' + START + "<film>&l9;</film>" + END,
            "XML with a document type",
        ),
        (XXE, "XML with a document type"),
        ('<!DOCTYPE r SYSTEM "http://localhost/x.dtd">' + START + END, "XML with a document type"),
        ('<?xml version="1.0" encoding="no-such"?>' + START + END, "unknown encoding"),
        ('<?xml version="1.0" encoding="utf-7"?>' + START + END, "unknown encoding"),
        (START + "<film>&e;</film>" + END, "malformed"),
        (START + FILM, "after item 0"),
        (START + FILM + FILM[:20], "after item 0"),
        (START + FILM + "</film>" + END, "after item 0"),
        (START + FILM + END + "x", "after item 0"),
        ("<", "malformed"),
        ("<?xml", "malformed"),
        (START + FILM + " \0" + END, "after item 0"),
        (START + FILM + "<film><filmname>\x01</filmname></film>" + END, "after item 0"),
        ("<a>" * 1_000_000, "malformed"),
        (START + "<film>" * 100_000 + "</film>" * 100_000 + END, "malformed"),
        (START + "".join(f"<a{number}/>" for number in range(100_000)) + END, "after item"),
        (START + "<film " + "".join(f"a{number}='' " for number in range(10_000)) + "/>" + END, "malformed"),
        (START + f"<film a='{'x' * 3_000_000}'/>" + END, "malformed"),
        (START + f"<{'x' * 3_000_000}/>" + END, "malformed"),
        (START + f"<!--{'x' * 3_000_000}-->" + END, "malformed"),
        (START + "<film><filmname>" + "x" * 10_000_000, "malformed"),
    ],
    ids=lambda value: f"{len(value)} of {value[:30]}",
)
def test_what_is_not_a_list_to_its_end_is_rejected(reject_reason, text, reason):
    assert reason in reject_reason(text)


def test_bytes_that_are_not_text_are_rejected(reject_reason):
    assert "malformed" in reject_reason((START + FILM).encode() + b"\xff" + END.encode())


def test_xml_of_more_elements_than_an_import_has_rows_for_is_rejected(reject_reason, monkeypatch):
    monkeypatch.setattr(xml_reader, "_MAX_EVENTS", 50_000)
    reason = reject_reason(START + ("<film>" + "<a/>" * 100 + "</film>") * 1_000 + END)
    assert reason == "The XML has more than 50,000 elements and texts."


def test_a_long_text_costs_one_item(read):
    long = FILM.replace("Amélie", "x" * 1_000_000)
    _, rows = read(START + long + FILM + END)
    assert [isinstance(row, RejectedRow) for row in rows] == [True, False]
    assert "longer than 500" in rows[0].reason


HOSTILE = [
    *("<f/>", "<film>" + "<a/>" * 100 + "</film>", "<film><a>&lt;&gt;&#65;</a></film>", "<!---->", "<?a?>"),
    *("<film a='1' b='2'/>", "<film><rating><![CDATA[1]]><![CDATA[2]]></rating></film>", FILM, " ", "&lt;"),
    *(f"<f a='{'x' * (MAX_MARKUP_LENGTH // 2)}'/>", f"<film><rating>{'&lt;' * 100_000}</rating></film>"),
]


@pytest.mark.parametrize("part", HOSTILE, ids=lambda part: part[:30])
def test_hostile_xml_is_read_or_rejected_soon(part):
    data = (START + part * (2_000_000 // len(part)) + END).encode()
    began = time.process_time()
    with contextlib.suppress(RejectedFile):
        assert all(row.line >= 0 for row in open_upload(BytesIO(data)).rows)
    # A busy machine takes a second; in quadratic time it would take minutes.
    assert time.process_time() - began < 20


@pytest.mark.parametrize("part", HOSTILE[:2], ids=lambda part: part[:30])
def test_memory_does_not_grow_with_the_file(part):
    rows = open_upload(BytesIO((START + FILM + part * (500_000 // len(part)) + END).encode())).rows
    tracemalloc.start()
    for _, _row in zip(range(20_000), rows, strict=False):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12_000_000
