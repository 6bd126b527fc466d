"""The machine without its rules: it sends requests, and compares the service with the model."""

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
    """One of the things that the machine knows by now, mostly a good one; there must be any."""

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
    """The service behind a test client, the world as it should be, and what changed since they were compared."""

    def __init__(self, app: Flask, made: Sequence[dict[str, Any]]) -> None:
        """`made` are the accounts that are there, as their owners see them; they have the first of PASSWORDS."""
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
        """Send a request, which must be answered with this status."""
        headers = {"Authorization": f"Bearer {by.bearer}"} if by else {}
        headers |= request.pop("headers", {})
        answer = self.client.open(path, method=method, headers=headers, **request)
        assert answer.status_code == status, (method, path, answer.status_code, status, answer.text)
        if status >= 400:
            assert answer.content_type == "application/problem+json"
        return answer

    def account(self, made: dict[str, Any]) -> Account:
        """An account that was just made."""
        account = Account(made["id"], made["username"], PASSWORDS[0], made["role"])
        self.world.accounts.append(account)
        self.changed.add(account)
        return account

    def session(self, account: Account) -> Credential:
        """A new session of an account."""
        body = {"login": account.username, "password": account.password}
        pair = self.send(None, "POST", "/v1/auth/login", json=body).json
        session = Credential(account, pair["access_token"], pair["refresh_token"])
        self.world.credentials.append(session)
        return session

    @invariant()
    def what_changed_is_as_it_should_be(self) -> None:
        for thing in self.changed:
            self.compare_movie(thing) if isinstance(thing, Movie) else self.compare_account(thing)
        self.changed.clear()

    def compare_movie(self, movie: Movie) -> None:
        if not movie.here:
            self.send(None, "GET", f"/v1/movies/{movie.id}", 404)
            return
        answer = self.send(None, "GET", f"/v1/movies/{movie.id}")
        assert movie.facts.items() <= answer.json.items()
        assert answer.json["ratings"] == self.sums_of(movie)
        assert answer.headers["ETag"].startswith(f'"{movie.edit}-')
        if answer.headers["ETag"] not in movie.tags:
            movie.tags.append(answer.headers["ETag"])
        raters = {
            account.id: rating.value / 2 for account, rating in self.world.raters(movie) if account.shown
        }
        assert raters == {
            item["user"]["id"]: item["value"] for item in self.items(f"/v1/movies/{movie.id}/ratings")
        }

    def sums_of(self, movie: Movie) -> dict[str, Any]:
        """What a movie shows of its ratings."""
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
        """A list that fits on one page."""
        page = self.send(None, "GET", f"{path}?limit=100").json
        assert page["next_cursor"] is None
        items: list[dict[str, Any]] = page["items"]
        return items

    def teardown(self) -> None:
        try:
            self.changed = {*self.world.movies, *self.world.accounts}
            self.what_changed_is_as_it_should_be()
            assert checks.run_checks(repair=False) == ([], [])
        finally:
            database.close()
            self.context.pop()
