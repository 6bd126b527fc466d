"""A merge in several transactions: what requests see while it is under way, and how it is resumed."""

import io

import pytest

from movierating.errors import NotFound
from movierating.movies import service as movies
from movierating.operations import checks
from movierating.ratings import batch, imports, merging, service
from movierating.ratings.imports import import_file
from movierating.storage.database import write

EARLY, LATE = "2020-01-01T00:00:00Z", "2024-01-01T00:00:00Z"
ONE = "tt0116191"
UNFINISHED = "merges: the merge of movie {} into movie {} is not finished"


class Killed(Exception):
    """Stands for the end of the process between two transactions."""


@pytest.fixture
def pair(add_movie):
    """The ids of a movie to merge and of the one that stays."""
    return add_movie(title="Emma", imdb_id=ONE, tmdb_id=1), add_movie(
        title="Jane Austen's Emma", imdb_id="tt0118308"
    )


def rate(user, movie_id, value, rated_at=EARLY):
    response = user.put(f"/v1/movies/{movie_id}/rating", json={"value": value, "rated_at": rated_at})
    assert response.status_code in (200, 201), response.text


def has_rating(user, movie_id):
    try:
        return bool(service.get_rating(user.id, movie_id))
    except NotFound:
        return False


@pytest.fixture
def raters(admin, sign_up, pair, monkeypatch):
    """The user whose rating of 8 is moved and the one whose rating is not, after a merge was interrupted."""
    users = [admin, sign_up()]
    for user in users:
        rate(user, pair[0], 8)
    with monkeypatch.context() as patch:
        patch.setattr(merging, "BATCH_RATINGS", 1)
        move = merging._move_ratings

        def move_once(*arguments):
            patch.setattr(merging, "_move_ratings", die)
            return move(*arguments)

        def die(*_):
            raise Killed

        patch.setattr(merging, "_move_ratings", move_once)
        with pytest.raises(Killed):
            merging.merge_movies(*pair)
    assert checks.run_checks(repair=False) == ([UNFINISHED.format(*pair)], [])
    return sorted(users, key=lambda user: has_rating(user, pair[0]))


def finish(pair):
    """Resume the merge, and return the number of ratings of the movie that stays."""
    count = merging.merge_movies(*pair).rating_count
    assert_exact()
    return count


def assert_exact():
    problems, _ = checks.run_checks(repair=False)
    # A merge may be unfinished.
    assert [line for line in problems if not line.startswith("merges: ")] == []


def get_value(user, movie_id):
    return user.get(f"/v1/movies/{movie_id}/rating").json["value"]


def test_interrupted_merge_leaves_both_movies_and_is_resumed(client, pair, raters):
    counts = [client.get(f"/v1/movies/{movie_id}").json["ratings"]["count"] for movie_id in pair]
    assert counts == [1, 1]
    assert finish(pair) == 2
    assert client.get(f"/v1/movies/{pair[0]}").status_code == 301


def test_check_finishes_an_interrupted_merge(client, pair, raters):
    assert checks.run_checks(repair=True) == ([], [f"{UNFINISHED.format(*pair)}, repaired"])
    assert client.get(f"/v1/movies/{pair[0]}").status_code == 301
    assert [get_value(user, pair[1]) for user in raters] == [8, 8]
    assert checks.run_checks(repair=False) == ([], [])


def test_new_rating_is_redirected_to_the_movie_that_stays(pair, raters):
    for user in raters:
        response = user.put(f"/v1/movies/{pair[0]}/rating", json={"value": 3})
        assert (response.status_code, response.headers["Location"]) == (308, f"/v1/movies/{pair[1]}/rating")
        rate(user, pair[1], 3, LATE)
    assert finish(pair) == 2
    assert [get_value(user, pair[1]) for user in raters] == [3, 3]


def test_changed_rating_is_redirected_even_if_its_value_stays(pair, raters):
    _, waiting = raters
    response = waiting.put(f"/v1/movies/{pair[0]}/rating", json={"value": 8, "rated_at": LATE})
    assert response.status_code == 308


def test_rating_is_read_and_deleted_by_the_former_id(pair, raters):
    moved, waiting = raters
    path = f"/v1/movies/{pair[0]}/rating"
    assert (waiting.get(path).status_code, waiting.delete(path).status_code) == (200, 204)
    for response, status in ((moved.get(path), 301), (moved.delete(path), 308)):
        assert (response.status_code, response.headers["Location"]) == (
            status,
            f"/v1/movies/{pair[1]}/rating",
        )
    assert moved.delete(f"/v1/movies/{pair[1]}/rating").status_code == 204
    assert finish(pair) == 0


@pytest.mark.parametrize("key", [{"movie_id": 1}, {"imdb_id": ONE}, {"tmdb_id": 1}], ids=str)
def test_bulk_request_rates_the_movie_that_stays(client, pair, raters, key):
    for user in raters:
        assert client.get(f"/v1/movies/{pair[1]}").json["ratings"]["histogram"][5] in (0, 1)
        body = {"ratings": [{**key, "value": 3}]}
        report = user.post("/v1/users/me/ratings", json=body).json
        assert report["not_found"] == []
        assert get_value(user, pair[1]) == 3
    assert client.get(f"/v1/movies/{pair[1]}").json["ratings"]["histogram"][5] == 2
    assert finish(pair) == 2
    assert [get_value(user, pair[1]) for user in raters] == [3, 3]


