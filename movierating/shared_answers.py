"""Answers that another process or host has made, kept in Redis for as long as what they show has not changed.

To find an answer takes a third to a half of the time to make it (a movie 117 of 259 microseconds, a page of 20 131 of
456), and to look for one in vain and put it there nearly as long again (231, 327). So it is used while most of what is
looked for is found. One address in sixteen is looked for in any case, and so tells when that changes: where ratings
come faster than readers, a list is another one before anybody asks for it again.

It is asked where a process has no answer of its own under the present stamp. Everything that an answer depends on is in
the key: its address, the stamp, which begins with the database's identity, the version of this software, and settings.
What lies in Redis is sealed with the secret key, so that whatever somebody else writes there is as good as nothing; the
keys of Redis are digests of these.
"""

import hmac
from collections.abc import Hashable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard
from zlib import crc32

import orjson

if TYPE_CHECKING:
    # Only who has the extra has its client.
    from movierating.shared_cache import SharedCache

# Most answers, those of lists, stand until the next commit of anything, and are of no use after it.
SECONDS = 60
# Larger ones are few, and would drive others out.
MOST_BYTES = 1 << 18

_SEAL_BYTES = 16
# The share of what is looked for that must be found, over about so many, and one of how many addresses always tells.
_WORTH, _LATELY, _SAMPLE = 0.6, 32, 16

Headers = list[tuple[str, str]]


class Found(NamedTuple):
    """An answer with 200: its headers, its body, and the rule that its address matched."""

    headers: Headers
    body: bytes
    route: str | None


class SharedAnswers:
    """Answers by address and stamp. `kind` is what they depend on besides: hosts where it is another share nothing."""

    def __init__(self, cache: "SharedCache", secret: str, kind: Sequence[Any]) -> None:
        self._cache = cache
        self._secret = blake2b(secret.encode(), digest_size=32).digest()
        self._kind = tuple(kind)
        # By the parts of a stamp: those of lists move with everything, a movie's with its own ratings.
        self._found: dict[int, float] = {}

    def get(self, address: tuple[str, ...], stamp: Hashable) -> Found | None:
        """What was put there and is whole, or None."""
        if not _is_told(stamp) or not self._is_worth_it(address, stamp):
            return None
        key = self._key(address, stamp)
        sealed = self._cache.get(key)
        found = None if sealed is None else self._opened(key, sealed)
        lately = self._found.get(len(stamp), 1.0)
        self._found[len(stamp)] = lately + ((found is not None) - lately) / _LATELY
        return found

    def put(self, address: tuple[str, ...], stamp: Hashable, answer: Found) -> None:
        """Let others find it, unless it is large."""
        if not _is_told(stamp) or len(answer.body) > MOST_BYTES or not self._is_worth_it(address, stamp):
            return
        key = self._key(address, stamp)
        head = orjson.dumps([answer.route, answer.headers])
        content = b"%d\n%b%b" % (len(head), head, answer.body)
        self._cache.put(key, self._seal(key, content) + content, SECONDS)

    def _is_worth_it(self, address: tuple[str, ...], stamp: tuple[Any, ...]) -> bool:
        if self._found.get(len(stamp), 1.0) >= _WORTH:
            return True
        # The same ones on each host, or nobody would find what another has put.
        return crc32(repr(address).encode("utf-8", "backslashreplace")) % _SAMPLE == 0

    def _key(self, address: tuple[str, ...], stamp: Hashable) -> bytes:
        return repr((self._secret, self._kind, address, stamp)).encode("utf-8", "backslashreplace")

    def _seal(self, key: bytes, content: bytes) -> bytes:
        sealing = blake2b(key=self._secret, digest_size=_SEAL_BYTES)
        for part in (b"%d\n" % len(key), key, content):
            sealing.update(part)
        return sealing.digest()

    def _opened(self, key: bytes, sealed: bytes) -> Found | None:
        content = sealed[_SEAL_BYTES:]
        if not hmac.compare_digest(sealed[:_SEAL_BYTES], self._seal(key, content)):
            return None
        size, _, rest = content.partition(b"\n")
        route, headers = orjson.loads(rest[: int(size)])
        return Found([(name, value) for name, value in headers], rest[int(size) :], route)


def _is_told(stamp: Hashable) -> TypeGuard[tuple[Any, ...]]:
    """Whether a stamp tells of which database it is, and so the same one means the same on each host."""
    return isinstance(stamp, tuple) and stamp[0] is not None
