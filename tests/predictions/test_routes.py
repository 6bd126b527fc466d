"""The calls of predictions: values, reasons instead of values, freshness, and who is named."""

import zlib
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select, update

from movierating.auth.models import User
from movierating.movies.models import DataMigration, Movie
from movierating.predictions import model_store, tastes
from movierating.predictions.taste_matches import MAX_NAMED_MOVIES
from movierating.ratings.models import Rating
from movierating.storage.database import read, write
from predictions import instances

RECOMMENDATIONS, MATCHES = "/v1/users/me/recommendations", "/v1/users/me/taste-matches"


@pytest.fixture
def app(trained_template, copied, make_app, tmp_path):
    """The application on a database with users, movies and ratings, and with a model, in its context."""
    copied(trained_template, tmp_path / "instance")
    app = make_app()
    with app.app_context():
        yield app


@pytest.fixture
def movie_ids(app):
    """Return the ids of all movies."""
    return sorted(read().scalars(select(Movie.id)))


@pytest.fixture
def user_ids(app):
    """Return the ids of the users of the template."""
    return sorted(read().scalars(select(User.id)))[: instances.USERS]


@pytest.fixture
def files(app):
    """Return the paths of the model and of its people."""
    folder = app.config["INSTANCE_PATH"]
    model = model_store.find_model(read())
    return model_store.get_model_path(folder), model_store.get_people_path(folder, model.version)


@pytest.fixture
def rated(member, movie_ids):
    """The member has rated the first 24 of the movies, as a user who loves comedies; return all movies' ids."""
    instances.rate(member.id, movie_ids[:24], loves_comedies=True)
    return movie_ids


def predict(user, movie_id):
    response = user.get(f"/v1/movies/{movie_id}/prediction")
    assert response.status_code == 200, response.text
    return response.json


def list_ids(response):
    assert response.status_code == 200, response.text
    return [item["movie"]["id"] for item in response.json["items"]]


def test_prediction_has_a_value_an_interval_and_reasons(member, rated):
    comedy, drama = predict(member, rated[25]), predict(member, rated[26])
    assert drama["value"] + 2 < comedy["value"]
    for body in (comedy, drama):
        assert 0.5 <= body["low"] <= body["value"] <= body["high"] <= 10
        assert body["coverage"] == 0.8
        assert body["based_on"] == 24
        assert 1 <= len(body["because"]) <= 2
        assert {reason["movie"]["id"] for reason in body["because"]} <= set(rated[:24])
        assert body["model"]["ratings"] == instances.USERS * 25
        assert datetime.fromisoformat(body["model"]["trained_at"]) <= datetime.now(UTC)
        assert "reason" not in body


def test_rating_of_the_movie_itself_does_not_count(member, rated):
    before = predict(member, rated[30])
    member.put(f"/v1/movies/{rated[30]}/rating", json={"value": 0.5})
    assert predict(member, rated[30]) == before


def test_new_rating_counts_in_the_next_prediction_and_recommendation(member, rated):
    path = f"/v1/movies/{rated[30]}/prediction"
    before, tag = predict(member, rated[30]), member.get(path).headers["ETag"]
    assert member.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert rated[29] in list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))
    member.put(f"/v1/movies/{rated[29]}/rating", json={"value": 10})
    assert predict(member, rated[30]) != before
    assert member.get(path, headers={"If-None-Match": tag}).status_code == 200
    assert rated[29] not in list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))
    member.delete(f"/v1/movies/{rated[29]}/rating")
    assert predict(member, rated[30]) == before


@pytest.fixture
def few_used(monkeypatch):
    """Let tastes follow from the newest 10 ratings."""
    monkeypatch.setattr(tastes, "MAX_RATINGS", 10)


@pytest.mark.usefixtures("few_used")
def test_prediction_follows_from_the_newest_ratings(member, rated):
    body = predict(member, rated[30])
    assert body["based_on"] == 10
    assert {reason["movie"]["id"] for reason in body["because"]} <= {*rated[14:24]}
    member.put(f"/v1/movies/{rated[3]}/rating", json={"value": 0.5})
    assert predict(member, rated[30]) != body
    # Without the rating of the movie itself, ten others are left.
    assert predict(member, rated[3])["based_on"] == 10


@pytest.mark.usefixtures("few_used")
def test_old_ratings_count_wherever_no_taste_is_asked_for(member, rated, user_ids):
    assert set(list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))) == {*rated[24:]}
    member.delete(f"/v1/movies/{rated[2]}/rating")
    assert set(list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))) == {rated[2], *rated[24:]}
    body = member.get(f"/v1/users/{user_ids[0]}/taste-match").json
    assert body["common"] == len(_list_common(user_ids[0], [*rated[:2], *rated[3:24]])) > 10