@pytest.mark.parametrize("key", [{"movie_id": 1}, {"imdb_id": ONE}, {"movie_id": 2}], ids=str)
def test_bulk_request_deletes_ratings_of_both_movies(client, pair, raters, key):
    paths = [f"/v1/movies/{movie_id}" for movie_id in pair]
    for user in raters:
        for path in paths:
            client.get(path)
        body = {"ratings": [key]}
        assert user.post("/v1/users/me/ratings/delete", json=body).json == {"deleted": 1, "not_found": []}
        assert user.post("/v1/users/me/ratings/delete", json=body).json == {"deleted": 0, "not_found": [key]}
    assert [client.get(path).json["ratings"]["count"] for path in paths] == [0, 0]
    assert finish(pair) == 0


@pytest.mark.parametrize("title", ["Emma", "Jane Austen's Emma"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_import_rates_the_movie_that_stays(pair, raters, title, dry_run):
    for user in raters:
        rows = f"title,year,value,rated_at\n{title},2000,2,{EARLY}\nEmma,2000,3,{LATE}\n"
        report = import_file(user.id, io.BytesIO(rows.encode()), dry_run=dry_run)
        assert (report.created + report.updated, report.skipped["older"], report.unmatched) == (1, 1, [])
        if not dry_run:
            assert get_value(user, pair[1]) == 3
    assert finish(pair) == 2
    assert [get_value(user, pair[1]) for user in raters] == ([8, 8] if dry_run else [3, 3])


def test_merge_into_a_third_movie_is_rejected(admin, pair, raters, add_movie, problem):
    third_id = add_movie()
    detail = f"The movie is being merged into movie {pair[1]}; finish that merge first."
    assert (
        problem(admin.post(f"/v1/movies/{pair[0]}/merge", json={"into": third_id}), 409)["detail"] == detail
    )


def test_movie_that_stays_is_merged_before_the_merge_is_resumed(client, pair, raters, add_movie):
    third_id = add_movie()
    assert merging.merge_movies(pair[1], third_id).rating_count == 1
    assert finish((pair[0], pair[1])) == 2
    for movie_id in pair:
        assert client.get(f"/v1/movies/{movie_id}").headers["Location"] == f"/v1/movies/{third_id}"


def test_movie_is_deleted_before_the_merge_is_resumed(client, pair, raters):
    service.delete_movie(pair[0], None, with_ratings=True)
    assert client.get(f"/v1/movies/{pair[0]}").status_code == 404
    assert movies.get_movie(pair[1]).rating_count == 1
    assert_exact()


def test_movie_that_stays_is_deleted_before_the_merge_is_resumed(pair, raters):
    service.delete_movie(pair[1], None, with_ratings=True)
    rate(raters[0], pair[0], 3)
    assert movies.get_movie(pair[0]).rating_count == 2
    assert_exact()


@pytest.fixture(params=["begun", "finished"])
def merge_before_write(request, pair, monkeypatch):
    """`merge_before_write(module)` begins or finishes a merge before the first write of the module."""

    def prepare(module):
        def merge_and_write(*arguments, **options):
            monkeypatch.setattr(module, "write", write)
            if request.param == "begun":
                write(lambda connection: merging._begin_merge(connection, *pair))
            else:
                merging.merge_movies(*pair)
            return write(*arguments, **options)

        monkeypatch.setattr(module, "write", merge_and_write)

    return prepare


@pytest.mark.parametrize("is_rated", [True, False])
def test_bulk_request_finds_the_movie_that_is_merged_before_it_writes(
    admin, pair, merge_before_write, is_rated
):
    if is_rated:
        rate(admin, pair[0], 8)
    merge_before_write(batch)
    report = admin.post("/v1/users/me/ratings", json={"ratings": [{"imdb_id": ONE, "value": 3}]}).json
    assert (report["created"] + report["updated"], report["not_found"]) == (1, [])
    assert get_value(admin, pair[1]) == 3
    assert_exact()


def test_bulk_request_deletes_the_rating_that_is_merged_before_it_writes(admin, pair, merge_before_write):
    rate(admin, pair[0], 8)
    merge_before_write(batch)
    body = {"ratings": [{"imdb_id": ONE}]}
    assert admin.post("/v1/users/me/ratings/delete", json=body).json == {"deleted": 1, "not_found": []}
    assert [has_rating(admin, movie_id) for movie_id in pair] == [False, False]
    assert_exact()


@pytest.mark.parametrize("is_rated", [True, False])
def test_import_finds_the_movie_that_is_merged_before_it_writes(admin, pair, merge_before_write, is_rated):
    if is_rated:
        rate(admin, pair[0], 8)
    merge_before_write(imports)
    file = io.BytesIO(f"title,year,value,rated_at\nEmma,2000,3,{LATE}\n".encode())
    report = import_file(admin.id, file, create_missing=True)
    assert (report.created + report.updated, report.unmatched) == (1, [])
    assert get_value(admin, pair[1]) == 3
    assert_exact()
