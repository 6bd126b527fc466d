"""`/metrics`: requests and events in the format of Prometheus."""

import io

import pytest
from prometheus_client.parser import text_string_to_metric_families

import postgres
from movierating.monitoring import metrics
from movierating.monitoring.logs import RequestRecord
from movierating.operations import backup_files
from movierating.storage import database
from movierating.storage.database import read, write


@pytest.fixture
def scrape(client):
    """`scrape()` returns the samples of `/metrics`: values by name and labels."""

    def read_samples():
        response = client.get("/metrics")
        assert response.status_code == 200
        assert response.content_type == metrics.MEDIA_TYPE
        families = text_string_to_metric_families(response.text)
        return {
            (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
            for family in families
            for sample in family.samples
        }

    return read_samples


def test_events_start_at_zero(scrape):
    values = scrape()
    names = ("failed_logins", "sign_ups")
    assert [values[f"movierating_{name}_total",] for name in names] == [0, 0]
    assert [values["movierating_ratings_written_total", way] for way in ("one", "list", "upload")] == [
        0,
        0,
        0,
    ]


def test_database_size_and_time_of_the_last_backup_are_shown(scrape, member, app):
    place = database.get_base_path()
    values = scrape()
    assert values["movierating_last_backup_timestamp_seconds",] == 0
    if postgres.WANTED:
        size = read().exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    else:
        size = place.stat().st_size + place.with_name(f"{place.name}-wal").stat().st_size
    assert values["movierating_database_size_bytes",] == size > 100_000
    backup_files.record_backup_time(place, 1_700_000_000)
    assert scrape()["movierating_last_backup_timestamp_seconds",] == 1_700_000_000


def test_requests_are_counted_by_method_rule_and_status(scrape, client):
    for address in ("/v1/movies/1", "/v1/movies/2", "/v1/movies/x"):
        client.get(address)
    client.delete("/v1/movies/1")
    counted = {
        key[1:]: value for key, value in scrape().items() if key[0] == "movierating_http_requests_total"
    }
    assert counted == {
        ("GET", "/v1/movies/<id:movie_id>", "404"): 2,
        ("GET", "none", "404"): 1,
        ("DELETE", "/v1/movies/<id:movie_id>", "401"): 1,
    }


def test_latency_is_a_histogram(scrape):
    metrics.count_requests(
        RequestRecord(0, "", "GET", "/slow", 200, seconds, None) for seconds in (0.001, 0.0011, 0.3, 60)
    )
    values = scrape()
    name = "movierating_http_request_duration_seconds"
    heights = [
        values[f"{name}_bucket", bound, "GET", "/slow"]
        for bound in ("0.001", "0.0025", "0.25", "0.5", "+Inf")
    ]
    assert heights == [1, 2, 2, 3, 4]
    assert values[f"{name}_count", "GET", "/slow"] == 4
    assert values[f"{name}_sum", "GET", "/slow"] == pytest.approx(60.3021)


def test_events_are_counted(scrape, client, member, add_movie):
    address = f"/v1/movies/{add_movie()}/rating"
    for value in (8, 9):
        member.put(address, json={"value": value})
    member.put(address, json={"value": 11})
    member.put("/v1/movies/999/rating", json={"value": 8})
    account = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}
    assert client.post("/v1/users", json=account).status_code == 201
    client.post("/v1/auth/login", json={"login": "member", "password": "wrong horse battery"})
    client.post("/v1/auth/login", json={"login": "nobody", "password": "wrong horse battery"})
    values = scrape()
    assert values["movierating_failed_logins_total",] == 2
    assert values["movierating_sign_ups_total",] == 1


def test_ratings_are_counted_by_operation(scrape, member, add_movie):
    movie, other = add_movie(title="Emma", year=1996), add_movie()
    member.put(f"/v1/movies/{movie}/rating", json={"value": 8})
    ratings = [{"movie_id": each, "value": 8} for each in (movie, other, 999)]
    member.post("/v1/users/me/ratings", json={"ratings": ratings})
    for query in ("&dry_run=true", ""):
        file = (io.BytesIO(b"title,year,value\nEmma,1996,9\nNowhere,1950,3\n"), "ratings.csv")
        assert (
            member.post(f"/v1/users/me/ratings/import?on_conflict=replace{query}", data={"file": file}).json[
                "updated"
            ]
            == 1
        )
    values = scrape()
    ways = {way: values["movierating_ratings_written_total", way] for way in ("one", "list", "upload")}
    assert ways == {"one": 1, "list": 2, "upload": 1}


def test_write_waits_and_transactions_are_timed(scrape, app, add_movie):
    before = scrape()
    names = ("movierating_write_wait_seconds", "movierating_write_transaction_seconds")
    add_movie()
    with pytest.raises(ZeroDivisionError):
        write(lambda _connection: 1 // 0)
    after = scrape()
    for name in names:
        assert after[f"{name}_count",] - before[f"{name}_count",] == 2
        assert after[f"{name}_sum",] > before[f"{name}_sum",]


def test_redis_state_is_shown_if_configured(make_app, redis, scrape):
    assert ("movierating_redis_up",) not in scrape()
    app = make_app(REDIS_URL=redis.url)
    server = app.extensions["redis"]
    assert "movierating_redis_up 1.0" in app.test_client().get("/metrics").text
    with redis.gone():
        assert "movierating_redis_up 0.0" in app.test_client().get("/metrics").text
        server.close()


TOKEN = "0123456789abcdef"


@pytest.fixture
def protected(make_app):
    """A client of a service whose metrics need a token."""
    return make_app(METRICS_TOKEN=TOKEN).test_client()


@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"]
)
def test_metrics_can_require_a_token(protected, problem, sent):
    problem(protected.get("/metrics", headers={"Authorization": sent} if sent is not None else {}), 401)


def test_metrics_token_gives_access(protected):
    assert protected.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_secrets_are_not_shown(scrape, client, member, sign_up):
    client.post("/v1/auth/login", json={"login": "member@example.org", "password": "wrong horse battery"})
    client.get("/v1/users/me?token=secret")
    for address in ("/metrics", "/readyz", "/healthz"):
        text = client.get(address).text
        assert not any(word in text for word in ("example.org", "horse", "secret", "member", "sqlite"))


def test_clients_cannot_create_metric_series(scrape, client):
    for number in range(3):
        client.open(f"/nowhere/{number}", method=f"BREW{number}")
    counted = [key[1:] for key in scrape() if key[0] == "movierating_http_requests_total"]
    assert counted == [("other", "none", "404")]


def test_unreadable_counters_return_503(client, problem, tmp_path):
    (tmp_path / "instance" / "metrics.sqlite3").unlink(missing_ok=True)
    (tmp_path / "instance" / "metrics.sqlite3").mkdir()
    problem(client.get("/metrics"), 503)
    assert client.get("/healthz").status_code == 200
