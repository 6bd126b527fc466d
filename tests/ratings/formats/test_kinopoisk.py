import pytest

from movierating import clock
from movierating.ratings.formats.kinopoisk import find_kind
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow

AT = 1_252_510_440 * clock.SECOND
DAY = 24 * 60 * 60 * clock.SECOND


def test_movies_have_russian_and_original_titles(read_file):
    name, rows = read_file("kinopoisk.csv")
    assert name == "kinopoisk"
    titles = "Тихая гавань", "The Silent Harbour"
    assert rows[0] == RatedRow(2, None, None, *titles, 1998, 18, AT, film_id="301")
    assert rows[1][3:7] == ("Снова лето", None, 2003, 15)
    assert rows[4] == RatedRow(
        6, None, None, "Бумажные кораблики", "Paper Boats", 2010, 12, None, film_id="305"
    )


def test_series_are_known_by_their_address_and_by_the_brackets_of_their_title(read_file):
    _, rows = read_file("kinopoisk.csv")
    assert rows[2] == SkippedRow(4, "Долгая зима", 2011, "not_a_movie", reason="it is not a movie (series)")
    # Nothing else of it needs to be readable.
    assert rows[3] == SkippedRow(5, None, None, "not_a_movie", reason="it is not a movie (мини-сериал)")


def test_unrated_and_invalid_rows_are_not_ratings(read_file):
    _, rows = read_file("kinopoisk.csv")
    assert rows[5] == SkippedRow(7, "Стекло", 2010, "no_rating")
    assert isinstance(rows[6], RejectedRow)
    assert "'11'" in rows[6].reason


def test_of_two_ratings_that_of_ten_counts(read_file):
    name, rows = read_file("kinopoisk-by-number.csv")
    assert name == "kinopoisk"
    midnight = AT - AT % DAY
    assert rows == [
        RatedRow(2, None, None, "Тихая гавань", "The Silent Harbour", 1998, 18, midnight),
        RatedRow(3, None, None, "Лето", "Summer", 2003, 14, midnight + DAY),
        SkippedRow(4, "Долгая зима", 2011, "not_a_movie", reason="it is not a movie (mini-series)"),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            (word, None)
            for word in ("", " Фильм", "фільм", "Мультфильм", "Короткометражка", "\u0422\u0412", "видео")
        ),
        *((word, None) for word in ("Movie", "Animation Movie", "short-film", "TV")),
        *(
            (word, word)
            for word in ("Сериал", "Мультсериал", "серіал", "\u0422\u0412-шоу", "TV Series", "mini-series")
        ),
    ],
)
def test_words_for_movies_are_known(text, kind):
    assert find_kind(text) == kind


def test_a_list_without_ratings_is_rejected(reject_reason):
    reason = reject_reason("id,nameEng,nameRus,year,link\n")
    assert reason == "The file is Kinopoisk's, but has no column “rating”."
