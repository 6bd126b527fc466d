"""Versions in shared memory: they move with what changes, in every process, and tell nothing while it does."""

import multiprocessing
import os
import signal

import pytest

from movierating.storage.cache_versions import MOVIE, RATERS, USER, CacheVersions

pytestmark = pytest.mark.sqlite


@pytest.fixture
def file(tmp_path):
    return tmp_path / "versions"


@pytest.fixture
def versions(file):
    return CacheVersions(file)


ONE = (MOVIE, 1)
SUBJECTS = [ONE, (MOVIE, 2), (RATERS, 1), (USER, 1)]


def seen(versions):
    """Return the versions of two movies, the first one's raters, a user, and anything, without the mapping's number."""
    return [(version := versions.get(subject)) and version[1:] for subject in (*SUBJECTS, None)]


@pytest.mark.parametrize(
    ("changed", "moves"),
    [
        ([], [False, False, False, False, True]),
        ([ONE], [True, False, True, False, True]),
        ([ONE, (MOVIE, 2), ONE], [True, True, True, False, True]),
        ([(USER, 1)], [False, False, False, True, True]),
        ([(USER, 2)], [False, False, False, False, True]),
        (None, [True, True, True, True, True]),
    ],
)
def test_what_changes_moves_and_is_unknown_meanwhile(versions, changed, moves):
    before = seen(versions)
    with versions.invalidating([changed]):
        assert [version is None for version in seen(versions)] == moves
    after = seen(versions)
    assert None not in after
    assert [new != old for new, old in zip(after, before, strict=True)] == moves


def test_a_change_that_fails_has_moved_too(versions):
    before = versions.get(ONE)
    with pytest.raises(ZeroDivisionError), versions.invalidating([[ONE]]):
        raise ZeroDivisionError
    assert versions.get(ONE) not in (before, None)


def test_all_who_map_the_file_see_the_same(versions, file):
    other = CacheVersions(file)
    before = seen(other)
    with versions.invalidating([[ONE]]):
        assert other.get(ONE) is None
    assert seen(other) == seen(versions) != before


def test_a_file_that_is_longer_stays_so(versions, file):
    versions.get(ONE)
    with file.open("ab") as opened:
        opened.write(bytes(100))
    size = file.stat().st_size
    assert CacheVersions(file).get(ONE) is not None
    assert file.stat().st_size == size


def die_while_changing(file):
    with CacheVersions(file).invalidating([[ONE]]):
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_writer_left_open_is_settled_by_the_next(versions, file):
    before = seen(versions)
    process = multiprocessing.get_context("spawn").Process(target=die_while_changing, args=(file,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert versions.get(ONE) is None
    with versions.invalidating([[]]):
        pass
    after = seen(versions)
    assert None not in after
    assert [new != old for new, old in zip(after, before, strict=True)] == [True, False, True, False, True]
