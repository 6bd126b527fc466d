"""Versions in shared memory change with the data, in every process, and are unknown while it changes."""

import multiprocessing
import os
import signal

import pytest

from movierating.storage.cache_versions import CALLER, FACTS, MOVIE, RATERS, USER, CacheVersions
from movierating.storage.listed_movies import ListedMovies

pytestmark = pytest.mark.sqlite


ONE = (MOVIE, 1)
SUBJECTS = [ONE, (MOVIE, 2), (RATERS, 1), (USER, 1), FACTS]


def list_versions(versions):
    """Return the versions of SUBJECTS and of anything, without the mapping's number."""
    return [(version := versions.get(subject)) and version[1:] for subject in (*SUBJECTS, None)]


@pytest.mark.parametrize(
    ("subjects", "is_changed"),
    [
        ([], [False, False, False, False, False, True]),
        ([ONE], [True, False, True, False, False, True]),
        ([ONE, (MOVIE, 2), ONE], [True, True, True, False, False, True]),
        ([(USER, 1)], [False, False, False, True, False, True]),
        ([(USER, 2)], [False, False, False, False, False, True]),
        (None, [True, True, True, True, True, True]),
    ],
)
def test_change_makes_new_versions_that_are_unknown_meanwhile(versions, subjects, is_changed):
    before = list_versions(versions)
    with versions.invalidating([subjects]):
        assert [version is None for version in list_versions(versions)] == is_changed
    after = list_versions(versions)
    assert None not in after
    assert [new != old for new, old in zip(after, before, strict=True)] == is_changed


def test_change_that_fails_makes_new_versions_too(versions):
    before = versions.get(ONE)
    with pytest.raises(ZeroDivisionError), versions.invalidating([[ONE]]):
        raise ZeroDivisionError
    assert versions.get(ONE) not in (before, None)


def test_all_mappings_of_a_file_have_the_same_versions(versions, file):
    other = CacheVersions(file)
    before = list_versions(other)
    with versions.invalidating([[ONE]]):
        assert other.get(ONE) is None
    assert list_versions(other) == list_versions(versions) != before


def test_longer_file_is_not_truncated(versions, file):
    versions.get(ONE)
    with file.open("ab") as opened:
        opened.write(bytes(100))
    size = file.stat().st_size
    assert CacheVersions(file).get(ONE) is not None
    assert file.stat().st_size == size


def test_shorter_file_of_an_earlier_release_is_made_longer(versions, file):
    file.write_bytes(bytes(100))
    page = ListedMovies()
    before = versions.get(page), versions.get((CALLER, 2**16 - 1))
    with versions.invalidating([[ONE, (CALLER, 2**16 - 1)]]):
        pass
    assert versions.get(page) is None
    assert versions.get((CALLER, 2**16 - 1)) not in (before[1], None)


def die_while_invalidating(file):
    with CacheVersions(file).invalidating([[ONE]]):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("has_written", [False, True])
def test_versions_that_a_killed_writer_left_odd_are_recovered_by_the_next_writer(versions, file, has_written):
    if has_written:
        with versions.invalidating([[]]):
            pass
    before = list_versions(versions)
    process = multiprocessing.get_context("spawn").Process(target=die_while_invalidating, args=(file,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert versions.get(ONE) is None
    with versions.invalidating([[]]):
        pass
    after = list_versions(versions)
    assert None not in after
    assert [new != old for new, old in zip(after, before, strict=True)] == [
        *(True, False, True, False, False, True)
    ]
