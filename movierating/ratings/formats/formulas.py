"""Escape spreadsheet formulas in the cells of exports, and unescape them in imports."""

import re

# A spreadsheet runs a cell that starts with one of these characters; with the full-width ones where Japanese or
# Chinese is typed. Where the comma is the decimal mark, spreadsheets also start a cell after a semicolon.
_STARTS_CELL, _STARTS_FORMULA = "(?:^|(?<=;))", "(?=[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20])"
# Spreadsheets may drop quotation marks; apostrophes must be distinguishable from our own.
_FORMULA = re.compile(f"{_STARTS_CELL}([\"']*){_STARTS_FORMULA}")
_ESCAPED_FORMULA = re.compile(f"{_STARTS_CELL}'([\"']*){_STARTS_FORMULA}")


def escape_formula(text: str) -> str:
    """Return the text with an apostrophe before each start of a spreadsheet formula; `unescape_formula` reverts it."""
    # Nearly all titles are harmless, and this is a tenth of the work.
    if text[:1].isalnum() and ";" not in text:
        return text
    return _FORMULA.sub(r"'\1", text)


def unescape_formula(text: str) -> str:
    """Return the text that `escape_formula` escaped; other texts unchanged."""
    return _ESCAPED_FORMULA.sub(r"\1", text) if "'" in text else text
