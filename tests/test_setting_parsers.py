"""Values of settings: how each type is parsed, and the message for an invalid one."""

import pytest

from movierating import config


def load(folder, name, text):
    """The settings of an instance folder with one variable."""
    return config.load({"MOVIERATING_INSTANCE_PATH": str(folder), f"MOVIERATING_{name}": text})


def test_key_of_digits_is_text(tmp_path):
    assert load(tmp_path, "SECRET_KEY", "1" * 40)["SECRET_KEY"] == "1" * 40


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SECRET_KEY", "ключ" * 4, "ключ" * 4),
        ("RATELIMIT_ENABLED", "off", False),
        ("RATELIMIT_ENABLED", "True", True),
        ("SIGNUP", "CLOSED", "closed"),
        ("LIMIT_SIGNUPS", "20/hour", "20/hour"),
        ("LIMIT_SIGNUPS", "007/DAY", "7/day"),
        ("LIMIT_WRITES", "999999/second", "999999/second"),
        ("LIMIT_LOGINS", "Off", ""),
        ("SIGNUP", "invite", "invite"),
        ("PUBLIC_URL", "https://films.example/", "https://films.example"),
        ("PUBLIC_URL", "http://[::1]:4000/our/films", "http://[::1]:4000/our/films"),
        ("SQLITE_SYNCHRONOUS", "normal", "NORMAL"),
        ("TRUSTED_PROXIES", "10", 10),
        ("CORS_ORIGINS", "", []),
        (
            "CORS_ORIGINS",
            "https://a.example, http://b.example:8080",
            ["https://a.example", "http://b.example:8080"],
        ),
        ("DATABASE_URL", "sqlite:////srv/a%3Fb.sqlite3", "sqlite:////srv/a%3Fb.sqlite3"),
        ("REDIS_URL", "rediss://cache.example/1", "rediss://cache.example/1"),
    ],
)
def test_variable_is_parsed_by_its_type(tmp_path, name, text, value):
    assert load(tmp_path, name, text)[name] == value


INVALID = [
    ("SECRET_KEY", "short", "at least 32 bytes"),
    ("METRICS_TOKEN", "fifteen-letters", "at least 16"),
    ("METRICS_TOKEN", "шестнадцать-букв", "ASCII"),
    ("RATELIMIT_ENABLED", "maybe", "true or false"),
    ("SIGNUP", "ajar", "one of open, invite, closed"),
    ("TRUSTED_PROXIES", "-1", "from 0 to 10"),
    ("TRUSTED_PROXIES", "٣", "from 0 to 10"),
    ("TRUSTED_PROXIES", "9" * 5000, "from 0 to 10"),
    ("MAX_UPLOAD_BYTES", "16 MiB", "whole number"),
    ("CORS_ORIGINS", "*", "origins such as"),
    ("CORS_ORIGINS", "https://a.example/path", "origins such as"),
    ("CORS_ORIGINS", "https://a.example, https://", "origins such as"),
    ("CORS_ORIGINS", "https://:443", "origins such as"),
    ("CORS_ORIGINS", "https://*.example", "origins such as"),
    ("CORS_ORIGINS", "https://ada@a.example", "origins such as"),
    *[
        ("PUBLIC_URL", url, "must be an address such as https://films.example")
        for url in (
            "",
            "films.example",
            "//films.example",
            "ftp://films.example",
            "https://",
            "https:///films",
            "https://films.example?a=1",
            "https://films.example/#top",
            "https://ada@films.example",
            "https://films.example:0",
            "https://films.example:99999",
            "https://films.example/a b",
            "https://films.example//a",
            "https://films.example/%0d%0a",
            "https://films.example\n",
            "https://фильм.рф",
        )
    ],
    ("DATABASE_URL", "mysql://localhost/movies", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///", "sqlite:///"),
    ("DATABASE_URL", "sqlite:////", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///:memory:", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///a.db?mode=ro", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///a%00b", "sqlite:///"),
    ("REDIS_URL", "localhost:6379", "redis://"),
    ("SQLITE_SYNCHRONOUS", "OFF", "one of FULL, NORMAL"),
    ("LOG_FORMAT", "xml", "one of console, json"),
    ("LOG_LEVEL", "LOUD", "one of DEBUG"),
    ("INSTANCE_PATH", "", "empty"),
    ("INSTANCE_PATH", "~nobody-has-this-name/x", "home"),
    ("INSTANCE_PATH", "/srv/\udcff", r"must be valid UTF-8, not '/srv/\udcff'"),
    ("SECRET_KEY", "\udcff" * 40, "must be valid UTF-8"),
    ("DATABASE_URL", "postgresql://host/\udcff", "must be valid UTF-8"),
    ("SINGUP", "closed", "no such setting"),
    ("LIMIT_SIGNUP", "20/hour", "did you mean MOVIERATING_LIMIT_SIGNUPS?"),
    *(
        (
            name,
            text,
            "must be a number from 1 to 999999 per second, minute, hour or day, such as 20/hour, or off",
        )
        for name in ("LIMIT_SIGNUPS", "LIMIT_WRITES")
        for text in (
            "",
            "20",
            "20/",
            "/hour",
            "0/hour",
            "-1/hour",
            "1000000/hour",
            "20/week",
            "20/hours",
            "20 per hour",
            "20/hour;5/minute",
            "1.5/hour",
            "٣/hour",
            "20/hour\n",
            " 20/hour",
            "none",
            "0",
            "false",
        )
    ),
]


@pytest.mark.parametrize(("name", "text", "why"), INVALID)
def test_invalid_variable_is_reported_with_name_and_reason(tmp_path, name, text, why):
    with pytest.raises(config.SettingError) as error:
        load(tmp_path, name, text)
    message = error.value.message
    assert message.startswith(f"MOVIERATING_{name}: ")
    assert why in message
    assert "\n" not in message
    assert len(message) < 250


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "METRICS_TOKEN", "DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL"]
)
def test_error_message_never_contains_a_secret(tmp_path, name):
    with pytest.raises(config.SettingError) as error:
        load(tmp_path, name, "hunter2")
    assert "hunter2" not in error.value.message
