import pytest

from movierating import clock
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow

AT = 1_562_243_400 * clock.SECOND
MIDNIGHT = 1_562_198_400 * clock.SECOND
DAY = 24 * 60 * 60 * clock.SECOND


def test_utf_16_with_tabs(read_file):
    name, rows = read_file("kinorium.csv")
    assert name == "kinorium"
    assert rows[:5] == [
        RatedRow(2, None, None, "Тихая гавань", "The Silent Harbour", 1998, 18, AT),
        RatedRow(3, None, None, "Снова лето", None, 2003, 15, MIDNIGHT + DAY),
        SkippedRow(4, "Долгая зима", 2011, "not_a_movie", reason="it is not a movie (Сериал)"),
        RatedRow(5, None, None, "Paper Boats", "Paper Boats", 2010, 12, None),
        SkippedRow(6, "Стекло", 2010, "no_rating"),
    ]
    assert isinstance(rows[5], RejectedRow)
    assert "'11'" in rows[5].reason


def test_a_byte_order_mark_and_original_titles_may_be_missing(read):
    lines = "Title,Type,Year,My rating", "Зима,Фильм,1998,9"
    name, rows = read("\n".join(lines).replace(",", "\t").encode("utf-16-le"))
    assert name == "kinorium"
    assert rows == [RatedRow(2, None, None, "Зима", None, 1998, 18, None)]


@pytest.mark.parametrize("kind", ["Video game", "Видеоигра", "Short series", "Короткометражный сериал"])
def test_video_games_and_short_series_are_not_movies(read, kind):
    _, rows = read(f"Title\tType\tYear\tMy rating\nHeat\t{kind}\t1995\t9".encode("utf-16"))
    assert [row.outcome for row in rows] == ["not_a_movie"]
