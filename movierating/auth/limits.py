"""Rate limits of sign-ups, logins, refreshes and tried passwords; `access` limits a user's writes.

The key functions read the user or account from the current request: Flask-Limiter shares its limits between all
threads, so a limit must not hold a user of its own.
"""

from sqlalchemy.exc import SQLAlchemyError

from movierating.auth.access import get_user_key, read_refresh_token
from movierating.auth.service import find_account_key, normalize_name
from movierating.errors import ApiError, Unauthenticated
from movierating.http.proxies import get_client_network
from movierating.http.rate_limits import combine_limits, limit_requests
from movierating.http.request_parser import read_body_field

# Flask-Limiter treats any exception of the functions below as a failure of its storage.


def _get_login_key() -> str:
    name = read_body_field("login")
    if not isinstance(name, str):
        return f"address:{get_client_network()}"
    try:
        return f"account:{find_account_key(name[:254])}"
    except (SQLAlchemyError, ApiError):
        return f"account:{normalize_name(name[:254])}"


def _get_sign_up_key() -> str:
    name = read_body_field("username")
    return (
        f"account:{normalize_name(name[:254])}"
        if isinstance(name, str)
        else f"address:{get_client_network()}"
    )


def _get_refresh_key() -> str:
    try:
        return f"account:{read_refresh_token().user_id}"
    except Unauthenticated:
        return f"address:{get_client_network()}"


limit_sign_ups = combine_limits(
    limit_requests("LIMIT_FAILED_SIGNUPS_PER_ACCOUNT", _get_sign_up_key),
    limit_requests("LIMIT_FAILED_SIGNUPS"),
    limit_requests("LIMIT_SIGNUPS"),
)
limit_logins = combine_limits(
    limit_requests("LIMIT_FAILED_LOGINS_PER_ACCOUNT", _get_login_key),
    limit_requests("LIMIT_FAILED_LOGINS"),
    limit_requests("LIMIT_LOGINS"),
)
# A link takes the place of a login, and costs as much.
limit_password_resets = combine_limits(limit_requests("LIMIT_FAILED_LOGINS"), limit_requests("LIMIT_LOGINS"))
limit_refreshes = combine_limits(
    limit_requests("LIMIT_REFRESHES_PER_ACCOUNT", _get_refresh_key), limit_requests("LIMIT_REFRESHES")
)
# A stolen access token must not help to guess the password.
limit_reauthentications_per_user = limit_requests(
    "LIMIT_REAUTHENTICATIONS",
    get_user_key,
    exempt_when=lambda: read_body_field("current_password") is None,
)
