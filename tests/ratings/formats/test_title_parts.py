"""Titles come apart: an article at the end, the year, other titles in brackets."""

# ruff: noqa: RUF001 (letters that look like others are what is tested)
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movierating.ratings.formats import title_parts
from movierating.ratings.formats.title_parts import split_year


@pytest.mark.parametrize(
    ("title", "moved"),
    [
        ("American President, The", "The American President"),
        ("Walk in the Clouds, A", "A Walk in the Clouds"),
        ("Awfully Big Adventure, An", "An Awfully Big Adventure"),
        ("Misérables, Les", "Les Misérables"),
        ("École de la chair, L'", "L'École de la chair"),
        ("Avventura, L\u2019", "L'Avventura"),
        ("Boot, Das", "Das Boot"),
        ("Macht der Bilder: Leni Riefenstahl, Die", "Die Macht der Bilder: Leni Riefenstahl"),
        ("Buono, il brutto, il cattivo, Il", "Il Buono, il brutto, il cattivo"),
        ("Vitelloni, I", "I Vitelloni"),
        ("Crow, The: Salvation", "The Crow: Salvation"),
        ("Olvidados, Los", "Los Olvidados"),
        ("Good, the Bad and the Ugly, The", "The Good, the Bad and the Ugly"),
        ("Sjunde inseglet, Det", "Det Sjunde inseglet"),
    ],
)
def test_trailing_article_moves_to_the_front(title: str, moved: str) -> None:
    assert title_parts.move_article_to_front(title) == moved
    assert title_parts.move_article_to_front(moved) == moved


@pytest.mark.parametrize(
    "title",
    [
        "Crouching Tiger, Hidden Dragon",
        "Paris, Texas",
        "Alien: Resurrection",
        "Monsters, Inc.",
        "I, Robot",
        "Me, Myself, I",
        "Love, Die, Repeat, Die",
        "Lust, Caution",
        "The Matrix",
        ", The",
        "Hello,",
        "",
    ],
)
def test_other_commas_stay(title: str) -> None:
    assert title_parts.move_article_to_front(title) == title


@pytest.mark.parametrize(
    ("text", "title", "year"),
    [
        ("Toy Story (1995)", "Toy Story", 1995),
        ("Toy Story (1995) ", "Toy Story", 1995),
        ("Death Note: Desu nôto (2006–2007)", "Death Note: Desu nôto", 2006),
        ("Fawlty Towers (1975-1979)", "Fawlty Towers", 1975),
        ("Still Running (2010– )", "Still Running", 2010),
        ("The Land Before Time III (1995) (V)", "The Land Before Time III", 1995),
        ("1984 (Nineteen Eighty-Four) (1984)", "1984 (Nineteen Eighty-Four)", 1984),
        ("2012 (2009)", "2012", 2009),
        ("Babylon 5", "Babylon 5", None),
        ("Blade Runner 2049", "Blade Runner 2049", None),
        ("Something (1869)", "Something (1869)", None),
        ("Something (1870)", "Something", 1870),
        ("Something (2100)", "Something", 2100),
        ("Something (2101)", "Something (2101)", None),
        ("Something (١٩٩٥)", "Something (١٩٩٥)", None),
        ("(1995)", "(1995)", None),
        ("Stella (V)", "Stella (V)", None),
        ("", "", None),
    ],
)
def test_year_is_what_ends_the_title_in_brackets(text: str, title: str, year: int | None) -> None:
    assert split_year(text) == (title, year)


@pytest.mark.parametrize(
    ("text", "title", "alternative", "year"),
    [
        ("Toy Story (1995)", "Toy Story", None, 1995),
        ("Hole, The (Trou, Le) (1960)", "The Hole", "Le Trou", 1960),
        ("Seven (a.k.a. Se7en) (1995)", "Seven", "Se7en", 1995),
        ("Alien (a.k.a Star Beast)", "Alien", "Star Beast", None),
        ("FearDotCom (a.k.a. Fear.com) (a.k.a. Fear Dot Com) (2002)", "FearDotCom", "Fear.com", 2002),
        ("Léon (a.k.a. The Professional) (Leon) (1994)", "Léon", "Leon", 1994),
        ("Dream of Light (a.k.a. Sun, The) (1992)", "Dream of Light", "The Sun", 1992),
        ("(500) Days of Summer (2009)", "(500) Days of Summer", None, 2009),
        ("(Untitled) (2009)", "(Untitled)", None, 2009),
        ("Frontière(s) (2007)", "Frontière(s)", None, 2007),
        ("Birdman: Or (Ignorance) (2014)", "Birdman: Or (Ignorance)", None, 2014),
        ("Evangelion: 2.0 You Can (Not) Advance (2009)", "Evangelion: 2.0 You Can (Not) Advance", None, 2009),
        ("Odd () (1990)", "Odd ()", None, 1990),
        ("unknown", "unknown", None, None),
    ],
)
def test_movielens_title_comes_apart(
    text: str, title: str, alternative: str | None, year: int | None
) -> None:
    assert title_parts.parse_movielens_title(text) == (title, alternative, year)


@settings(deadline=None)
@given(st.text(alphabet="(), 19Tthe-a.k", max_size=40))
def test_any_title_leaves_a_title(text: str) -> None:
    assert bool(title_parts.parse_movielens_title(text).title) == bool(text.strip())


def test_only_the_last_brackets_of_many_are_alternative_titles() -> None:
    title = title_parts.parse_movielens_title("Heat" + " (Hitze)" * 100 + " (1995)")
    assert title == ("Heat" + " (Hitze)" * 90, "Hitze", 1995)
