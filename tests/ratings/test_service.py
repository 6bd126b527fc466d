"""The service functions of ratings, and the aggregates that they update."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from movierating.auth.models import User
from movierating.errors import Conflict, Unauthenticated
from movierating.movies import movie_json
from movierating.movies import service as movies
from movierating.ratings import recount, service
from movierating.ratings.models import Rating
from movierating.ratings.schemas import MovieRatingSchema, RatingResultSchema, RatingSchema
from movierating.storage.database import read, write
from movierating.users import rating_history
from movierating.users.schemas import RatedMovieSchema

MOMENT = 1_704_067_200_000_000


def sums_of(movie_id):
    return movie_json.serialize_movie(movies.get_movie(movie_id))["ratings"]


def test_rate_movie_returns_what_is_stored(add_user, add_movie):
    user_id, movie_id = add_user("ada"), add_movie()
    for value, rated_at, expect_new in ((17, MOMENT, True), (3, None, False)):
        rating, is_new = service.rate_movie(user_id, movie_id, value, rated_at)
        assert is_new == expect_new
        assert rating == {**service.get_rating(user_id, movie_id), "ratings": sums_of(movie_id)}


def test_unchanged_rating_writes_nothing(add_user, add_movie):
    user_id, movie_id = add_user("ada"), add_movie()
    rating, _ = service.rate_movie(user_id, movie_id, 17, MOMENT)
    before = movies.get_movie(movie_id)
    for rated_at in (None, MOMENT):
        assert service.rate_movie(user_id, movie_id, 17, rated_at) == (rating, False)
    assert movies.get_movie(movie_id) == before


@pytest.mark.parametrize(("value", "rated_at"), [(17, MOMENT + 1), (16, MOMENT), (16, None)])
def test_changing_a_rating_is_not_an_edit_of_the_movie(add_user, add_movie, value, rated_at):
    user_id, movie_id = add_user("ada"), add_movie()
    service.rate_movie(user_id, movie_id, 17, MOMENT)
    before = movies.get_movie(movie_id)
    service.rate_movie(user_id, movie_id, value, rated_at)
    after = movies.get_movie(movie_id)
    assert (after.edit, after.updated_at) == (before.edit, before.updated_at)


def test_account_deleted_meanwhile_rates_nothing(add_user, add_movie):
    movie_id = add_movie()
    with pytest.raises(Unauthenticated):
        service.rate_movie(add_user("ada") + 1, movie_id, 17, None)
    assert sums_of(movie_id)["count"] == 0
    assert read().execute(select(Rating)).all() == []


@pytest.mark.parametrize("values", [[0], [21], [-1], [17, 17]])
def test_database_rejects_values_off_the_scale_and_second_ratings(add_user, add_movie, values):
    row = {"user_id": add_user("ada"), "movie_id": add_movie()}
    row |= {"rated_at": MOMENT, "created_at": MOMENT, "updated_at": MOMENT}
    rows = [{**row, "value": value} for value in values]
    with pytest.raises(IntegrityError):
        write(lambda connection: connection.execute(insert(Rating), rows))


def test_rejected_deletion_of_a_rated_movie_changes_nothing(add_user, add_movie):
    user_id, movie_id = add_user("ada"), add_movie(genres=["Drama"])
    service.rate_movie(user_id, movie_id, 17, None)
    before = movies.get_movie(movie_id)
    with pytest.raises(Conflict):
        service.delete_movie(movie_id, None, with_ratings=False)
    assert movies.get_movie(movie_id) == before
    assert service.get_rating(user_id, movie_id)["value"] == 8.5


def test_deleted_movies_and_ratings_are_subtracted_from_all_aggregates(add_user, add_movie):
    users, remaining, deleted = (
        [add_user("ada"), add_user("bob")],
        add_movie(genres=["Drama"]),
        add_movie(genres=["Drama"]),
    )
    for value, user_id in enumerate(users, 10):
        for movie_id in (remaining, deleted):
            service.rate_movie(user_id, movie_id, value, None)
    service.delete_movie(deleted, None, with_ratings=True)
    assert read().scalars(select(User.rating_sum)).all() == [10, 11]
    write(lambda connection: service.delete_all_ratings(connection, users[0]))
    assert (sums_of(remaining)["count"], sums_of(remaining)["mean"]) == (1, 5.5)
    assert write(recount.find_mismatches) == []


@given(
    value=st.integers(1, 20),
    moments=st.tuples(*[st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)] * 3),
    text=st.text(max_size=20),
)
def test_a_rating_is_shown_as_the_schema_describes_it(value, moments, text):
    stored = dict(zip(("value", "rated_at", "created_at", "updated_at"), (value, *moments), strict=True))
    shown = service.serialize_rating(**stored)
    assert orjson.dumps(shown) == orjson.dumps(RatingSchema().dump(stored))
    user = {"id": 7, "username": text, "display_name": text}
    dumped = MovieRatingSchema().dump({**stored, "user": user})
    assert dumped == {**shown, "user": user}
    assert orjson.dumps(dumped) == orjson.dumps({**shown, "user": user})


def test_lists_of_ratings_have_the_fields_that_the_schemas_describe(add_user, add_movie):
    user_id, movie_id = add_user("ada"), add_movie()
    rating, _ = service.rate_movie(user_id, movie_id, 17, None)
    assert list(rating) == list(RatingResultSchema().fields)
    [item], _ = service.list_ratings_for_movie(movie_id, None, 20)
    # `my_rating` is added on request.
    assert item.keys() == MovieRatingSchema().fields.keys() - {"my_rating"}
    assert item["user"].keys() == MovieRatingSchema().fields["user"].schema.fields.keys()
    [item], _ = rating_history.list_ratings_by_user(user_id, {}, "-rated_at", None, 20)
    assert item.keys() == RatedMovieSchema().fields.keys()
    movie = orjson.loads(orjson.dumps(item["movie"]))
    assert list(movie) == list(RatedMovieSchema().fields["movie"].schema.fields)
