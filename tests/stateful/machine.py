"""The state machine without rules: it sends requests and compares the service with the model."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from werkzeug.test import TestResponse

from movierating.operations import checks
from movierating.storage import database
from stateful.model import Account, Credential, Model, Movie, aggregate, score

T = TypeVar("T")

PASSWORDS = ("correct horse battery", "otters play at dusk")


def draw(get_items: Callable[[Any], Sequence[T]], is_likely: Callable[[T], bool]) -> st.SearchStrategy[T]:
    """Draw one of the machine's items, mostly a likely one. There must be at least one."""

    def sample(machine: Any) -> st.SearchStrategy[T]:
        items = get_items(machine)
        return st.sampled_from([*(5 * [item for item in items if is_likely(item)]), *items])

    return st.runner().flatmap(sample)


credentials = draw(lambda machine: machine.model.credentials, lambda credential: credential.is_valid)
sessions = credentials.filter(lambda credential: credential.id is None)
admins = draw(lambda machine: machine.model.credentials, lambda each: each.error(admin=True) is None)
accounts = draw(lambda machine: machine.model.accounts, lambda account: account.is_visible)
movies = draw(lambda machine: machine.model.movies, lambda movie: movie.exists)


class Machine(RuleBasedStateMachine):
    """The service behind a test client, the model, and what changed since they were compared last."""

    def __init__(self, app: Flask, existing_accounts: Sequence[dict[str, Any]]) -> None:
        """`existing_accounts` are as their owners see them, with the first of PASSWORDS."""
        super().__init__()
        self.context = app.app_context()
        self.context.push()
        self.client = app.test_client()
        self.model = Model()
        self.changed: set[Movie | Account] = set()
        for account in existing_accounts:
            self.open_session(self.add_account(account))

    def send(
        self, by: Credential | None, method: str, path: str, status: int = 200, /, **request: Any
    ) -> TestResponse:
        """Send a request and return the response, which must have this status.

        If the movie in the path was merged, 404 stands for the redirect, or for 409 to a change of the movie itself.
        """
        if status == 404 and (survivor := self.find_survivor(path)):
            status = 301 if method == "GET" else 308 if path.endswith("/rating") else 409
        headers = {"Authorization": f"Bearer {by.bearer}"} if by else {}
        headers |= request.pop("headers", {})
        response = self.client.open(path, method=method, headers=headers, **request)
        assert response.status_code == status, (method, path, response.status_code, status, response.text)
        if status in (301, 308):
            assert survivor is not None
            assert response.headers["Location"].startswith(f"/v1/movies/{survivor.id}")
        if status >= 400:
            assert response.content_type == "application/problem+json"
        return response

    def find_survivor(self, path: str) -> Movie | None:
        """Return the movie into which that of a path was merged, unless it was deleted."""
        match = re.match(r"/v1/movies/([0-9]+)", path)
        merged = [movie for movie in self.model.movies if match and movie.id == int(match[1])]
        survivors = [movie.survivor for movie in merged if movie.merged_into and movie.survivor.exists]
        return survivors[0] if survivors else None

    def add_account(self, shown: dict[str, Any]) -> Account:
        """Add a new account to the model."""
        account = Account(shown["id"], shown["username"], PASSWORDS[0], shown["role"])
        self.model.accounts.append(account)
        self.changed.add(account)
        return account

    def open_session(self, account: Account) -> None:
        """Log in to an account and add the session to the model."""
        body = {"login": account.username, "password": account.password}
        tokens = self.send(None, "POST", "/v1/auth/login", json=body).json
        session = Credential(account, tokens["access_token"], tokens["refresh_token"])
        self.model.credentials.append(session)

    @invariant()
    def changes_match_the_model(self) -> None:
        for item in self.changed:
            self.compare_movie(item) if isinstance(item, Movie) else self.compare_account(item)
        self.changed.clear()

    def compare_movie(self, movie: Movie) -> None:
        path = f"/v1/movies/{movie.id}"
        if not movie.exists:
            self.send(None, "GET", path, 404)
            return
        response = self.send(None, "GET", path)
        assert movie.facts.items() <= response.json.items()
        assert response.json["ratings"] == self.aggregate_of(movie)
        assert response.headers["ETag"].startswith(f'"{movie.edit}-')
        if response.headers["ETag"] not in movie.etags:
            movie.etags.append(response.headers["ETag"])
        ratings = self.model.ratings_of(movie)
        expected = {account.id: rating.value / 2 for account, rating in ratings if account.is_visible}
        assert expected == {item["user"]["id"]: item["value"] for item in self.list_items(f"{path}/ratings")}

    def aggregate_of(self, movie: Movie) -> dict[str, Any]:
        """Return the expected aggregate of a movie."""
        values = self.model.values_of(movie)
        return {**aggregate(values), "score": score(values)}

    def compare_account(self, account: Account) -> None:
        path = f"/v1/users/{account.id}"
        if not account.is_visible:
            self.send(None, "GET", path, 404)
            return
        profile = self.send(None, "GET", path).json
        assert profile["username"] == account.username
        assert profile["ratings"] == aggregate([rating.value for rating in account.ratings.values()])
        expected = {movie.id: rating.value / 2 for movie, rating in account.ratings.items()}
        assert expected == {item["movie"]["id"]: item["value"] for item in self.list_items(f"{path}/ratings")}

    def list_items(self, path: str) -> list[dict[str, Any]]:
        """Return the items of a list that fits on one page."""
        page = self.send(None, "GET", f"{path}?limit=100").json
        assert page["next_cursor"] is None
        items: list[dict[str, Any]] = page["items"]
        return items

    def teardown(self) -> None:
        try:
            self.changed = {*self.model.movies, *self.model.accounts}
            self.changes_match_the_model()
            assert checks.run_checks(repair=False) == ([], [])
        finally:
            database.close()
            self.context.pop()
