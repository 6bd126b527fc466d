"""Two people compared."""

import re


def test_movies_in_common_are_shown_with_the_largest_difference_first(browse, add_movie, rate):
    ada, bob = browse("ada"), browse("bob")
    same, near, far, own = (add_movie(title=title) for title in ("Same", "Near", "Far", "Own"))
    for movie, values in {same: (7, 7), near: (7, 8), far: (9, 2.5)}.items():
        for browser, value in zip((ada, bob), values, strict=True):
            rate(browser, movie, value)
    rate(ada, own, 5)
    text = browse().get("/people/ADA/with/bob").text
    assert re.findall(r"<cite>(\w+)</cite>", text) == ["Far", "Near", "Same"]
    assert re.findall(r'<b class="o\w+"><span class="vh">\w+ </span>([\d.]+)</b>', text) == [
        "9",
        "2.5",
        "7",
        "8",
        "7",
        "7",
    ]
    assert re.findall(r"<dd>([\d.]+)</dd>", text) == ["3", "2.5", "1"]


def test_number_of_movies_shown_is_limited(browse, add_movie, rate, monkeypatch):
    monkeypatch.setattr("movierating.pages.compare.MOVIES_SHOWN", 1)
    ada, bob = browse("ada"), browse("bob")
    for _ in range(2):
        movie = add_movie()
        rate(ada, movie, 3)
        rate(bob, movie, 10)
    text = ada.get("/people/ada/with/bob").text
    assert text.count('<b class="own">') == 1
    assert "And 1 more, with no larger differences." in text


def test_people_without_a_movie_in_common_are_told_so(browse, add_movie, rate):
    ada, bob = browse("ada"), browse("bob")
    rate(ada, add_movie(), 3)
    rate(bob, add_movie(), 3)
    assert "No movie in common." in browse().get("/people/ada/with/bob").text
    assert "Rate movies you know" in ada.get("/people/ada/with/bob").text


def test_unknown_and_deactivated_people_are_404(browse, admin, sign_up):
    browse("ada")
    bob = sign_up("bob")
    admin.patch(f"/v1/users/{bob.id}", json={"active": False})
    for path in ("ada/with/bob", "bob/with/ada", "ada/with/nobody", "ada/with/a%00b"):
        assert browse().get(f"/people/{path}").status_code == 404


def test_person_compared_with_themselves_is_the_profile(browse):
    assert browse("ada").get("/people/ada/with/ADA").headers["Location"] == "/people/ada"


def test_comparison_is_linked_from_the_profile_of_another(browse):
    ada = browse("ada")
    browse("bob")
    assert 'href="/people/ada/with/bob"' in ada.get("/people/bob").text
    for browser, path in ((ada, "/people/ada"), (browse(), "/people/bob")):
        assert "/with/" not in browser.get(path).text
