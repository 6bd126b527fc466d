# ruff: noqa: RUF001 (letters that look like others are what is tested)
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movierating.movies import titles
from movierating.movies.titles import MAX_FOLDED_LENGTH, fold, list_indexed_words, match_key, split_words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Amélie", "amelie"),
        ("Łódź", "lodz"),
        ("Æon Œuvre Øre Đồng Ðað Þór", "aeon oeuvre ore dong dad thor"),
        ("STRAẞE Straße", "strasse strasse"),
        ("İstanbul ısı", "istanbul isi"),
        ("Ħal Ŋ Ŧ ĸ", "hal n t k"),
        ("Alien³ 8½", "alien3 81/2"),
        ("8 ½", "8 1/2"),
        ("  The\t Third\u00a0\u3000Man\r\n", "the third man"),
        ("Schindler’s “List” – 1", 'schindler\'s "list" - 1'),
        ("What's Up, Doc?", "what's up, doc?"),
        ("ＦＵＬＬ ﬁlm", "full film"),
        ("so\u00adft\u200b", "soft"),
        ("Σίσυφος", "σισυφοσ"),
        ("", ""),
    ],
)
def test_fold_makes_spellings_equal(text: str, folded: str) -> None:
    assert fold(text) == folded


@settings(deadline=None)
@given(st.text())
def test_fold_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_fold_is_idempotent_on_every_code_point() -> None:
    changed = []
    for first in range(0, sys.maxunicode + 1, 64):
        once = fold("x".join(map(chr, range(first, first + 64))))
        if fold(once) != once:
            changed.append(hex(first))
    assert changed == []


@pytest.mark.parametrize("letter", ["a", "é", "각", "\ufdfa", "\u0315", "a \ufdfa"])
def test_fold_is_bounded_before_folding_and_after(letter: str) -> None:
    text = fold(letter * 10_000)
    assert len(text) <= MAX_FOLDED_LENGTH
    assert text == fold((letter * 10_000)[:MAX_FOLDED_LENGTH]) == fold(text)


def test_folded_letters_are_stored_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(titles, "_MAX_FOLDED_LETTERS", len(titles._FOLDED_LETTERS) + 1)
    before = len(titles._FOLDED_LETTERS)
    assert fold("\U0001f3a5\U0001f3a6Ａ") == "\U0001f3a5\U0001f3a6a"
    assert len(titles._FOLDED_LETTERS) <= before + 1


@settings(deadline=None)
@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_fold_of_ascii_gives_the_same_by_the_short_path(text: str) -> None:
    assert fold(text + " é") == (fold(text) + " e").strip()


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        ("Spider-Man", "Spiderman", "spiderman"),
        ("Spider-Man", "Spider Man", "spiderman"),
        ("Ocean’s Eleven", "Oceans Eleven", "oceanseleven"),
        ("L.A. Confidential", "LA confidential", "laconfidential"),
        ("WALL·E", "Wall-E", "walle"),
        ("Alien³", "Alien 3", "alien3"),
        ("8½", "8 1/2", "812"),
        ("Amélie", "AMELIE", "amelie"),
        ("Fast & Furious", "Fast and Furious", "fastandfurious"),
        ("Withnail&I", "Withnail and I", "withnailand1"),
        ("Rocky II", "Rocky 2", "rocky2"),
        ("Saw X", "Saw 10", "saw10"),
        ("Friday the 13th XIX", "Friday the 13th 19", "fridaythe13th19"),
        ("The Godfather: Part II", "Godfather, Part 2", "godfatherpart2"),
        ("Star Trek II: The Wrath of Khan", "Star Trek 2 - The Wrath of Khan", "startrek2thewrathofkhan"),
        ("Star Wars: Episode IV - A New Hope", "Star Wars Episode 4: A New Hope", "starwarsepisode4anewhope"),
        ("Rocky II.", "Rocky Ⅱ", "rocky2"),
        ("Kill Bill: Vol. 1", "Kill Bill Volume 1", "killbillvolume1"),
        ("Kill Bill: Vol.II", "Kill Bill: Volume II", "killbillvolume2"),
        ("The Matrix", "Matrix", "matrix"),
        ("A-Team", "The A-Team", "ateam"),
        ("L’Avventura", "Avventura", "avventura"),
        ("Les Misérables", "Miserables", "miserables"),
        ("An American in Paris", "American in Paris", "americaninparis"),
        ("Léon: The Professional", "Leon The Professional", "leontheprofessional"),
        ("कभी खुशी कभी ग़म", "कभी-खुशी कभी ग़म", "कभीखुशीकभीगम"),
        ("千と千尋の神隠し", "千と千尋の神隠し ", "千と千尋の神隠し"),
    ],
)
def test_match_key_of_two_spellings_is_the_same(one: str, other: str, key: str) -> None:
    assert match_key(one) == match_key(other) == key


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("X", "x"),
        ("The X", "x"),
        ("XXX", "xxx"),
        ("IV for Vendetta", "ivforvendetta"),
        ("Iv Ivx", "ivivx"),
        ("Malcolm X (documentary)", "malcolmxdocumentary"),
        ("The", "the"),
        ("The ...", "the"),
        ("A", "a"),
        ("The Revolt", "revolt"),
        ("Volver", "volver"),
        ("Die Hard", "diehard"),
        ("Theatre", "theatre"),
        ("Lost", "lost"),
        ("???", "???"),
        ("&", "and"),
        ("\u0301", ""),
        ("", ""),
    ],
)
def test_match_key_leaves_what_has_another_meaning(title: str, key: str) -> None:
    assert match_key(title) == key


def test_match_key_keeps_the_parts_of_a_film_apart() -> None:
    names = ["Kill Bill", "Kill Bill: Vol. 1", "Kill Bill: Vol. 2", "Kill Bill Part 1", "Kill Bill 1"]
    assert len(set(map(match_key, names))) == len(names)


@given(st.text())
def test_match_key_is_bounded_and_ignores_accents_and_case(text: str) -> None:
    key = match_key(text)
    assert len(key) <= MAX_FOLDED_LENGTH
    assert match_key(fold(text)) == key
    assert bool(key) == bool(fold(text))


def test_match_key_of_a_long_title_is_bounded() -> None:
    assert len(match_key("&" * 10_000)) == MAX_FOLDED_LENGTH


def test_words_are_runs_of_folded_letters_and_numbers():
    assert split_words("Amélie & l'Été: 2—Łódź 🎬Go_on") == ["amelie", "l", "ete", "2", "lodz", "go", "on"]
    assert split_words("!?") == []


@pytest.mark.parametrize(
    ("text", "found_by"),
    [
        ("Ocean's Eleven", ["ocean", "s", "eleven", "oceans"]),
        ("L.A. Confidential", ["l", "a", "confidential", "la"]),
        ("Spider-Man", ["spider", "man", "spiderman"]),
        ("Alien", ["alien"]),
    ],
)
def test_indexed_words_include_words_without_inner_punctuation(text, found_by):
    assert list_indexed_words(text) == found_by