def test_movie_that_nobody_rated_is_predicted_from_its_facts(member, rated, add_movie):
    comedy, drama = (add_movie(genres=[genre], directors=["Director 1"]) for genre in ("Comedy", "Drama"))
    assert predict(member, drama)["value"] < predict(member, comedy)["value"]
    assert predict(member, add_movie(year=1870))["value"] is not None


def test_few_ratings_give_a_reason_and_how_many_are_needed(member, movie_ids):
    instances.rate(member.id, movie_ids[:2], loves_comedies=True)
    body = predict(member, movie_ids[5])
    assert (body["value"], body["reason"], body["needed"]) == (None, "not_enough_ratings", 3)
    assert body["based_on"] == 0
    for path in (RECOMMENDATIONS, MATCHES):
        expected = {"items": [], "next_cursor": None, "reason": "not_enough_ratings", "needed": 3}
        assert member.get(path).json == expected
    instances.rate(member.id, movie_ids[:5], loves_comedies=True)
    assert predict(member, movie_ids[5])["value"] is not None


def test_no_predictions_if_they_are_off(make_app, member, rated):
    client = make_app(PREDICTIONS="off").test_client()
    response = client.get(f"/v1/movies/{rated[30]}/prediction", headers=member.headers)
    assert (response.json["reason"], response.json["based_on"]) == ("no_model", 0)
    assert "movierating_prediction" not in client.get("/metrics").text


def test_metrics_have_the_age_of_a_model_and_the_ratings_behind_without_one(member, files):
    def read_gauges():
        lines = member.get("/metrics").text.splitlines()
        return dict(line.split(" ") for line in lines if line.startswith("movierating_prediction_"))

    everything = {
        f"movierating_prediction_{name}"
        for name in ("model_age_seconds", "ratings_behind", "training_seconds")
    }
    gauges = read_gauges()
    assert gauges.keys() == everything
    assert gauges["movierating_prediction_ratings_behind"] == "0.0"
    files[0].unlink()
    assert read_gauges() == {"movierating_prediction_ratings_behind": f"{instances.USERS * 25}.0"}
    assert "movierating_failed_trainings_total 0.0" in member.get("/metrics").text


def _truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _damage(path):
    content = bytearray(path.read_bytes())
    content[30] ^= 1
    path.write_bytes(content)


def _rename_field(path):
    lines = path.read_bytes().split(b"\n", 3)
    lines[1] = lines[1].replace(b'"version"', b'"edition"')
    lines[2] = b"%08x" % zlib.crc32(lines[1])
    path.write_bytes(b"\n".join(lines))


CHANGES = {
    "removed": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "truncated": _truncate,
    "damaged": _damage,
    "with another header": _rename_field,
    "not readable as a file": lambda path: (path.unlink(), path.mkdir()),
    "of another version": lambda path: path.write_bytes(b"movierating arrays 0\n" + path.read_bytes()[21:]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_unusable_file_gives_a_reason_until_a_model_is_trained(app, member, rated, files, change):
    expected = predict(member, rated[30])
    for path in files:
        # A file is replaced, never changed: others may have it mapped.
        copy = path.with_suffix(".copy")
        copy.write_bytes(path.read_bytes())
        change(copy)
        path.unlink()
        if copy.exists():
            copy.replace(path)
    for path in (RECOMMENDATIONS, MATCHES, f"/v1/users/{member.id}/taste-match"):
        assert member.get(path).json["reason"] == "no_model"
    assert predict(member, rated[30])["reason"] == "no_model"
    assert member.get("/metrics").status_code == 200
    for path in files:
        if path.is_dir():
            path.rmdir()
    instances.train(app)
    assert predict(member, rated[30])["value"] == pytest.approx(expected["value"], abs=0.5)


def test_people_file_that_is_lost_affects_only_the_nearest_people(member, rated, files):
    assert member.get(MATCHES).json["items"]
    files[1].unlink()
    assert member.get(MATCHES).json == {"items": [], "next_cursor": None, "reason": "no_model"}
    assert predict(member, rated[30])["value"] is not None


def test_model_of_another_database_is_not_used(member, rated):
    write(lambda connection: connection.execute(update(DataMigration).values(reached_at=7)))
    assert predict(member, rated[30])["reason"] == "no_model"
    write(lambda connection: connection.execute(delete(DataMigration)))
    assert predict(member, rated[30])["reason"] == "no_model"


def test_replaced_model_is_used_at_once(app, member, rated):
    before = predict(member, rated[30])["model"]
    instances.train(app, cold=False)
    after = predict(member, rated[30])["model"]
    assert after["trained_at"] > before["trained_at"]
    assert after["ratings"] == before["ratings"] + 24


def test_reused_ids_are_not_mistaken(member, rated, movie_ids):
    """After a restore, other movies and users may get ids that the model knows."""
    known = predict(member, movie_ids[30])
    later = {"created_at": 2**52}
    movies = update(Movie).where(Movie.id == movie_ids[30]).values(later)
    write(lambda connection: connection.execute(movies))
    assert predict(member, movie_ids[30]) != known
    nearest = member.get(MATCHES).json["items"][0]["user"]["id"]
    write(lambda connection: connection.execute(update(User).where(User.id == nearest).values(later)))
    assert nearest not in [item["user"]["id"] for item in member.get(MATCHES).json["items"]]


def test_movies_with_reused_ids_are_neither_recommended_nor_a_part_of_the_taste(app, member, rated):
    # No candidates of this model are cached.
    instances.train(app)
    before = predict(member, rated[30])
    reason = before["because"][0]["movie"]["id"]
    later = update(Movie).where(Movie.id.in_([rated[31], reason])).values(created_at=2**52)
    write(lambda connection: connection.execute(later))
    after = predict(member, rated[30])
    assert after["based_on"] == 23
    assert reason not in [each["movie"]["id"] for each in after["because"]]
    assert set(list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))) == {*rated[24:]} - {rated[31]}


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


