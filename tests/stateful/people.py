"""Rules for accounts, sessions and personal access tokens."""

import time

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import update

from movierating import clock
from movierating.auth.models import Session
from movierating.storage.database import write
from stateful.model import Account, Credential
from stateful.service import PASSWORDS, Service, accounts, admins, credentials, sessions

NAMES = ("ada", "bob", "cyd")
# Reuse of a spent refresh token has no effect during the grace period. Near its end the result is not predictable.
GRACE_SECONDS, UNSURE_SECONDS = 10, 2


class People(Service):
    @rule(username=st.sampled_from(NAMES), loud=st.booleans())
    def sign_up(self, username: str, loud: bool) -> None:
        """A name is taken, in any case, until its account is deleted."""
        body = {"username": username, "email": f"{username}@example.org", "password": PASSWORDS[0]}
        if not self.world.called(username):
            self.account(self.send(None, "POST", "/v1/users", 201, json=body).json)
        else:
            body["username"] = username.upper() if loud else username
            self.send(None, "POST", "/v1/users", 409, json=body)

    @rule(username=st.sampled_from(("boss", *NAMES)), wrong=st.booleans())
    def log_in(self, username: str, wrong: bool) -> None:
        account = self.world.called(username)
        if account and account.active and not wrong:
            self.session(account)
            return
        password = account.password if account and not wrong else "not " + PASSWORDS[0]
        self.send(None, "POST", "/v1/auth/login", 401, json={"login": username, "password": password})

    @rule(session=sessions)
    def refresh(self, session: Credential) -> None:
        bearer = {"Authorization": f"Bearer {session.refresh}"}
        if not session.works:
            self.send(None, "POST", "/v1/auth/refresh", 401, headers=bearer)
            return
        pair = self.send(None, "POST", "/v1/auth/refresh", headers=bearer).json
        session.spent.append(session.refresh)
        session.bearer, session.refresh = pair["access_token"], pair["refresh_token"]
        session.rotated_at = time.monotonic()

    @rule(session=sessions, late=st.booleans(), data=st.data())
    def refresh_with_a_spent_token(self, session: Credential, late: bool, data: st.DataObject) -> None:
        """A spent token is rejected. After the grace period, its reuse ends the session."""
        if not session.spent:
            self.refresh(session)
        if late:
            self.wait()
        for spent in session.spent and [data.draw(st.sampled_from(session.spent))]:
            self.send(None, "POST", "/v1/auth/refresh", 401, headers={"Authorization": f"Bearer {spent}"})
            session.ended |= self._is_long_ago(session)
            self.look_at_own_account(session)

    def _is_long_ago(self, session: Credential) -> bool:
        """Return whether reuse of a spent token has ended the session; ask the service if the time is too close."""
        now = time.monotonic()
        if now - session.rotated_at > GRACE_SECONDS + UNSURE_SECONDS:
            return True
        if now - session.made_at < GRACE_SECONDS - UNSURE_SECONDS:
            return False
        header = {"Authorization": f"Bearer {session.bearer}"}
        return self.client.get("/v1/users/me", headers=header).status_code == 401

    def wait(self) -> None:
        """Move all sessions into the past, beyond the grace period."""
        seconds = GRACE_SECONDS + UNSURE_SECONDS + 1
        columns = (Session.created_at, Session.rotated_at, Session.expires_at)
        earlier = {column: column - seconds * clock.SECOND for column in columns}
        write(lambda connection: connection.execute(update(Session).values(earlier)))
        for credential in self.world.credentials:
            credential.rotated_at -= seconds

    @rule(by=credentials)
    def log_out(self, by: Credential) -> None:
        refused = by.refusal(in_person=True)
        self.send(by, "POST", "/v1/auth/logout", refused or 204)
        by.ended |= refused is None

    @rule(by=credentials, scope=st.sampled_from(["read", "write"]))
    def create_token(self, by: Credential, scope: str) -> None:
        refused = by.refusal(in_person=True)
        made = self.send(by, "POST", "/v1/auth/tokens", refused or 201, json={"name": "x", "scope": scope})
        if refused is None:
            token = Credential(by.account, made.json["token"], id=made.json["id"], scope=scope)
            self.world.credentials.append(token)

    @rule(by=credentials, token=credentials)
    def revoke_token(self, by: Credential, token: Credential) -> None:
        if token.id is None:
            return
        own = by.account is token.account and not token.ended
        status = by.refusal(in_person=True) or (204 if own else 404)
        self.send(by, "DELETE", f"/v1/auth/tokens/{token.id}", status)
        token.ended |= status == 204

    @rule(by=credentials)
    def look_at_own_account(self, by: Credential) -> None:
        refused = by.refusal(writes=False)
        answer = self.send(by, "GET", "/v1/users/me", refused or 200)
        if refused is None:
            assert (answer.json["id"], answer.json["role"]) == (by.account.id, by.account.role)

    @rule(by=credentials, wrong=st.booleans())
    def change_password(self, by: Credential, wrong: bool) -> None:
        """It ends every session and personal token."""
        old, new = PASSWORDS if by.account.password == PASSWORDS[0] else PASSWORDS[::-1]
        refused = by.refusal(in_person=True) or (403 if wrong else None)
        body = {"password": new, "current_password": new if wrong else old}
        self.send(by, "PATCH", "/v1/users/me", refused or 200, json=body)
        if refused is None:
            by.account.password = new
            self.world.end_all(by.account)

    @rule(by=admins, account=accounts, role=st.sampled_from(["member", "admin"]))
    def give_role(self, by: Credential, account: Account, role: str) -> None:
        last = role == "member" and self.world.is_last_admin(account)
        if self._administer(by, account, {"role": role}, last):
            account.role = role

    @rule(by=admins, account=accounts, active=st.booleans())
    def open_or_shut(self, by: Credential, account: Account, active: bool) -> None:
        """A deactivated account's sessions and tokens end for good; its ratings stay counted."""
        last = not active and self.world.is_last_admin(account)
        if self._administer(by, account, {"active": active}, last):
            account.active = active
            if not active:
                self.world.end_all(account)

    def _administer(self, by: Credential, account: Account, change: dict[str, object], last: bool) -> bool:
        refused = by.refusal(admin=True) or (None if account.here else 404) or (409 if last else None)
        self.send(by, "PATCH", f"/v1/users/{account.id}", refused or 200, json=change)
        self.changed |= {account, *account.ratings}
        return refused is None

    @rule(by=credentials, wrong=st.booleans())
    def close_account(self, by: Credential, wrong: bool) -> None:
        """Its ratings go out of every movie's sums."""
        account = by.account
        last = self.world.is_last_admin(account)
        refused = by.refusal(in_person=True) or (403 if wrong else None) or (409 if last else None)
        body = {"current_password": "not " + account.password if wrong else account.password}
        self.send(by, "POST", "/v1/users/me/delete", refused or 204, json=body)
        if refused is None:
            self.changed |= {account, *account.ratings}
            account.ratings.clear()
            account.here = False
            self.world.end_all(account)
