"""The settings: names, defaults and help, and reading them. docs/configuration.md has the same table."""

import difflib
import os
import reprlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from movierating.setting_parsers import (
    is_utf8,
    make_choice_parser,
    make_integer_parser,
    parse_database_url,
    parse_flag,
    parse_folder,
    parse_limit,
    parse_origins,
    parse_postgresql_url,
    parse_public_url,
    parse_redis_url,
    parse_secret,
    parse_token,
)

PREFIX = "MOVIERATING_"
CONFIG_FILE = "config.toml"


class SettingError(click.ClickException):
    """An invalid setting; the message is one line with its name and the reason, and it stops the command."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting; `parse` converts an environment variable's text or a TOML value, or raises ValueError."""

    name: str
    parse: Callable[[object], Any]
    default: Any
    default_text: str
    help: str


_MIB = 1024 * 1024

SETTINGS = (
    Setting("INSTANCE_PATH", parse_folder, None, "`instance/` in a checkout; the user's data folder when installed",
            "The folder of the database, the key file and `config.toml`. Only as an environment variable."),
    Setting("DATABASE_URL", parse_database_url, None, "`movierating.sqlite3` in the instance folder",
            "The database: `sqlite:///` and a file's path, relative to the instance folder unless it starts with `/`; "
            "or `postgresql+psycopg://user:password@host/database` (extra `[postgresql]`)."),
    Setting("DATABASE_REPLICA_URL", parse_postgresql_url, None, "none",
            "A replica of the PostgreSQL database, used for anonymous reads of the API."),
    Setting("REDIS_URL", parse_redis_url, None, "none",
            "Stores the rate limits in Redis (extra `[redis]`), for all instances that share it. Without it, and while "
            "it is unavailable, they are stored in the instance folder."),
    Setting("SECRET_KEY", parse_secret, None, "the instance folder's key file",
            "Signs tokens and cursors; at least 32 bytes."),
    Setting("RATELIMIT_ENABLED", parse_flag, True, "`true`",
            "`false`: no rate limits. To lift a single one, set its `MOVIERATING_LIMIT_…` to `off`."),
    Setting("LIMIT_SIGNUPS", parse_limit, "60/hour", "`60/hour`", "New accounts per address."),
    Setting("LIMIT_FAILED_SIGNUPS", parse_limit, "60/hour", "`60/hour`", "Failed sign-ups per address."),
    Setting("LIMIT_FAILED_SIGNUPS_PER_ACCOUNT", parse_limit, "20/hour", "`20/hour`",
            "Failed sign-ups per username, from all addresses."),
    Setting("LIMIT_LOGINS", parse_limit, "120/minute", "`120/minute`", "Successful logins per address."),
    Setting("LIMIT_FAILED_LOGINS", parse_limit, "30/minute", "`30/minute`", "Failed logins per address."),
    Setting("LIMIT_FAILED_LOGINS_PER_ACCOUNT", parse_limit, "5/minute", "`5/minute`",
            "Failed logins per account, from all addresses."),
    Setting("LIMIT_REFRESHES", parse_limit, "120/minute", "`120/minute`", "Refreshes of tokens per address."),
    Setting("LIMIT_REFRESHES_PER_ACCOUNT", parse_limit, "30/minute", "`30/minute`",
            "Refreshes of tokens per account."),
    Setting("LIMIT_REAUTHENTICATIONS", parse_limit, "5/minute", "`5/minute`",
            "Requests with `current_password` per user."),
    Setting("LIMIT_WRITES", parse_limit, "600/minute", "`600/minute`", "Writes per user."),
    Setting("SIGNUP", make_choice_parser("open", "invite", "closed"), "open", "`open`",
            "`invite`: sign-up needs an invitation of an admin. `closed`: only `movierating user create` creates "
            "accounts."),
    Setting("PRIVATE", parse_flag, False, "`false`",
            "`true`: nothing but sign-up, login, the reset of a password, health, metrics and the documentation can be "
            "read without an account."),
    Setting("PREDICTIONS", parse_flag, True, "`on`",
            "`off`: the server trains no model of predicted ratings, and predictions are not available."),
    Setting("PUBLIC_URL", parse_public_url, None, "none",
            "The address under which users reach the service, such as `https://films.example`. Links of invitations "
            "and password resets start with it; without it they are paths."),
    Setting("TRUSTED_PROXIES", make_integer_parser(0, 10), 0, "`0`",
            "Number of trusted reverse proxies, whose `X-Forwarded-*` headers are used."),
    Setting("CORS_ORIGINS", parse_origins, [], "none",
            "Origins whose pages may call the API, separated by commas."),
    Setting("MAX_JSON_BYTES", make_integer_parser(1024, 1024 * _MIB), _MIB, "`1048576`",
            "Maximum size of a JSON body."),
    Setting("MAX_UPLOAD_BYTES", make_integer_parser(1024, 1024 * _MIB), 16 * _MIB, "`16777216`",
            "Maximum size of an upload."),
    Setting("SQLITE_SYNCHRONOUS", make_choice_parser("FULL", "NORMAL"), "FULL", "`FULL`",
            "`FULL`: acknowledged writes survive a power cut; with `NORMAL` the last ones can be lost, but the "
            "file is never damaged."),
    Setting("METRICS_TOKEN", parse_token, None, "none",
            "If set, `/metrics` requires it as `Authorization: Bearer`; at least 16 characters."),
    Setting("LOG_FORMAT", make_choice_parser("console", "json"), None, "`console` on a terminal, `json` elsewhere",
            "How log lines are written."),
    Setting("LOG_LEVEL", make_choice_parser("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "`INFO`",
            "`INFO` writes one line per request."),
)  # fmt: skip

_BY_NAME = {setting.name: setting for setting in SETTINGS}
_SECRETS = {"SECRET_KEY", "METRICS_TOKEN", "DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL"}


def get_instance_path(environ: Mapping[str, str]) -> Path:
    """Return the absolute path of the instance folder, which may not exist yet. Raise SettingError."""
    folder = _find_folder(environ)
    if not is_utf8(str(folder)):
        raise SettingError(f"{PREFIX}INSTANCE_PATH: must be valid UTF-8, not {str(folder)!r}")
    return folder


def _find_folder(environ: Mapping[str, str]) -> Path:
    if chosen := environ.get(PREFIX + "INSTANCE_PATH"):
        try:
            return Path(chosen).expanduser().absolute()
        except RuntimeError as error:
            raise SettingError(f"{PREFIX}INSTANCE_PATH: {error}") from error
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / "pyproject.toml").is_file():
        return checkout / "instance"
    from platformdirs import user_data_path

    return user_data_path("movierating", appauthor=False)


