"""Recommendations over HTTP."""

from predictions.routes.conftest import RECOMMENDATIONS, list_ids, predict


def test_recommendations_are_unrated_movies_that_fit_first(member, rated):
    response = member.get(f"{RECOMMENDATIONS}?limit=100")
    assert set(list_ids(response)) == set(rated[24:])
    values = [item["prediction"]["value"] for item in response.json["items"]]
    assert sum(values[:8]) > sum(values[-8:])
    for item in response.json["items"]:
        prediction = predict(member, item["movie"]["id"])
        assert item["prediction"] == {name: prediction[name] for name in ("value", "low", "high")}


def test_recommendations_are_filtered(member, rated):
    genres = {
        item["movie"]["id"]: item["movie"]
        for item in member.get(f"{RECOMMENDATIONS}?limit=100").json["items"]
    }
    for query, passes in {
        "genre=Comedy": lambda movie: "Comedy" in movie["genres"],
        "language=fr": lambda movie: movie["language"] == "fr",
        "year_from=1986&year_to=1990": lambda movie: 1986 <= movie["year"] <= 1990,
        "genre=Comedy&language=fr&year_from=1990": lambda movie: (
            "Comedy" in movie["genres"] and movie["language"] == "fr" and movie["year"] >= 1990
        ),
        "genre=Horror": lambda _: False,
    }.items():
        ids = list_ids(member.get(f"{RECOMMENDATIONS}?limit=100&{query}"))
        assert set(ids) == {each for each, movie in genres.items() if passes(movie)}, query


def test_changed_movie_that_no_longer_passes_the_filters_is_gone_at_once(member, admin, rated):
    path = f"{RECOMMENDATIONS}?limit=100&genre=Drama"
    before = list_ids(member.get(path))
    change = admin.patch(f"/v1/movies/{before[0]}", json={"genres": ["Comedy"]}, headers={"If-Match": "*"})
    assert change.status_code == 200, change.text
    assert list_ids(member.get(path)) == before[1:]
    assert before[0] in list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))


def test_pages_of_recommendations_continue_after_changes(member, rated, problem):
    everything = list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))
    first = member.get(f"{RECOMMENDATIONS}?limit=5")
    assert list_ids(first) == everything[:5]
    cursor = first.json["next_cursor"]
    assert f"cursor={cursor}" in first.headers["Link"]
    listed = list_ids(member.get(f"{RECOMMENDATIONS}?limit=100&cursor={cursor}"))
    assert listed == everything[5:]
    assert member.get(f"{RECOMMENDATIONS}?limit=100&cursor={cursor}").json["next_cursor"] is None
    # The last movie of the page is rated: the next page has no gap.
    member.put(f"/v1/movies/{everything[4]}/rating", json={"value": 8})
    after = list_ids(member.get(f"{RECOMMENDATIONS}?limit=100&cursor={cursor}"))
    assert set(after) <= set(everything) - {everything[4]}
    problem(member.get(f"{RECOMMENDATIONS}?limit=5&genre=Drama&cursor={cursor}"), 422, "cursor")
    problem(member.get(f"{RECOMMENDATIONS}?cursor=bad"), 422, "cursor")


def test_deleted_movies_are_gone_at_once(member, admin, rated):
    everything = list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))
    reason = predict(member, everything[-1])["because"][0]["movie"]["id"]
    for movie_id in (everything[0], reason):
        path = f"/v1/movies/{movie_id}?with_ratings=true"
        assert admin.delete(path, headers={"If-Match": "*"}).status_code == 204
    first = member.get(f"{RECOMMENDATIONS}?limit=3")
    assert len(first.json["items"]) == 3
    remaining = list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))
    assert set(remaining) == set(everything[1:])
    assert member.get(f"/v1/movies/{everything[0]}/prediction").status_code == 404
    body = predict(member, everything[-1])
    assert body["based_on"] == 23
    assert reason not in [each["movie"]["id"] for each in body["because"]]
