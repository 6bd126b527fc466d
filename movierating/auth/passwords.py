"""Passwords: how they are hashed, and which ones are refused.

Everything here works on a password's NFKC form, so that a password typed on another keyboard or system is
the same password (NIST SP 800-63B, "Password Verifiers"). There are no composition rules, for the same
document's reasons: length, a list of common passwords and the person's own name are what is looked at.
"""

from functools import cache
from importlib.resources import files
from unicodedata import normalize

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's Password Storage Cheat Sheet, Argon2id: 19 MiB, two passes, one lane.
MEMORY_KIB = 19_456
TIME_COST = 2
PARALLELISM = 1

MIN_LENGTH = 10
MAX_LENGTH = 128
# Unicode's normalization takes quadratic time on a long run of combining marks, so input that is far too
# long is turned away before it. Four times leaves room for the characters that NFKC puts together.
MAX_INPUT_LENGTH = 4 * MAX_LENGTH

SERVICE_NAME = "movierating"
MIN_NAME_LENGTH = 4
MIN_REMAINDER_LENGTH = 6

_TOO_LONG = f"The password may have {MAX_LENGTH} characters at most."
_hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM, type=Type.ID)


def hash_password(password: str) -> str:
    """The password's Argon2id hash in PHC string format, with a salt of its own."""
    return _hasher.hash(_encode(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the hashed one.

    Without a hash (no such account, or one that can't sign in) the answer is False and costs the same as
    with one. A hash that can't be read matches nothing.
    """
    if len(password) > MAX_INPUT_LENGTH:
        password_hash, password = None, ""
    tried = _dummy_hash() if password_hash is None else password_hash
    try:
        _hasher.verify(tried, _encode(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's.

    Raises argon2's InvalidHashError for a string that is no Argon2 hash.
    """
    return _hasher.check_needs_rehash(password_hash)


def explain_rejection(password: str, *, username: str, email: str) -> str | None:
    """Why this person may not have this password, as a sentence for them, or None where it is fine."""
    if len(password) > MAX_INPUT_LENGTH:
        return _TOO_LONG
    if not _is_valid_text(password):
        return "The password holds characters that are no valid text."
    length = len(normalize("NFKC", password))
    if length < MIN_LENGTH:
        return f"The password needs at least {MIN_LENGTH} characters."
    if length > MAX_LENGTH:
        return _TOO_LONG
    return _explain_guessable(_fold(password), username, email)


def _explain_guessable(folded: str, username: str, email: str) -> str | None:
    if folded in common_passwords():
        return "This password is one of the most common ones, which are tried first. Choose another."
    local_part, _, _ = email.rpartition("@")
    if any(_is_mostly(name, folded) for name in (email, local_part, username)):
        return "The password is little more than your own name or e-mail address."
    if _is_mostly(SERVICE_NAME, folded):
        return "The password is little more than this service's name."
    return None


def _is_mostly(name: str, folded_password: str) -> bool:
    """Whether, once the name is taken out, fewer than six characters or no letter is left.

    So `anna-2024` and `annaanna!` are little more than `anna`, and `anna eats purple kites` is not. Names of
    fewer than four characters stand in too many good passwords by chance.
    """
    folded_name = _fold(name)
    if len(folded_name) < MIN_NAME_LENGTH or folded_name not in folded_password:
        return False
    rest = folded_password.replace(folded_name, "")
    return len(rest) < MIN_REMAINDER_LENGTH or not any(character.isalpha() for character in rest)


@cache
def common_passwords() -> frozenset[str]:
    """The bundled list of common passwords, each in NFKC form and case-folded.

    Those of fewer than ten characters are left out of it, since length alone refuses them.
    """
    text = files("movierating.auth").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.splitlines())


@cache
def _dummy_hash() -> str:
    return hash_password("")


def _fold(text: str) -> str:
    return normalize("NFKC", text).casefold()


def _encode(password: str) -> bytes:
    # JSON can carry half a surrogate pair ("\ud800"), which strict UTF-8 refuses. No account has such a
    # password, and a login with one has to fail like any other.
    return normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _is_valid_text(password: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in password)
