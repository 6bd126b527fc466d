"""Ratings that say what they are out of, as people write them in tables of their own: `8/10`, `85%`, `★★★½`."""

import re

_FRACTION = re.compile(r"([0-9.,]{1,7}) ?(?:/ ?(4|5|10|20|100)|%)")
_STARS = re.compile("(★{1,5})(½?)☆{0,4}")
_MAX_LENGTH = 20


def split_scale(text: str) -> tuple[str, int] | None:
    """Return the rating and the highest one of its scale; None for a rating that does not name a scale."""
    text = text[: _MAX_LENGTH + 1].strip()
    if match := _FRACTION.fullmatch(text):
        return match[1], int(match[2] or 100)
    if match := _STARS.fullmatch(text):
        return f"{len(match[1])}{'.5' if match[2] else ''}", 5
    return ("0.5", 5) if text == "½" else None
