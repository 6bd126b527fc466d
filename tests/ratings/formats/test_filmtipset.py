from movierating import clock
from movierating.ratings.formats.rows import RatedRow, RejectedRow, SkippedRow

AT = 1_236_124_800 * clock.SECOND


def test_five_points_are_ten_and_numbers_are_imdb_ids(read_file):
    name, rows = read_file("filmtipset.csv")
    assert name == "filmtipset"
    assert rows[0] == RatedRow(2, "tt7000001", None, "Den tysta hamnen", None, None, 20, AT)
    assert (rows[1].imdb_id, rows[1].value) == ("tt0000094", 12)


def test_minus_one_and_blanks_are_not_imdb_ids(read_file):
    _, rows = read_file("filmtipset.csv")
    assert [row[1:7] for row in rows[2:4]] == [
        (None, None, "Båtar av papper", None, None, 16),
        (None, None, "Hus; hem", None, None, 4),
    ]
    assert (rows[4].imdb_id, rows[4].rated_at) == ("tt7000005", None)


def test_unrated_and_invalid_rows_are_not_ratings(read_file):
    _, rows = read_file("filmtipset.csv")
    assert rows[5:7] == [SkippedRow(7, "Glas", None, "no_rating"), SkippedRow(8, "Sten", None, "no_rating")]
    assert isinstance(rows[7], RejectedRow)
    assert "'6'" in rows[7].reason


def test_a_file_without_scores_is_rejected(reject_reason):
    reason = reject_reason("VoteDate;MovieTitle;IMDB\n")
    assert reason == "The file is Filmtipset's, but has no column “Score”."