def load(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read every setting: environment variables override `config.toml`, which overrides the defaults.

    Return a dict from each name in SETTINGS to its parsed value (INSTANCE_PATH is a Path). Raise SettingError.
    """
    environ = os.environ if environ is None else environ
    folder = get_instance_path(environ)
    values = {setting.name: setting.default for setting in SETTINGS}
    file = folder / CONFIG_FILE
    values.update(_parse(_read_file(file), f" in {file}"))
    values.update(_parse(_read_environment(environ), ""))
    values["INSTANCE_PATH"] = folder
    if values["DATABASE_REPLICA_URL"] and not str(values["DATABASE_URL"]).startswith("postgresql"):
        raise SettingError(
            f"{PREFIX}DATABASE_REPLICA_URL: needs {PREFIX}DATABASE_URL to be a PostgreSQL database"
        )
    if values["DATABASE_URL"] is None:
        values["DATABASE_URL"] = f"sqlite:///{quote(str(folder / 'movierating.sqlite3'))}"
    return values


def _read_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(PREFIX): text for name, text in environ.items() if name.startswith(PREFIX)}


def _read_file(path: Path) -> dict[str, object]:
    try:
        # Some editors put a byte order mark in front, which TOML does not allow.
        written = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingError(f"{path} can't be read ({error.strerror})") from error
    except ValueError as error:
        raise SettingError(f"{path} is not TOML ({error})") from error
    values: dict[str, object] = {}
    for written_name, value in written.items():
        name = written_name.upper()
        if name in values:
            raise SettingError(f"{PREFIX}{name} in {path}: must be set once, in upper or lower case")
        values[name] = value
        if name.startswith(PREFIX):
            raise SettingError(
                f"{name} in {path}: must be {name.removeprefix(PREFIX)}, without {PREFIX}, in the file"
            )
    if "INSTANCE_PATH" in values:
        raise SettingError(f"{PREFIX}INSTANCE_PATH in {path}: can only be set in the environment")
    return values


def _parse(raw: Mapping[str, object], source: str) -> dict[str, Any]:
    """Parse settings by their names. Raise SettingError, with the value unless it may contain a secret."""
    parsed = {}
    for name, value in raw.items():
        if name not in _BY_NAME:
            similar = difflib.get_close_matches(name, _BY_NAME, 1)
            hint = f"; did you mean {PREFIX}{similar[0]}?" if similar else "; remove it"
            raise SettingError(f"{PREFIX}{name}{source}: there is no such setting{hint}")
        try:
            parsed[name] = _BY_NAME[name].parse(value)
        except ValueError as error:
            is_shown = value and name not in _SECRETS
            raise SettingError(
                f"{PREFIX}{name}{source}: {error}{f', not {reprlib.repr(value)}' if is_shown else ''}"
            ) from error
    return parsed
