"""Rate one movie after another."""

from movierating.pages.rate_next import UPCOMING


def test_most_rated_movie_comes_first_until_it_is_rated_or_skipped(browse, add_movie, rate):
    movies = [add_movie(title=f"Movie {number}") for number in range(3)]
    rate(browse("bob"), movies[1], 5)
    browser = browse("ada")
    assert "<h1><cite>Movie 1</cite>" in browser.get("/rate").text
    assert browser.post("/rate/skip", data={"movie": movies[1]}).headers["Location"] == "/rate"
    assert "<h1><cite>Movie 2</cite>" in browser.get("/rate").text
    rate(browser, movies[2], 7)
    text = browser.get("/rate").text
    assert "<h1><cite>Movie 0</cite>" in text
    assert "1 rated so far" in text


def test_everything_rated_says_so(browse):
    assert "You have rated or skipped every movie." in browse("ada").get("/rate").text


def test_skipping_a_movie_that_was_deleted_meanwhile_leads_to_the_next(browse):
    response = browse("ada").post("/rate/skip", data={"movie": "77"})
    assert (response.status_code, response.headers["Location"]) == (303, "/rate")


def test_skipping_a_movie_that_was_merged_meanwhile_skips_the_one_that_stays(browse, admin, add_movie):
    movie, into = add_movie(), add_movie()
    assert admin.post(f"/v1/movies/{movie}/merge", json={"into": into}).status_code == 200
    browser = browse("ada")
    assert browser.post("/rate/skip", data={"movie": movie}).headers["Location"] == "/rate"
    assert "You have rated or skipped every movie." in browser.get("/rate").text


def test_upcoming_movies_are_shown(browse, add_movie):
    for _ in range(UPCOMING + 2):
        add_movie()
    assert browse("ada").get("/rate").text.count("<li>") == UPCOMING
