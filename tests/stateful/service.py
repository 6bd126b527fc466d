"""The state machine without rules: it sends requests and compares the service with the model."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from werkzeug.test import TestResponse

from movierating.operations import checks
from movierating.storage import database
from stateful.model import Account, Credential, Movie, World, score, sums

T = TypeVar("T")

PASSWORDS = ("correct horse battery", "otters play at dusk")


def drawn(things: Callable[[Any], Sequence[T]], good: Callable[[T], bool]) -> st.SearchStrategy[T]:
    """Draw one of the machine's things, mostly a good one. There must be at least one."""

    def likely(machine: Any) -> st.SearchStrategy[T]:
        every = things(machine)
        return st.sampled_from([*(5 * [thing for thing in every if good(thing)]), *every])

    return st.runner().flatmap(likely)


credentials = drawn(lambda machine: machine.world.credentials, lambda one: one.works)
sessions = credentials.filter(lambda one: one.id is None)
admins = drawn(lambda machine: machine.world.credentials, lambda one: one.refusal(admin=True) is None)
accounts = drawn(lambda machine: machine.world.accounts, lambda account: account.shown)
movies = drawn(lambda machine: machine.world.movies, lambda movie: movie.here)


class Service(RuleBasedStateMachine):
    """The service behind a test client, the expected state, and what changed since the last comparison."""

    def __init__(self, app: Flask, made: Sequence[dict[str, Any]]) -> None:
        """`made` are the existing accounts, as their owners see them, with the first of PASSWORDS."""
        super().__init__()
        self.context = app.app_context()
        self.context.push()
        self.client = app.test_client()
        self.world = World()
        self.changed: set[Movie | Account] = set()
        for account in made:
            self.session(self.account(account))

    def send(
        self, by: Credential | None, method: str, path: str, status: int = 200, /, **request: Any
    ) -> TestResponse:
        """Send a request and return the response, which must have this status."""
        headers = {"Authorization": f"Bearer {by.bearer}"} if by else {}
        headers |= request.pop("headers", {})
        response = self.client.open(path, method=method, headers=headers, **request)
        assert response.status_code == status, (method, path, response.status_code, status, response.text)
        if status >= 400:
            assert response.content_type == "application/problem+json"
        return response

    def account(self, made: dict[str, Any]) -> Account:
        """Add a new account to the model."""
        account = Account(made["id"], made["username"], PASSWORDS[0], made["role"])
        self.world.accounts.append(account)
        self.changed.add(account)
        return account

    def session(self, account: Account) -> Credential:
        """Log in to an account and add the session to the model."""
        body = {"login": account.username, "password": account.password}
        pair = self.send(None, "POST", "/v1/auth/login", json=body).json
        session = Credential(account, pair["access_token"], pair["refresh_token"])
        self.world.credentials.append(session)
        return session

    @invariant()
    def changes_match_the_model(self) -> None:
        for thing in self.changed:
            self.compare_movie(thing) if isinstance(thing, Movie) else self.compare_account(thing)
        self.changed.clear()

    def compare_movie(self, movie: Movie) -> None:
        if not movie.here:
            self.send(None, "GET", f"/v1/movies/{movie.id}", 404)
            return
        response = self.send(None, "GET", f"/v1/movies/{movie.id}")
        assert movie.facts.items() <= response.json.items()
        assert response.json["ratings"] == self.sums_of(movie)
        assert response.headers["ETag"].startswith(f'"{movie.edit}-')
        if response.headers["ETag"] not in movie.tags:
            movie.tags.append(response.headers["ETag"])
        raters = {
            account.id: rating.value / 2 for account, rating in self.world.raters(movie) if account.shown
        }
        assert raters == {
            item["user"]["id"]: item["value"] for item in self.items(f"/v1/movies/{movie.id}/ratings")
        }

    def sums_of(self, movie: Movie) -> dict[str, Any]:
        """Return the expected aggregate of a movie."""
        values = self.world.values(movie)
        return {**sums(values), "score": score(values)}

    def compare_account(self, account: Account) -> None:
        if not account.shown:
            self.send(None, "GET", f"/v1/users/{account.id}", 404)
            return
        profile = self.send(None, "GET", f"/v1/users/{account.id}").json
        assert profile["username"] == account.username
        assert profile["ratings"] == sums([rating.value for rating in account.ratings.values()])
        rated = {movie.id: rating.value / 2 for movie, rating in account.ratings.items()}
        assert rated == {
            item["movie"]["id"]: item["value"] for item in self.items(f"/v1/users/{account.id}/ratings")
        }

    def items(self, path: str) -> list[dict[str, Any]]:
        """Return the items of a list that fits on one page."""
        page = self.send(None, "GET", f"{path}?limit=100").json
        assert page["next_cursor"] is None
        items: list[dict[str, Any]] = page["items"]
        return items

    def teardown(self) -> None:
        try:
            self.changed = {*self.world.movies, *self.world.accounts}
            self.changes_match_the_model()
            assert checks.run_checks(repair=False) == ([], [])
        finally:
            database.close()
            self.context.pop()
