"""The ratings of two users compared."""

from movierating.users import comparison


def test_differences_are_counted_and_sorted(member, admin, add_movie):
    for own, other in ((7, 7), (7, 8), (9, 2.5)):
        movie = add_movie()
        member.put(f"/v1/movies/{movie}/rating", json={"value": own})
        admin.put(f"/v1/movies/{movie}/rating", json={"value": other})
    member.put(f"/v1/movies/{add_movie()}/rating", json={"value": 1})
    result = comparison.compare_users(member.id, admin.id, 2)
    assert (result.count, result.total, result.equal) == (3, 15, 1)
    assert result.mean_difference == 2.5
    assert [(row.own_value, row.other_value) for row in result.rows] == [(18, 5), (14, 16)]


def test_users_without_a_movie_in_common_have_an_empty_comparison(member, admin):
    assert comparison.compare_users(member.id, admin.id, 2) == comparison.Comparison(0, 0, 0, [])
