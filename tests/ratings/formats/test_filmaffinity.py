import pytest

from movierating import clock
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow


def test_utf_16_has_dates_and_english_titles(read_file):
    name, rows = read_file("filmaffinity-utf16.csv")
    assert name == "filmaffinity"
    at = 1_444_608_000 * clock.SECOND
    assert rows[:5] == [
        RatedRow(2, None, None, "The Silent Harbour", None, 1998, 18, at, film_id="628001"),
        RatedRow(
            3, None, None, "Summer, Again", None, 2003, 15, at + 86_400 * clock.SECOND, film_id="628002"
        ),
        SkippedRow(4, "Long Winter", 2011, "not_a_movie", reason="it is not a movie (TV Series)"),
        RatedRow(5, None, None, "Paper Boats", None, 2010, 12, None, film_id="628004"),
        SkippedRow(6, "Glass", 2010, "no_rating"),
    ]
    assert isinstance(rows[5], RejectedRow)
    assert "'11'" in rows[5].reason


def test_utf_8_has_original_titles_and_no_dates(read_file):
    name, rows = read_file("filmaffinity.csv")
    assert name == "filmaffinity"
    titles = "El puerto silencioso", "The Silent Harbour"
    assert rows == [
        RatedRow(2, None, None, *titles, 1998, 18, None, film_id="628001"),
        RatedRow(3, None, None, "Otra vez verano", "Encore l'été", 2003, 16, None, film_id="628002"),
        SkippedRow(4, "Largo invierno", 2011, "not_a_movie", reason="it is not a movie (Miniserie de TV)"),
        RatedRow(5, None, None, "Barcos de papel", None, 2010, 12, None, film_id="628004"),
        SkippedRow(6, "Cristal", 2010, "no_rating"),
    ]


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        *(
            (f"Emma ({mark})", mark)
            for mark in ("TV Series", "TV Miniseries", "Serie de TV", "Vídeo musical")
        ),
        *((f"Emma ({mark})", None) for mark in ("TV", "S", "C")),
        ("Emma", None),
    ],
)
def test_marks_of_the_kind_are_removed_from_the_title(read, title, kind):
    _, (row,) = read(f"title;year;user score;directors\n{title};1996;8;\n")
    assert row.title == "Emma"
    assert row == RatedRow(2, None, None, "Emma", None, 1996, 16, None) or kind in row.reason


@pytest.mark.parametrize("title", ["Emma (Part 2)", "(Untitled)", "(TV)", "Emma (1996)"])
def test_other_brackets_are_part_of_the_title(read, title):
    _, (row,) = read(f"title;year;user score;directors\n{title};1996;8;\n")
    assert row.title == title


def test_a_list_without_votes_is_rejected(reject_reason):
    assert reject_reason("ID;Title;Year;FA rate\n") == "The file is FilmAffinity's, but has no column “Vote”."
