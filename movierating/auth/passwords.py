"""Hash and verify passwords, and reject weak ones.

Passwords are compared in NFKC form, so that a password typed on another keyboard or system is the same password
(NIST SP 800-63B, "Password Verifiers"). As that document recommends, there are no composition rules: a password
is checked for its length, against a list of common passwords, and for the names of the user and of the service.
"""

from functools import cache
from importlib.resources import files
from unicodedata import normalize

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from movierating.errors import invalid_field

# OWASP's Password Storage Cheat Sheet, Argon2id: 19 MiB, two passes, one lane.
MEMORY_KIB = 19_456
TIME_COST = 2
PARALLELISM = 1

MIN_LENGTH = 10
MAX_LENGTH = 128
# Unicode normalization takes quadratic time on a long run of combining marks, so longer input is rejected before it.
# Four times the maximum leaves room for characters that NFKC combines.
MAX_INPUT_LENGTH = 4 * MAX_LENGTH

SERVICE_NAME = "movierating"
MIN_NAME_LENGTH = 4
MIN_REMAINDER_LENGTH = 6

_TOO_LONG = f"The password may have at most {MAX_LENGTH} characters."
_hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM, type=Type.ID)


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password in PHC string format, with a new salt."""
    return _hasher.hash(_encode(password))


def hash_new_password(password: str, username: str, email: str) -> str:
    """Return the hash of a password for an account with these names. Raise InvalidRequest for a weak one."""
    reason = explain_rejection(password, username=username, email=email)
    if reason is not None:
        raise invalid_field("json", "password", reason)
    return hash_password(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return True if a password matches a hash.

    Return False at the same cost without a hash (no such account, or one that can't log in), and False for an
    invalid hash.
    """
    if len(password) > MAX_INPUT_LENGTH:
        password_hash, password = None, ""
    compared = _dummy_hash() if password_hash is None else password_hash
    try:
        _hasher.verify(compared, _encode(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Return True if a hash was made with other parameters than the current ones.

    Raise argon2's InvalidHashError for a string that is no Argon2 hash.
    """
    return _hasher.check_needs_rehash(password_hash)


def explain_rejection(password: str, *, username: str, email: str) -> str | None:
    """Return why a user may not have this password, as a sentence, or None if it is acceptable."""
    if len(password) > MAX_INPUT_LENGTH:
        return _TOO_LONG
    if any("\ud800" <= character <= "\udfff" for character in password):
        return "The password contains invalid characters."
    length = len(normalize("NFKC", password))
    if length < MIN_LENGTH:
        return f"The password needs at least {MIN_LENGTH} characters."
    if length > MAX_LENGTH:
        return _TOO_LONG
    return _explain_guessable(_fold(password), username, email)


def _explain_guessable(folded: str, username: str, email: str) -> str | None:
    if folded in common_passwords():
        return "This is one of the most common passwords. Choose another."
    local_part, _, _ = email.rpartition("@")
    if any(_is_mostly(name, folded) for name in (email, local_part, username)):
        return "The password is little more than your own name or e-mail address."
    if _is_mostly(SERVICE_NAME, folded):
        return "The password is little more than this service's name."
    return None


def _is_mostly(name: str, folded_password: str) -> bool:
    """Return True if fewer than six characters, or no letter, remain without the name.

    `anna-2024` and `annaanna!` are mostly `anna`; `anna eats purple kites` is not. Names of fewer than four
    characters are ignored: too many good passwords contain one by chance.
    """
    folded_name = _fold(name)
    if len(folded_name) < MIN_NAME_LENGTH or folded_name not in folded_password:
        return False
    remainder = folded_password.replace(folded_name, "")
    return len(remainder) < MIN_REMAINDER_LENGTH or not any(character.isalpha() for character in remainder)


@cache
def common_passwords() -> frozenset[str]:
    """Return the bundled list of common passwords of at least ten characters, in NFKC form and case-folded."""
    text = files("movierating.auth").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.splitlines())


@cache
def _dummy_hash() -> str:
    return hash_password("")


def _fold(text: str) -> str:
    return normalize("NFKC", text).casefold()


def _encode(password: str) -> bytes:
    # JSON can contain half a surrogate pair ("\ud800"), which strict UTF-8 rejects. No account has such a password,
    # and a login with one must fail like any other.
    return normalize("NFKC", password).encode("utf-8", "surrogatepass")
