"""Every setting, once: the application, `movierating check` and the table in docs/configuration.md read this list."""

import difflib
import os
import re
import reprlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import click

PREFIX = "MOVIERATING_"
CONFIG_FILE = "config.toml"
KEY_BYTES = 32


class SettingError(click.ClickException):
    """An invalid setting; the message is one line with its name and the reason, and it stops the command."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def _folder(value: object) -> str:
    if not _text(value):
        raise ValueError("must not be empty")
    return _text(value)


def _flag(value: object) -> bool:
    flags = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in flags:
        return flags[value.lower()]
    raise ValueError("must be true or false")


def _whole(least: int, most: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        text = str(value)
        if (
            isinstance(value, bool)
            or not (text.isascii() and text.isdigit() and len(text) <= 12)
            or not least <= int(text) <= most
        ):
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


def _choice(*choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        for choice in choices:
            if isinstance(value, str) and value.lower() == choice.lower():
                return choice
        raise ValueError(f"must be one of {', '.join(choices)}")

    return parse


def _database_url(value: object) -> str:
    scheme, _, path = _text(value).partition(":///")
    if scheme.startswith("postgres"):
        return postgresql_url(_text(value))
    file = unquote(path)
    if (
        scheme != "sqlite"
        or not file
        or "?" in path
        or "\0" in file
        or file.startswith((":memory:", "file:"))
    ):
        raise ValueError(
            "must be sqlite:/// and the path of a file, or postgresql+psycopg:// and a server and database, "
            "written as in a URL"
        )
    return _text(value)


def postgresql_url(text: str) -> str:
    """The address of a PostgreSQL database as SQLAlchemy takes it. Raises ValueError."""
    # Hosters of PostgreSQL give either of the others.
    match = re.fullmatch(r"(?:postgresql\+psycopg|postgresql|postgres)(://[^/]*/[^/?#]+(?:\?[^#]*)?)", text)
    if match is None:
        raise ValueError("must be postgresql+psycopg://user:password@host:port/database, written as in a URL")
    return f"postgresql+psycopg{match[1]}"


def _replica_url(value: object) -> str:
    if not _text(value).startswith("postgres"):
        raise ValueError("must be postgresql+psycopg:// and a server and database, written as in a URL")
    return postgresql_url(_text(value))


def _redis_url(value: object) -> str:
    if not _text(value).startswith(("redis://", "rediss://", "redis+unix://")):
        raise ValueError("must start with redis://, rediss:// or redis+unix://")
    return _text(value)


def _secret(least: int) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if len(_text(value).encode()) < least:
            raise ValueError(f"must be at least {least} bytes long")
        return _text(value)

    return parse


def _token(value: object) -> str:
    if not re.fullmatch(r"[!-~]{16,}", _text(value), re.ASCII):
        raise ValueError("must be at least 16 characters of ASCII, without spaces")
    return _text(value)


def _origins(value: object) -> list[str]:
    origins = value if isinstance(value, list) else _text(value).replace(",", " ").split()
    for origin in origins:
        if not _text(origin).startswith(("http://", "https://")) or origin.count("/") != 2:
            raise ValueError("must be origins such as https://films.example, separated by commas")
    return origins


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
    Setting("INSTANCE_PATH", _folder, None, "`instance/` in a checkout; the user's data folder when installed",
            "The folder of the database, the key file and `config.toml`. Only as an environment variable."),
    Setting("DATABASE_URL", _database_url, None, "`movierating.sqlite3` in the instance folder",
            "The database: `sqlite:///` and a file's path, relative to the instance folder unless it starts with `/`; "
            "or `postgresql+psycopg://user:password@host/database` (extra `[postgresql]`)."),
    Setting("DATABASE_REPLICA_URL", _replica_url, None, "none",
            "A replica of the PostgreSQL database, used for anonymous reads."),
    Setting("REDIS_URL", _redis_url, None, "none",
            "Stores the rate limits in Redis (extra `[redis]`), for all instances that share it. Without it, and while "
            "it is unavailable, they are stored in the instance folder."),
    Setting("SECRET_KEY", _secret(KEY_BYTES), None, "the instance folder's key file",
            "Signs tokens and cursors; at least 32 bytes."),
    Setting("RATELIMIT_ENABLED", _flag, True, "`true`",
            "600 writes a minute per user, 10 logins a minute per address and 5 per account, 20 sign-ups an hour per "
            "address."),
    Setting("SIGNUP", _choice("open", "closed"), "open", "`open`",
            "`closed`: only `movierating user create` creates accounts."),
    Setting("TRUSTED_PROXIES", _whole(0, 10), 0, "`0`",
            "Number of trusted reverse proxies, whose `X-Forwarded-*` headers are used."),
    Setting("CORS_ORIGINS", _origins, [], "none",
            "Origins whose pages may call the API, separated by commas."),
    Setting("MAX_JSON_BYTES", _whole(1024, 1024 * _MIB), _MIB, "`1048576`", "Maximum size of a JSON body."),
    Setting("MAX_UPLOAD_BYTES", _whole(1024, 1024 * _MIB), 16 * _MIB, "`16777216`", "Maximum size of an upload."),
    Setting("SQLITE_SYNCHRONOUS", _choice("FULL", "NORMAL"), "FULL", "`FULL`",
            "`FULL`: acknowledged writes survive a power cut; with `NORMAL` the last ones can be lost, but the "
            "file is never damaged."),
    Setting("METRICS_TOKEN", _token, None, "none",
            "If set, `/metrics` requires it as `Authorization: Bearer`; at least 16 characters."),
    Setting("LOG_FORMAT", _choice("console", "json"), None, "`console` on a terminal, `json` elsewhere",
            "How log lines are written."),
    Setting("LOG_LEVEL", _choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "`INFO`",
            "`INFO` writes one line per request."),
)  # fmt: skip

_BY_NAME = {setting.name: setting for setting in SETTINGS}
_SECRETS = {"SECRET_KEY", "METRICS_TOKEN", "DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL"}


def instance_path(environ: Mapping[str, str]) -> Path:
    """Return the absolute path of the instance folder, which may not exist yet. Raise SettingError."""
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
    """Read every setting: environment variables win over `config.toml`, that over the defaults.

    Return a dict from each name in SETTINGS to its parsed value (INSTANCE_PATH is a Path). Raise SettingError.
    """
    environ = os.environ if environ is None else environ
    folder = instance_path(environ)
    values = {setting.name: setting.default for setting in SETTINGS}
    file = folder / CONFIG_FILE
    values.update(_parsed(_from_file(file), f" in {file}"))
    values.update(_parsed(_from_environment(environ), ""))
    values["INSTANCE_PATH"] = folder
    if values["DATABASE_REPLICA_URL"] and not str(values["DATABASE_URL"]).startswith("postgresql"):
        raise SettingError(
            f"{PREFIX}DATABASE_REPLICA_URL: needs {PREFIX}DATABASE_URL to be a PostgreSQL database"
        )
    if values["DATABASE_URL"] is None:
        values["DATABASE_URL"] = f"sqlite:///{quote(str(folder / 'movierating.sqlite3'))}"
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(PREFIX): text for name, text in environ.items() if name.startswith(PREFIX)}


def _from_file(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            values = {name.upper(): value for name, value in tomllib.load(file).items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingError(f"{path} can't be read ({error.strerror})") from error
    except ValueError as error:
        raise SettingError(f"{path} is not TOML ({error})") from error
    if "INSTANCE_PATH" in values:
        raise SettingError(f"{PREFIX}INSTANCE_PATH in {path}: can only be set in the environment")
    return values


def _parsed(raw: Mapping[str, object], source: str) -> dict[str, Any]:
    """Parse settings by their names. Raise SettingError, with the value unless it may contain a secret."""
    parsed = {}
    for name, value in raw.items():
        if name not in _BY_NAME:
            similar = difflib.get_close_matches(name, _BY_NAME, 1)
            hint = f"; did you mean {PREFIX}{similar[0]}?" if similar else ""
            raise SettingError(f"{PREFIX}{name}{source}: there is no such setting{hint}")
        try:
            parsed[name] = _BY_NAME[name].parse(value)
        except ValueError as error:
            is_shown = value and name not in _SECRETS
            raise SettingError(
                f"{PREFIX}{name}{source}: {error}{f', not {reprlib.repr(value)}' if is_shown else ''}"
            ) from error
    return parsed
