"""Film titles as text: folding them for search and comparison."""

import functools
import re
import unicodedata
from itertools import islice

# How people type characters that NFKD and casefold leave unchanged. Invisible characters are dropped.
_TYPED_AS = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "\u0131": "i",  # without a dot
        "ĸ": "k",
        "ł": "l",
        "ŋ": "n",
        "ŧ": "t",
        **dict.fromkeys("\u2018\u2019\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d", '"'),
        "\u2044": "/",  # what NFKD makes of the stroke in a fraction
        **dict.fromkeys("\u2010\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff"),
    }
)

# The articles that are rarely another word at the start of a title, folded. "La" is left out: LA is Los Angeles too.
_LEADING_ARTICLES = (
    *("the ", "a ", "an ", "le ", "les ", "l'", "un ", "une ", "der ", "das ", "ein ", "eine "),
    *("il ", "lo ", "gli ", "uno ", "una ", "un'", "el ", "los ", "las ", "unos ", "unas ", "els "),
    *("um ", "uma ", "het ", "een ", "det ", "ett ", "az "),
)
_LEADING_ARTICLE = re.compile(rf"\A(?:{'|'.join(_LEADING_ARTICLES)})(?=.*[^\W_])")
_DIGITS = {
    tens + ones: str(10 * i + j)
    for i, tens in enumerate(("", "x", "xx", "xxx"))
    for j, ones in enumerate(("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"))
}
_ROMAN_AT_END = re.compile(r"([\s.])([ivx]+)(?=\W*$|\s*:|\s+-\s)")
_REMOVED_MARKS = dict.fromkeys(code for code in range(128) if not chr(code).isalnum())
_VOLUME = re.compile(r"\bvol\b")
_SEPARATOR = re.compile(r"\s*:\s+|\s+-\s+")
# A title with hundreds would take milliseconds.
_MAX_SEPARATORS = 10

# The match keys of parts that tell nothing about the film, as in "Uno: The Movie".
_COMMON_PART = re.compile(
    "movie|film|motionpicture|musical|documentary|(?:part|volume|chapter)(?:[0-9]+|one|two|three|four)"
)

_WORD = re.compile(r"[^\W_]+")
_INSIDE_WORDS = re.compile(r"['.-]")
# In letters, each of at most four bytes. An index of PostgreSQL accepts keys of 2,704 bytes and words of 2,046.
MAX_FOLDED_LENGTH = 500
# More than the letters of all living scripts, which take a dozen megabytes.
_MAX_FOLDED_LETTERS = 100_000


def fold(text: str) -> str:
    """Return the text in the form for comparison and search: no accents, no letter case, single spaces, trimmed.

    NFKD, combining marks dropped, Unicode's case folding, then letters with no decomposition (`ø`, `ł`, `æ`)
    spelled in ASCII, and typographic quotes and dashes made plain. Punctuation stays.
    `fold(fold(x)) == fold(x)`. The text is cut to MAX_FOLDED_LENGTH letters, both before folding and after it: a single
    letter may fold to 18.
    """
    text = text[:MAX_FOLDED_LENGTH]
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(text.translate(_FOLDED_LETTERS).split())[:MAX_FOLDED_LENGTH].rstrip()


class _FoldedLetters(dict[int, str]):
    """The folded text of each letter, by its code point, computed at its first use.

    Letters can be folded one by one: they only affect each other's order of combining marks, which are dropped.
    """

    def __missing__(self, code_point: int) -> str:
        # Decomposed twice, because the case folding of a compatibility character can be decomposed again.
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", chr(code_point)).casefold())
        folded = "".join(each for each in decomposed if not unicodedata.combining(each)).translate(_TYPED_AS)
        if len(self) < _MAX_FOLDED_LETTERS:
            self[code_point] = folded
        return folded


_FOLDED_LETTERS = _FoldedLetters()


# Matching and adding a movie need the keys of its titles several times. The cache takes at most a few megabytes.
@functools.lru_cache(2_000)
def match_key(text: str) -> str:
    """Return the key by which two spellings of a title are compared: the letters and digits of the folded title.

    `&` is `and`, `vol` is `volume`, a leading article is left out, and a Roman numeral at the end of the title, or of
    its part before a colon or a dash, is written in digits: `The Godfather: Part II` and `Godfather Part 2` have one
    key. A text without letters and digits is its own key, folded. The key has at most MAX_FOLDED_LENGTH letters.
    """
    folded = fold(text)
    words = _LEADING_ARTICLE.sub("", folded).replace("&", " and ")
    words = _VOLUME.sub("volume", _ROMAN_AT_END.sub(_to_digits, words))
    if words.isascii():
        return words.translate(_REMOVED_MARKS)[:MAX_FOLDED_LENGTH] or folded
    return "".join(filter(_belongs_to_word, words))[:MAX_FOLDED_LENGTH] or folded


def _to_digits(roman: re.Match[str]) -> str:
    return roman[1] + _DIGITS.get(roman[2], roman[2])


def _belongs_to_word(character: str) -> bool:
    # The vowels of Indian scripts are marks, which `fold` leaves in the text.
    return character.isalnum() or unicodedata.category(character).startswith("M")


def list_part_keys(text: str) -> list[str]:
    """Return the match keys of the parts of a title before and behind each colon or dash.

    At most the first _MAX_SEPARATORS colons and dashes count. A title without one has no parts.
    """
    folded = fold(text)
    if ":" not in folded and "-" not in folded:
        return []
    separators = list(islice(_SEPARATOR.finditer(folded), _MAX_SEPARATORS))
    parts = (part for each in separators for part in (folded[: each.start()], folded[each.end() :]))
    return list(dict.fromkeys(filter(None, map(match_key, parts))))


def is_common_part(key: str) -> bool:
    """Return True if many unrelated titles have a part with this match key."""
    return _COMMON_PART.fullmatch(key) is not None


def list_with_articles(folded: str) -> list[str]:
    """Return a folded title, and the same with each of the leading articles."""
    return [folded, *(article + folded for article in _LEADING_ARTICLES)]


def split_words(text: str) -> list[str]:
    """Return the words of a text, folded: runs of letters and numbers. Index and queries share this rule."""
    return _WORD.findall(fold(text))


def list_indexed_words(*texts: str) -> list[str]:
    """Return the words by which texts are found: their own, and those that people type without a mark inside.

    `Ocean's` is found as `oceans`, `L.A.` as `la`, `Spider-Man` as `spiderman`.
    """
    folded = [fold(text) for text in texts]
    words = [word for text in folded for word in _WORD.findall(text)]
    known = set(words)
    joined = (word for text in folded for word in split_words(_INSIDE_WORDS.sub("", text)))
    return words + [word for word in joined if word not in known]
