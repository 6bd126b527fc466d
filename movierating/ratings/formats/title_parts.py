"""Take titles apart that have a year, an article or other titles at their end, as MovieLens and others write them."""

import re
from typing import NamedTuple

# Articles that can end a catalogue title, by casefold.
_ARTICLES = frozenset(
    {"the", "a", "an", "da"}
    | {"le", "la", "les", "l'", "un", "une"}
    | {"der", "das", "ein", "eine"}
    | {"il", "lo", "gli", "uno", "una", "un'"}
    | {"el", "los", "las", "unos", "unas", "els", "um", "uma"}
    | {"het", "een", "det", "ett", "az"}
)
# These are other words too ("Me, Myself, I"): they count only if they are capitalized and follow the only comma.
_DOUBTFUL_ARTICLES = frozenset({"I", "O", "As", "Os", "Die", "De", "Den", "En", "Et"})

_YEARS = re.compile(r"([0-9]{4})(?:\s*[-\u2013\u2014]\s*(?:[0-9]{4})?)?")
_FIRST_YEAR, _LAST_YEAR = 1870, 2100
# IMDb's marks for television, video and game, which old MovieLens sets put behind the year.
_MEDIUM = re.compile(r"(?<=\))\s*\((?:TV|V|VG)\)$")
# The data sets have up to five; a title of hundreds would take milliseconds.
_MAX_ALTERNATIVES = 10
_ALSO_KNOWN_AS = re.compile(r"a\.?k\.?a\.?\s+", re.IGNORECASE)


class MovieLensTitle(NamedTuple):
    """A MovieLens title taken apart; the articles are at the front in both titles."""

    title: str
    alternative: str | None
    year: int | None


def move_article_to_front(title: str) -> str:
    """Return the title with a trailing article moved to the front: `Avventura, L'` gives `L'Avventura`.

    One that stands before a colon moves as well: `Crow, The: Salvation`.
    """
    moved = _move_article(title)
    main, colon, rest = title.partition(": ")
    return moved if moved != title else _move_article(main) + colon + rest


def _move_article(title: str) -> str:
    head, _, tail = title.rpartition(",")
    article = tail.strip().replace("\u2019", "'")
    head = head.strip()
    if not head or (
        article.casefold() not in _ARTICLES and (article not in _DOUBTFUL_ARTICLES or "," in head)
    ):
        return title
    return article + head if article.endswith("'") else f"{article} {head}"


def split_year(text: str) -> tuple[str, int | None]:
    """Return the title, and the year in brackets at its end (1870 to 2100, the first of a range) or None."""
    text = text.strip()
    head, inside = _split_brackets(_MEDIUM.sub("", text))
    match = _YEARS.fullmatch(inside)
    if not match or not _FIRST_YEAR <= int(match[1]) <= _LAST_YEAR:
        return text, None
    return head, int(match[1])


def parse_movielens_title(text: str) -> MovieLensTitle:
    """Split `Trou, Le (Hole, The) (1960)` into title, alternative title and year.

    Of several alternatives the last without `a.k.a.` counts: an original title comes last. At most the last
    _MAX_ALTERNATIVES brackets are taken for alternatives.
    """
    title, year = split_year(text)
    alternatives: list[str] = []
    also_known_as: list[str] = []
    for _ in range(_MAX_ALTERNATIVES):
        head, inside = _split_brackets(title)
        # "Birdman: Or (The Unexpected Virtue of Ignorance)" is all title.
        if not inside or head.casefold().endswith((" or", " and")):
            break
        name = _ALSO_KNOWN_AS.sub("", inside, count=1) if _ALSO_KNOWN_AS.match(inside) else inside
        (alternatives if name == inside else also_known_as).append(move_article_to_front(name))
        title = head
    names = alternatives or also_known_as[::-1]
    return MovieLensTitle(move_article_to_front(title), names[0] if names else None, year)


def _split_brackets(text: str) -> tuple[str, str]:
    """Return the text before its final brackets and the text in them, or `(text, "")` without brackets.

    Brackets count only behind a word and a blank: `Frontière(s)` and `(Untitled)` have none.
    """
    start = text.rfind("(")
    head, inside = text[:start].rstrip(), text[start + 1 : -1].strip()
    if start < 1 or not text.endswith(")") or not head or ")" in inside or not text[start - 1].isspace():
        return text, ""
    return head, inside
