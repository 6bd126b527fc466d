"""Settings: their sources and defaults, the file, the instance folder."""

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
        ("RATELIMIT_ENABLED = 1", "must be true or false, or on or off, not 1"),
        ("CORS_ORIGINS = [1]", "must be text, not [1]"),
        ("SIGNUP.open = 1", "must be one of open, invite, closed, not {'open': 1}"),
        ("SINGUP = 'x'", "there is no such setting; did you mean MOVIERATING_SIGNUP?"),
        ("COLOUR = 'x'", "there is no such setting; remove it"),
        ("INSTANCE_PATH = '/srv'", "can only be set in the environment"),
        ("SIGNUP = 'closed'\nsignup = 'open'", "must be set once, in upper or lower case"),
    ],
)
def test_invalid_setting_in_the_file_is_reported_with_name_file_and_value(tmp_path, toml, reason):
    with pytest.raises(config.SettingError) as error:
        load(tmp_path, toml)
    name = re.match("[A-Z_]+", toml)[0]
    assert error.value.message == f"MOVIERATING_{name} in {tmp_path / 'config.toml'}: {reason}"


def test_file_may_begin_with_a_byte_order_mark(tmp_path):
    assert load(tmp_path, "\ufeffsignup = 'closed'")["SIGNUP"] == "closed"


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
