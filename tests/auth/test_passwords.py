import json
from importlib.resources import files

import pytest
from argon2 import Type, extract_parameters

from movierating.auth import passwords
from movierating.auth.passwords import (
    common_passwords,
    explain_rejection,
    hash_password,
    verify_password,
)

GOOD = "purple kites over Łódź"


def explain(password: str, username: str = "margaret", email: str = "maggie.h@example.org") -> str:
    return explain_rejection(password, username=username, email=email) or ""


@pytest.fixture(scope="module")
def good_hash() -> str:
    return hash_password(GOOD)


def test_hash_is_argon2id_with_owasps_parameters(good_hash: str) -> None:
    made_with = extract_parameters(good_hash)
    assert made_with.type is Type.ID
    assert (made_with.memory_cost, made_with.time_cost, made_with.parallelism) == (19_456, 2, 1)


def test_a_password_is_hashed_with_a_new_salt_each_time(good_hash: str) -> None:
    assert hash_password(GOOD) != good_hash


def test_only_the_hashed_password_verifies(good_hash: str) -> None:
    assert verify_password(good_hash, GOOD)
    assert not verify_password(good_hash, GOOD.upper())


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("cafe\u0301 au lait", "caf\u00e9 au lait"),
        ("\uff46ull\u3000width", "full width"),
        ("\ufb01ne \ufb01ne \ufb01ne", "fine fine fine"),
    ],
)
def test_unicode_variants_are_one_password(stored: str, typed: str) -> None:
    assert verify_password(hash_password(stored), typed)


@pytest.mark.parametrize(
    "password",
    ["", GOOD, "\ud800", "x" * 1_000_000, "\u0316\u0301" * 500_000],
    ids=lambda text: ascii(text[:4]),
)
def test_no_hash_means_no_match(password: str) -> None:
    assert not verify_password(None, password)


@pytest.mark.parametrize(
    "password", ["\ud800", "\udfff" * 12, GOOD + "\ud800", GOOD + "x" * 1_000, "\0" * 10]
)
def test_wrong_password_of_any_characters_does_not_match(good_hash: str, password: str) -> None:
    assert not verify_password(good_hash, password)


@pytest.mark.parametrize("password_hash", ["", "!", "$argon2id$v=19$m=1,t=1,p=1$broken"])
def test_invalid_hash_matches_nothing(password_hash: str) -> None:
    assert not verify_password(password_hash, "")


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "tenletters",
        "all lower case and no digit",
        "ᚠᛇᚻ᛫ᛒᛦᚦ᛫ᚠᚱᚩ",
        "🎬" * 10,
        "x7" * 64,
        "\ufb01\ufb01\ufb01\ufb01\ufb01",
        "margaret eats purple kites",
        "a maggiehaggie tale",
    ],
)
def test_strong_password_is_accepted(password: str) -> None:
    assert explain_rejection(password, username="margaret", email="maggie@example.org") is None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "at least 10"),
        ("nine char", "at least 10"),
        ("🎬" * 9, "at least 10"),
        ("e\u0301" * 9, "at least 10"),
        ("q7" * 64 + "x", "at most 128 characters"),
        ("\ufb01" * 65, "at most 128 characters"),
        ("\u0316\u0301" * 500_000, "at most 128 characters"),
        (json.loads(r'"kites over \ud800 town"'), "invalid characters"),
        ("qwertyuiop", "most common"),
        ("QWERTYuiop", "most common"),
        ("\uff51wertyuiop", "most common"),
        ("Password123", "most common"),
        ("maggie.h@example.org", "your own name"),
        ("Maggie.H@Example.Org1", "your own name"),
        ("maggie.h12!", "your own name"),
        ("MargaretMargaret", "your own name"),
        ("margaretabcde", "your own name"),
        ("margaret-1984-05-12", "your own name"),
        ("!!**margaret**!!", "your own name"),
        ("movierating2026", "this service's name"),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_weak_password_is_rejected(password: str, reason: str) -> None:
    assert reason in explain(password)


def test_short_name_in_a_password_is_accepted() -> None:
    assert explain("ann9407261835", username="ann", email="ann@example.org") == ""


def test_invalid_name_rejects_no_password() -> None:
    assert explain(GOOD, username="\ud800" * 4, email="\ud800") == ""


def test_common_passwords_are_all_rejected() -> None:
    listed = common_passwords()
    assert len(listed) >= 10_000
    assert all(len(password) >= passwords.MIN_LENGTH for password in listed)
    assert [password for password in listed if not explain(password)] == []


def test_common_passwords_have_a_licence() -> None:
    licence = files("movierating.auth").joinpath("common_passwords.LICENSE.txt").read_text(encoding="utf-8")
    assert "MIT License" in licence
    assert "Source:" in licence
