"""Settings: their sources, types and error messages."""

import ast
import re

import pytest

from movierating import config

KEY = "k" * 32


def load(folder, toml="", **environ):
    """The settings of an instance folder with this `config.toml` and these variables."""
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(toml)
    variables = {f"MOVIERATING_{name}": text for name, text in environ.items()}
    return config.load({"MOVIERATING_INSTANCE_PATH": str(folder), **variables})


def test_environment_overrides_the_file_and_the_file_the_default(tmp_path):
    toml = 'SIGNUP = "closed"\ntrusted_proxies = 2'
    settings = load(tmp_path, toml, TRUSTED_PROXIES="1")
    assert (settings["SIGNUP"], settings["TRUSTED_PROXIES"], settings["MAX_JSON_BYTES"]) == (
        "closed",
        1,
        2**20,
    )


def test_settings_have_defaults_without_a_file(tmp_path):
    settings = config.load({"MOVIERATING_INSTANCE_PATH": str(tmp_path / "none")})
    expected = {setting.name: setting.default for setting in config.SETTINGS}
    assert {name: settings[name] for name in expected if expected[name] is not None} == {
        name: value for name, value in expected.items() if value is not None
    }


def test_load_reads_the_environment_of_the_process(monkeypatch, tmp_path):
    monkeypatch.setenv("MOVIERATING_INSTANCE_PATH", str(tmp_path))
    monkeypatch.setenv("MOVIERATING_SIGNUP", "closed")
    assert config.load()["SIGNUP"] == "closed"


@pytest.mark.parametrize("setting", config.SETTINGS, ids=lambda setting: setting.name)
def test_documented_default_is_the_default(setting):
    text = setting.default_text
    if isinstance(setting.default, bool | int | str):
        assert setting.parse(text.strip("`")) == setting.default
    else:
        assert not setting.default
    assert setting.help.endswith(".")


def test_key_of_digits_is_text(tmp_path):
    assert load(tmp_path, SECRET_KEY="1" * 40)["SECRET_KEY"] == "1" * 40


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
    assert load(tmp_path, **{name: text})[name] == value


@pytest.mark.parametrize(
    ("toml", "value"),
    [
        ("RATELIMIT_ENABLED = false", False),
        ("TRUSTED_PROXIES = 3", 3),
        ('CORS_ORIGINS = ["https://a.example"]', ["https://a.example"]),
        (f'SECRET_KEY = "{KEY}"', KEY),
    ],
)
def test_file_may_use_toml_types(tmp_path, toml, value):
    assert load(tmp_path, toml)[toml.split()[0]] == value


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
        load(tmp_path, **{name: text})
    message = error.value.message
    assert message.startswith(f"MOVIERATING_{name}: ")
    assert why in message
    assert "\n" not in message
    assert len(message) < 250


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("SECRET_KEY = 1111111111111111111111111111111111111111", "must be text"),
        ("TRUSTED_PROXIES = true", "must be a whole number from 0 to 10, not True"),
        ("TRUSTED_PROXIES = 1.0", "must be a whole number from 0 to 10, not 1.0"),
        (
            "LIMIT_WRITES = 600",
            "must be a number from 1 to 999999 per second, minute, hour or day, such as 20/hour, or off, "
            "not 600",
        ),
        ("RATELIMIT_ENABLED = 1", "must be true or false, not 1"),
        ("CORS_ORIGINS = [1]", "must be text, not [1]"),
        ("SIGNUP.open = 1", "must be one of open, invite, closed, not {'open': 1}"),
        ("SINGUP = 'x'", "there is no such setting; did you mean MOVIERATING_SIGNUP?"),
        ("COLOUR = 'x'", "there is no such setting"),
        ("INSTANCE_PATH = '/srv'", "can only be set in the environment"),
    ],
)
def test_invalid_setting_in_the_file_is_reported_with_name_file_and_value(tmp_path, toml, reason):
    with pytest.raises(config.SettingError) as error:
        load(tmp_path, toml)
    name = re.match("[A-Z_]+", toml)[0]
    assert error.value.message == f"MOVIERATING_{name} in {tmp_path / 'config.toml'}: {reason}"


def test_name_with_the_prefix_in_the_file_is_reported_with_the_name_to_write(tmp_path):
    with pytest.raises(config.SettingError) as error:
        load(tmp_path, "MOVIERATING_SIGNUP = 'open'")
    file = tmp_path / "config.toml"
    assert (
        error.value.message
        == f"MOVIERATING_SIGNUP in {file}: must be SIGNUP, without MOVIERATING_, in the file"
    )


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "directory"), (b"\xff", "TOML"), (b"SIGNUP = closed", "TOML.*line 1")]
)
def test_unreadable_file_is_reported(tmp_path, content, reason):
    file = tmp_path / "config.toml"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(config.SettingError, match=reason):
        config.load({"MOVIERATING_INSTANCE_PATH": str(tmp_path)})


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "METRICS_TOKEN", "DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL"]
)
def test_error_message_never_contains_a_secret(tmp_path, name):
    with pytest.raises(config.SettingError) as error:
        load(tmp_path, **{name: "hunter2"})
    assert "hunter2" not in error.value.message


def test_instance_folder_is_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert config.get_instance_path({"MOVIERATING_INSTANCE_PATH": "here"}) == tmp_path / "here"


def test_working_directory_that_is_not_utf_8_is_reported(tmp_path, monkeypatch):
    (folder := tmp_path / "\udcff").mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(config.SettingError, match="MOVIERATING_INSTANCE_PATH: must be valid UTF-8"):
        config.get_instance_path({"MOVIERATING_INSTANCE_PATH": "here"})


def test_instance_folder_of_a_checkout_is_inside_it():
    checkout = config.get_instance_path({})
    assert checkout.name == "instance"
    assert (checkout.parent / "pyproject.toml").exists()


def test_instance_folder_of_an_installation_is_in_the_users_data(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "__file__", str(tmp_path / "site-packages/movierating/config.py"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert config.get_instance_path({}).parts[-1] == "movierating"


def test_every_setting_is_used():
    package = config.Path(config.__file__).parent
    read = {
        node.value
        for file in package.rglob("*.py")
        if file.name != "config.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant)
    }
    assert {setting.name for setting in config.SETTINGS} <= read | {
        "RATELIMIT_ENABLED"
    }  # Flask-Limiter's own
