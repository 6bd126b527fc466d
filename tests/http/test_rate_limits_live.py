"""Rate limits of a running service with two workers."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

PASSWORD = "correct horse battery"


@pytest.mark.parametrize("storage", ["instance folder", "Redis"])
def test_workers_share_limits(serve, copied, empty_instance, use_redis, tmp_path, storage, eventually):
    folder = copied(empty_instance, tmp_path / "one" / "instance")
    settings = {"RATELIMIT_ENABLED": "true", "LIMIT_SIGNUPS": "3/hour", "TRUSTED_PROXIES": "1"}
    url = serve(folder, workers=2, **settings, **use_redis(storage)).url
    numbers = count(1)

    def post(path, body, number):
        """Post as the client with this number, on a new connection, which either worker may accept."""
        headers = {"Content-Type": "application/json", "X-Forwarded-For": f"192.0.2.{number}"}
        try:
            with urlopen(Request(url + path, json.dumps(body).encode(), headers), timeout=30) as response:
                return response.status
        except HTTPError as error:
            with error:
                return error.code

    def sign_up_often():
        number = next(numbers)
        names = [f"ada{number}-{each}" for each in range(4)]
        accounts = [
            {"username": name, "email": f"{name}@example.org", "password": PASSWORD} for name in names
        ]
        return [post("/v1/users", account, number) for account in accounts]

    def count_failures():
        number = next(numbers)
        wrong = {"login": f"ada{number}", "password": "wrong"}
        with ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(lambda _: post("/v1/auth/login", wrong, number), range(12)))
        return statuses.count(401), statuses.count(429)

    # A worker counts for itself while the storage does not respond, as may happen on a busy machine.
    eventually(lambda: sign_up_often() == [201] * 3 + [429])
    eventually(lambda: count_failures() == (5, 7))
