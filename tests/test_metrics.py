"""/metrics: requests and events as Prometheus reads them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from movierating import database, last_backup, metrics
from movierating.logs import Answered


@pytest.fixture
def scrape(client):
    """A function that reads /metrics: (name, labels) -> value."""

    def read():
        answer = client.get("/metrics")
        assert answer.status_code == 200
        assert answer.content_type == metrics.MEDIA_TYPE
        families = text_string_to_metric_families(answer.text)
        return {
            (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
            for family in families
            for sample in family.samples
        }

    return read


def test_events_start_at_zero(scrape):
    values = scrape()
    assert [values[key] for key in values if len(key) == 1 and key[0].endswith("_total")] == [0, 0, 0]


def test_the_database_and_its_backup_are_shown_as_they_are(scrape, member, app):
    file = database.file()
    values = scrape()
    assert values["movierating_last_backup_timestamp_seconds",] == 0
    log = file.with_name(f"{file.name}-wal")
    assert values["movierating_database_size_bytes",] == file.stat().st_size + log.stat().st_size > 100_000
    last_backup.note(file, 1_700_000_000)
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
    metrics.count_answers(
        Answered(0, "", "GET", "/slow", 200, seconds, None) for seconds in (0.001, 0.0011, 0.3, 60)
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
    client.post("/v1/auth/login", json={"login": "member", "password": "wrong horse battery"})
    client.post("/v1/auth/login", json={"login": "nobody", "password": "wrong horse battery"})
    values = scrape()
    assert values["movierating_ratings_written_total",] == 2
    assert values["movierating_failed_logins_total",] == 2
    assert values["movierating_sign_ups_total",] == 1


def test_a_client_makes_no_series(scrape, client):
    for number in range(3):
        client.open(f"/nowhere/{number}", method=f"BREW{number}")
    counted = [key[1:] for key in scrape() if key[0] == "movierating_http_requests_total"]
    assert counted == [("other", "none", "404")]


def test_counts_that_cannot_be_read_are_said(client, problem, tmp_path):
    (tmp_path / "instance" / "metrics.sqlite3").unlink(missing_ok=True)
    (tmp_path / "instance" / "metrics.sqlite3").mkdir()
    problem(client.get("/metrics"), 503)
    assert client.get("/healthz").status_code == 200
