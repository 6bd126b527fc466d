"""Notices on the pages of an import while the first start is still adding the bundled movies."""

from pages.import_file.forms import HEAT, check, read_counts, run, send

FILE = HEAT + ",Emma,1996,7\n"
STILL, WERE = (
    "Movies are still being added to the catalogue.",
    "Movies were still being added to the catalogue.",
)


def test_check_says_that_movies_are_still_being_added(ada, heat, finish_loading):
    page = check(ada, FILE)
    assert STILL in page.text
    finish_loading()
    again = send(ada, page, "check")
    assert read_counts(again)["unmatched"] == 1
    assert STILL not in again.text


def test_report_says_that_movies_were_still_being_added(ada, heat, finish_loading, get_own):
    done = run(ada, check(ada, FILE))
    assert WERE in done.text
    assert get_own() == {"Heat": 9}
    finish_loading()
    assert WERE in ada.get(done.request.full_path).text
    again = run(ada, check(ada, FILE))
    assert (read_counts(again)["same"], WERE in again.text) == (1, False)


def test_file_of_which_each_movie_is_there_gets_no_notice(ada, heat, finish_loading):
    page = check(ada, HEAT)
    assert STILL not in page.text
    assert WERE not in run(ada, page).text
