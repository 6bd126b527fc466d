"""Parse the values of settings, from an environment variable's text or a TOML value; raise ValueError if invalid."""

import re
from collections.abc import Callable
from pathlib import PurePath
from urllib.parse import unquote

KEY_BYTES = 32


def parse_text(value: object) -> str:
    """Return the text."""
    if not isinstance(value, str):
        raise ValueError("must be text")
    if not is_utf8(value):
        raise ValueError("must be valid UTF-8")
    return value


def is_utf8(text: str) -> bool:
    """Return False if a path or variable holds bytes that are not UTF-8, which Python decodes to surrogates."""
    return not re.search(r"[\ud800-\udfff]", text)


def parse_folder(value: object) -> str:
    """Return the path of a folder, which may not exist."""
    if not parse_text(value):
        raise ValueError("must not be empty")
    return parse_text(value)


def parse_flag(value: object) -> bool:
    """Return a flag, which may also be written as a number, yes or no, on or off."""
    text = str(value).lower() if isinstance(value, bool | str) else ""
    if text not in ("true", "1", "yes", "on", "false", "0", "no", "off"):
        raise ValueError("must be true or false, or on or off")
    return text in ("true", "1", "yes", "on")


def make_integer_parser(minimum: int, maximum: int) -> Callable[[object], int]:
    """Return a parser of whole numbers in this range, which includes both ends."""

    def parse(value: object) -> int:
        is_number = not isinstance(value, bool) and re.fullmatch(r"[0-9]{1,12}", str(value))
        if not is_number or not minimum <= int(str(value)) <= maximum:
            raise ValueError(f"must be a whole number from {minimum} to {maximum}")
        return int(str(value))

    return parse


def make_choice_parser(*choices: str) -> Callable[[object], str]:
    """Return a parser that matches the text with one of `choices`, in any letter case, and returns that."""

    def parse(value: object) -> str:
        for choice in choices:
            if isinstance(value, str) and value.lower() == choice.lower():
                return choice
        raise ValueError(f"must be one of {', '.join(choices)}")

    return parse


def parse_limit(value: object) -> str:
    """Return a rate limit as Flask-Limiter takes it; for `off` an empty text."""
    text = value.lower() if isinstance(value, str) else ""
    if text == "off":
        return ""
    match = re.fullmatch(r"0*([1-9][0-9]{0,5})/(second|minute|hour|day)", text, re.ASCII)
    if match is None:
        raise ValueError(
            "must be a number from 1 to 999999 per second, minute, hour or day, such as 20/hour, or off"
        )
    return f"{match[1]}/{match[2]}"


def parse_database_url(value: object) -> str:
    """Return the URL of an SQLite or PostgreSQL database as SQLAlchemy takes it."""
    text = parse_text(value)
    if text.startswith("postgres"):
        return parse_postgresql_url(text)
    scheme, _, path = text.partition(":///")
    file = unquote(path)
    # The root folder has no name.
    has_name = PurePath(file).name and "\0" not in file
    is_file = has_name and "?" not in path and not file.startswith((":memory:", "file:"))
    if scheme != "sqlite" or not is_file:
        raise ValueError(
            "must be sqlite:/// and the path of a file, or postgresql+psycopg:// and a server and database, "
            "written as in a URL"
        )
    return text


def parse_postgresql_url(value: object) -> str:
    """Return the URL of a PostgreSQL database as SQLAlchemy takes it."""
    # Hosting providers use the two shorter schemes.
    match = re.fullmatch(
        r"(?:postgresql\+psycopg|postgresql|postgres)(://[^/]*/[^/?#]+(?:\?[^#]*)?)", parse_text(value)
    )
    if match is None:
        raise ValueError("must be postgresql+psycopg://user:password@host:port/database, written as in a URL")
    return f"postgresql+psycopg{match[1]}"


def parse_redis_url(value: object) -> str:
    """Return the URL of a Redis server."""
    if not parse_text(value).startswith(("redis://", "rediss://", "redis+unix://")):
        raise ValueError("must start with redis://, rediss:// or redis+unix://")
    return parse_text(value)


def parse_secret(value: object) -> str:
    """Return a key of at least KEY_BYTES bytes."""
    if len(parse_text(value).encode()) < KEY_BYTES:
        raise ValueError(f"must be at least {KEY_BYTES} bytes long")
    return parse_text(value)


def parse_token(value: object) -> str:
    """Return a token that fits in a header."""
    if not re.fullmatch(r"[!-~]{16,}", parse_text(value), re.ASCII):
        raise ValueError("must be at least 16 characters of ASCII, without spaces")
    return parse_text(value)


def parse_public_url(value: object) -> str:
    """Return the URL without a slash at its end. It becomes part of links, so it must need no further encoding."""
    host = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
    match = re.fullmatch(rf"https?://{host}(?::([0-9]{{1,5}}))?(?:/[A-Za-z0-9._~-]+)*/?", parse_text(value))
    if match is None or not 0 < int(match[1] or 443) < 2**16:
        raise ValueError(
            "must be an address such as https://films.example or https://example.org/films, without a query"
        )
    return match[0].removesuffix("/")


def parse_origins(value: object) -> list[str]:
    """Return the origins of a list, or of text with commas or spaces between them."""
    origins = value if isinstance(value, list) else parse_text(value).replace(",", " ").split()
    for origin in origins:
        # Flask-CORS would take other characters as a regular expression.
        if not re.fullmatch(r"https?://[A-Za-z0-9._-]+(:[0-9]+)?", parse_text(origin)):
            raise ValueError("must be origins such as https://films.example, separated by commas")
    return origins
