"""The values of own ratings."""

from movierating.ratings.own_values import list_own_values


def test_only_rated_movies_of_this_user_are_returned(member, admin, add_movie):
    rated, other, unrated = add_movie(), add_movie(), add_movie()
    member.put(f"/v1/movies/{rated}/rating", json={"value": 8.5})
    admin.put(f"/v1/movies/{other}/rating", json={"value": 3})
    assert list_own_values(member.id, [rated, other, unrated]) == {rated: 17}
    assert list_own_values(member.id, []) == {}
