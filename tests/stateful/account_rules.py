"""Rules for accounts, sessions and personal access tokens."""

import time

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import update

from movierating import clock
from movierating.auth.models import Session
from movierating.storage.database import write
from stateful.machine import PASSWORDS, Machine, accounts, admins, credentials, sessions
from stateful.model import Account, Credential

NAMES = ("ada", "bob", "cyd")
# Reuse of a spent refresh token has no effect during the grace period. Near its end the result is not predictable.
GRACE_SECONDS, UNCERTAIN_SECONDS = 10, 2


class AccountRules(Machine):
    @rule(username=st.sampled_from(NAMES), upper_case=st.booleans())
    def sign_up(self, username: str, upper_case: bool) -> None:
        """A name is taken, in any case, until its account is deleted."""
        body = {"username": username, "email": f"{username}@example.org", "password": PASSWORDS[0]}
        if not self.model.find_account(username):
            self.add_account(self.send(None, "POST", "/v1/users", 201, json=body).json)
        else:
            body["username"] = username.upper() if upper_case else username
            self.send(None, "POST", "/v1/users", 409, json=body)

    @rule(username=st.sampled_from(("boss", *NAMES)), wrong=st.booleans())
    def log_in(self, username: str, wrong: bool) -> None:
        account = self.model.find_account(username)
        if account and account.active and not wrong:
            self.open_session(account)
            return
        password = account.password if account and not wrong else "not " + PASSWORDS[0]
        self.send(None, "POST", "/v1/auth/login", 401, json={"login": username, "password": password})

    @rule(session=sessions)
    def refresh(self, session: Credential) -> None:
        bearer = {"Authorization": f"Bearer {session.refresh}"}
        if not session.is_valid:
            self.send(None, "POST", "/v1/auth/refresh", 401, headers=bearer)
            return
        tokens = self.send(None, "POST", "/v1/auth/refresh", headers=bearer).json
        session.spent.append(session.refresh)
        session.bearer, session.refresh = tokens["access_token"], tokens["refresh_token"]
        session.rotated_at = time.monotonic()

    @rule(session=sessions, late=st.booleans(), data=st.data())
    def reuse_refresh_token(self, session: Credential, late: bool, data: st.DataObject) -> None:
        """A spent token is rejected. After the grace period, its reuse ends the session."""
        if not session.spent:
            self.refresh(session)
        if late:
            self.wait()
        for spent in session.spent and [data.draw(st.sampled_from(session.spent))]:
            began_at = time.monotonic()
            self.send(None, "POST", "/v1/auth/refresh", 401, headers={"Authorization": f"Bearer {spent}"})
            session.revoked |= self._has_reuse_ended(session, began_at)
            self.get_own_account(session)

    def _has_reuse_ended(self, session: Credential, began_at: float) -> bool:
        """Return True if reuse of a spent token ended the session; ask the service near the end of the grace period.

        `began_at` is before the request, which may take longer than the grace period.
        """
        if began_at - session.rotated_at > GRACE_SECONDS + UNCERTAIN_SECONDS:
            return True
        if time.monotonic() - session.created_at < GRACE_SECONDS - UNCERTAIN_SECONDS:
            return False
        header = {"Authorization": f"Bearer {session.bearer}"}
        return self.client.get("/v1/users/me", headers=header).status_code == 401

    def wait(self) -> None:
        """Move all sessions into the past, beyond the grace period."""
        seconds = GRACE_SECONDS + UNCERTAIN_SECONDS + 1
        columns = (Session.created_at, Session.rotated_at, Session.expires_at)
        earlier = {column: column - seconds * clock.SECOND for column in columns}
        write(lambda connection: connection.execute(update(Session).values(earlier)))
        for credential in self.model.credentials:
            credential.rotated_at -= seconds

    @rule(by=credentials)
    def log_out(self, by: Credential) -> None:
        error = by.error(session=True)
        self.send(by, "POST", "/v1/auth/logout", error or 204)
        by.revoked |= error is None

    @rule(by=credentials, scope=st.sampled_from(["read", "write"]))
    def create_token(self, by: Credential, scope: str) -> None:
        error = by.error(session=True)
        body = {"name": "x", "scope": scope}
        response = self.send(by, "POST", "/v1/auth/tokens", error or 201, json=body)
        if error is None:
            token = Credential(by.account, response.json["token"], id=response.json["id"], scope=scope)
            self.model.credentials.append(token)

    @rule(by=credentials, token=credentials)
    def revoke_token(self, by: Credential, token: Credential) -> None:
        if token.id is None:
            return
        own = by.account is token.account and not token.revoked
        status = by.error(session=True) or (204 if own else 404)
        self.send(by, "DELETE", f"/v1/auth/tokens/{token.id}", status)
        token.revoked |= status == 204

    @rule(by=credentials)
    def get_own_account(self, by: Credential) -> None:
        error = by.error(writes=False)
        response = self.send(by, "GET", "/v1/users/me", error or 200)
        if error is None:
            assert (response.json["id"], response.json["role"]) == (by.account.id, by.account.role)

    @rule(by=credentials, wrong=st.booleans())
    def change_password(self, by: Credential, wrong: bool) -> None:
        """A new password revokes every session and personal token."""
        old, new = PASSWORDS if by.account.password == PASSWORDS[0] else PASSWORDS[::-1]
        error = by.error(session=True) or (403 if wrong else None)
        body = {"password": new, "current_password": new if wrong else old}
        self.send(by, "PATCH", "/v1/users/me", error or 200, json=body)
        if error is None:
            by.account.password = new
            self.model.revoke_all(by.account)

    @rule(by=admins, account=accounts, role=st.sampled_from(["member", "admin"]))
    def change_role(self, by: Credential, account: Account, role: str) -> None:
        last = role == "member" and self.model.is_last_admin(account)
        if self._update_account(by, account, {"role": role}, last):
            account.role = role

    @rule(by=admins, account=accounts, active=st.booleans())
    def change_active(self, by: Credential, account: Account, active: bool) -> None:
        """Deactivation revokes an account's sessions and tokens for good; its ratings stay counted."""
        last = not active and self.model.is_last_admin(account)
        if self._update_account(by, account, {"active": active}, last):
            account.active = active
            if not active:
                self.model.revoke_all(account)

    def _update_account(
        self, by: Credential, account: Account, change: dict[str, object], removes_last_admin: bool
    ) -> bool:
        conflict = 409 if removes_last_admin else None
        error = by.error(admin=True) or (None if account.exists else 404) or conflict
        self.send(by, "PATCH", f"/v1/users/{account.id}", error or 200, json=change)
        self.changed |= {account, *account.ratings}
        return error is None

    @rule(by=credentials, wrong=st.booleans())
    def delete_own_account(self, by: Credential, wrong: bool) -> None:
        """The ratings are subtracted from the aggregates of their movies."""
        account = by.account
        conflict = 409 if self.model.is_last_admin(account) else None
        error = by.error(session=True) or (403 if wrong else None) or conflict
        body = {"current_password": "not " + account.password if wrong else account.password}
        self.send(by, "POST", "/v1/users/me/delete", error or 204, json=body)
        if error is None:
            self.changed |= {account, *account.ratings}
            account.ratings.clear()
            account.exists = False
            self.model.revoke_all(account)
