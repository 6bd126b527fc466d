"""The rules for titles, which `clean.py` applies to each film."""

import itertools
import re
import unicodedata

# In lower case inside an English title.
SMALL_WORDS = {"A", "An", "And", "At", "For", "In", "Of", "The", "To"}


def clean_titles(movie: dict[str, str]) -> None:
    """Correct punctuation in titles, and move words in an Asian script from a Latin title to the original title."""
    for column in ("title", "original_title"):
        movie[column] = clean_title(movie[column])
    if movie["language"] == "en":
        movie["title"] = lower_small_words(movie["title"])
    words = movie["title"].split(" ")
    foreign = [word for word in words if is_foreign(word)]
    if foreign and words[: len(foreign)] == foreign and words[len(foreign) :] not in ([], ["Part", "2"]):
        movie["title"] = " ".join(words[len(foreign) :])
        movie["original_title"] = movie["original_title"] or " ".join(foreign)
    if movie["original_title"].casefold() == movie["title"].casefold():
        movie["original_title"] = ""


def clean_title(title: str) -> str:
    """Return the title without a note in brackets ("(2003 film)", "(WT)"), and with plain punctuation."""
    title = re.sub(r" \((?:WT|AT|TV pilot|film|\d{4} film)\)$", "", title)
    title = re.sub(r"[`\u00b4\u2018\u2019]", "'", title)
    title = re.sub(r" :(?= )", ":", title).rstrip(" ,;:")
    return re.sub(r"(?<=\w) ([!?])$", r"\1", title)


def lower_small_words(title: str) -> str:
    """Return the title with words such as "of" in lower case, except at the start of a part or a name."""
    words = title.split(" ")
    for index, (before, word) in enumerate(itertools.pairwise(words[:-1]), start=1):
        inside = before[-1].isalnum() and (before[0].isupper() or before in {"of", "for", "to"})
        if word in SMALL_WORDS and inside and before != "The" and not before.endswith("'s"):
            words[index] = word.lower()
    return " ".join(words)


def is_foreign(word: str) -> bool:
    """Return True if the word is in Chinese, Japanese or Korean script."""
    scripts = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
    return any(unicodedata.name(letter, "").startswith(scripts) for letter in word)


def clean_alternatives(movie: dict[str, str]) -> None:
    """Remove alternative titles that are the title or the original title."""
    seen = {words_of(movie["title"]), words_of(movie["original_title"]), ""}
    names = []
    for name in map(clean_title, movie["alternative_titles"].split("|")):
        if words_of(name) not in seen:
            seen.add(words_of(name))
            names.append(name)
    movie["alternative_titles"] = "|".join(names)


def words_of(title: str) -> str:
    """Return the title's words without case and accents, by which titles are compared."""
    decomposed = unicodedata.normalize("NFKD", title.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[^\W_]+", plain))
