from movierating import clock
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow

AT = 1_614_816_000 * clock.SECOND


def test_films_have_french_and_original_titles(read_file):
    name, rows = read_file("senscritique.csv")
    assert name == "senscritique"
    assert rows[:3] == [
        RatedRow(2, None, None, "Le Port silencieux", "The Silent Harbour", 1998, 16, AT),
        RatedRow(3, None, None, "L'Été encore", None, 2003, 15, AT + 24 * 60 * 60 * clock.SECOND),
        RatedRow(4, None, None, "Bateaux de papier", None, 2010, 12, None),
    ]


def test_other_works_unrated_and_invalid_rows_are_not_ratings(read_file):
    _, rows = read_file("senscritique.csv")
    assert rows[3:6] == [
        SkippedRow(5, "Long hiver", 2011, "not_a_movie", reason="it is not a movie (serie)"),
        SkippedRow(6, "Le Train", 1974, "not_a_movie", reason="it is not a movie (livre)"),
        SkippedRow(7, "Le Verre", 2010, "no_rating"),
    ]
    assert isinstance(rows[6], RejectedRow)
    assert "'6.3'" in rows[6].reason


def test_a_list_of_wishes_is_rejected(reject_reason):
    reason = reject_reason("type,titre,titre_original,auteurs,sortie\n")
    assert reason == "The file is SensCritique's, but has no column “note”."
