"""A person's page and ratings."""

import re

import pytest


def test_profile_shows_plots_and_ratings(browse, add_movie, rate):
    browser = browse("ada")
    for number in range(6):
        movie = add_movie(title=f"Movie {number}", year=1990 + number, genres=["Drama"])
        rate(browser, movie, number + 1)
    text = browse().get("/people/ada").text
    assert re.findall(r'<th scope="row">(\w+)</th><td><svg', text.replace("\n", "")) == ["1990s", "Drama"]
    assert "the 1990s" in text
    assert "movies rated each month" in text
    assert 'href="/people/ada/ratings"' in text


def test_plots_of_one_month_and_one_year_name_it_once(browse, add_movie, rate):
    browser = browse("ada")
    for _ in range(2):
        rate(browser, add_movie(year=1990), 5)
    ends = re.findall(r'<div class="ends" aria-hidden="true">(.*?)</div>', browser.get("/people/ada").text)
    months, years = (re.findall(r"<span>(?:<time[^>]*>)?([\d-]+)<", each) for each in ends)
    assert (len(months), years) == (1, ["1990"])


def test_own_profile_without_ratings_says_where_to_begin(browse):
    assert "Rate movies you know" in browse("ada").get("/people/ada").text
    assert "Rate movies you know" not in browse().get("/people/ada").text


def test_username_is_found_in_any_letter_case(browse):
    browse("ada")
    assert browse().get("/people/ADA").status_code == 200


def test_unknown_and_deactivated_people_are_404(browse, admin, sign_up):
    ada = sign_up("ada")
    assert admin.patch(f"/v1/users/{ada.id}", json={"active": False}).status_code == 200
    for name in ("ada", "nobody", "é" * 100, "a%00b", "%ff"):
        assert browse().get(f"/people/{name}").status_code == 404
        assert browse().get(f"/people/{name}/ratings").status_code == 404


def test_ratings_are_sorted_and_filtered(browse, add_movie, rate):
    browser = browse("ada")
    for title, value in (("A", 4), ("B", 9), ("C", 6)):
        rate(browser, add_movie(title=title), value)
    text = browser.get("/people/ada/ratings?sort=-value&min_value=5&max_value=&genre=").text
    assert re.findall(r"<cite>(\w)</cite>", text) == ["B", "C"]


@pytest.mark.parametrize("query", ["sort=x", "min_value=11", "genre=Nonsense", "cursor=x"])
def test_bad_filter_of_ratings_is_explained(browse, query):
    browse("ada")
    response = browse().get(f"/people/ada/ratings?{query}")
    assert response.status_code == 422
    assert 'class="problem"' in response.text


def test_profile_says_if_no_rating_has_a_possible_time(browse, add_movie, sign_up):
    user, movie_id = sign_up("ada"), add_movie()
    rating = {"value": 8, "rated_at": "0001-01-01T00:00:00Z"}
    assert user.put(f"/v1/movies/{movie_id}/rating", json=rating).status_code == 201
    response = browse().get("/people/ada")
    assert response.status_code == 200
    assert "The ratings have no usable dates." in response.text