def test_taste_match_compares_two_people(member, rated, user_ids):
    alike, other = (member.get(f"/v1/users/{user_ids[place]}/taste-match").json for place in (0, 1))
    assert -1 <= other["match"] < alike["match"] <= 1
    assert alike["common"] == len(_list_common(user_ids[0], rated[:24]))
    assert 1 <= len(alike["agree"]) <= MAX_NAMED_MOVIES
    assert all(abs(each["mine"] - each["theirs"]) <= 1 for each in alike["agree"])
    assert all(abs(each["mine"] - each["theirs"]) >= 2 for each in other["differ"])
    assert alike["agree"][0]["movie"]["title"].startswith("Film")


def test_needed_is_the_number_of_ratings_that_the_caller_lacks(member, movie_ids, user_ids):
    """The user `user_ids[0]` has enough ratings."""
    path = f"/v1/users/{user_ids[0]}/taste-match"
    instances.rate(member.id, movie_ids[:2], loves_comedies=True)
    body = member.get(path).json
    assert (body["match"], body["reason"], body["needed"]) == (None, "not_enough_ratings", 3)
    instances.rate(member.id, movie_ids[:5], loves_comedies=True)
    assert member.get(path).json["match"] is not None
    few = delete(Rating).where(Rating.user_id == user_ids[0], Rating.movie_id > movie_ids[3])
    write(lambda connection: connection.execute(few))
    body = member.get(path).json
    assert (body["match"], body["reason"]) == (None, "not_enough_ratings")
    assert "needed" not in body


def _list_common(user_id, movie_ids):
    chosen = Rating.user_id == user_id, Rating.movie_id.in_(movie_ids)
    return read().execute(Rating.__table__.select().where(*chosen)).all()


@pytest.mark.usefixtures("rated")
def test_users_who_opted_out_or_left_are_never_named(member, admin, user_ids):
    named = [item["user"]["id"] for item in member.get(MATCHES).json["items"]]
    assert named
    assert set(named) <= set(user_ids)
    assert member.get(f"/v1/users/{named[0]}/taste-match").status_code == 200
    hidden = update(User).where(User.id == named[0]).values(listed=False)
    write(lambda connection: connection.execute(hidden))
    admin.patch(f"/v1/users/{named[1]}", json={"active": False})
    remaining = [item["user"]["id"] for item in member.get(MATCHES).json["items"]]
    assert remaining == named[2:]
    assert [member.get(f"/v1/users/{each}/taste-match").status_code for each in named[:2]] == [404, 404]


def test_nearest_people_are_paginated_and_exclude_the_caller(app, member, rated, problem):
    instances.train(app)
    everyone = member.get(f"{MATCHES}?limit=100").json["items"]
    assert member.id not in [item["user"]["id"] for item in everyone]
    matches = [item["match"] for item in everyone]
    assert matches == sorted(matches, reverse=True)
    first = member.get(f"{MATCHES}?limit=2").json
    second = member.get(f"{MATCHES}?limit=100&cursor={first['next_cursor']}").json
    assert first["items"] + second["items"] == everyone
    problem(member.get(f"{MATCHES}?cursor=bad"), 422, "cursor")


def test_requests_without_a_token_are_rejected(client, problem):
    for path in ("/v1/movies/1/prediction", RECOMMENDATIONS, MATCHES, "/v1/users/1/taste-match"):
        problem(client.get(path), 401)
