"""A page of movies is valid until a change of ratings, by any process, puts it in doubt."""

import pytest

from movierating.storage.cache_versions import FACTS, MAX_LOGGED_CHANGES, MOVIE, USER, CacheVersions
from movierating.storage.listed_movies import ListedMovies

pytestmark = pytest.mark.sqlite


def change(versions, *changes):
    with versions.invalidating([changes]):
        pass


def read_page(versions, *description):
    """Return a page that was read now, and its version."""
    page = ListedMovies()
    version = versions.get(page)
    if description:
        page.describe(*description)
    return page, version


def get_count(count, total):
    return count


NOT_DESCRIBED, BY_TITLE, BY_COUNT = (), ((1, 2),), ((1, 2), get_count, 5)
OF_OTHERS = [(USER, 1), (MOVIE, 3, 4, 40)]


@pytest.mark.parametrize(
    ("description", "changes", "is_valid"),
    [
        (NOT_DESCRIBED, [(USER, 1)], True),
        (NOT_DESCRIBED, OF_OTHERS, False),
        (BY_TITLE, OF_OTHERS, True),
        (BY_TITLE, [(MOVIE, 3)], True),
        (BY_TITLE, [*OF_OTHERS, (MOVIE, 2, 1, 10)], False),
        (BY_TITLE, [(MOVIE, 2)], False),
        (BY_COUNT, OF_OTHERS, True),
        (BY_COUNT, [*OF_OTHERS, (MOVIE, 4, 5, 50)], False),
        (BY_COUNT, [(MOVIE, 4)], False),
        (BY_COUNT, [(MOVIE, 2, 1, 10)], False),
    ],
)
def test_page_is_valid_until_its_movies_change_or_others_move_onto_it(
    versions, description, changes, is_valid
):
    page, version = read_page(versions, *description)
    change(versions, *changes)
    assert versions.get(page) == (version if is_valid else None)


def test_change_of_everything_makes_a_new_version(versions):
    page, version = read_page(versions, *BY_TITLE)
    with versions.invalidating([None]):
        assert versions.get(page) is None
    assert versions.get(page) not in (version, None)
    assert versions.get(FACTS) is not None


def test_page_that_is_read_during_a_commit_may_lack_its_changes(versions):
    with versions.invalidating([[(MOVIE, 1, 1, 10)]]):
        on_page, _ = read_page(versions, *BY_TITLE)
        other, version = read_page(versions, (3, 4))
        assert versions.get(on_page) is None
        assert versions.get(other) == version
    assert versions.get(on_page) is None
    assert versions.get(other) == version


def test_all_mappings_of_a_file_have_the_same_log(versions, file):
    page, version = read_page(versions, *BY_TITLE)
    other = CacheVersions(file)
    change(other, *OF_OTHERS)
    assert versions.get(page) == version
    change(other, (MOVIE, 1, 1, 10))
    assert versions.get(page) is None


@pytest.mark.parametrize("sizes", [[MAX_LOGGED_CHANGES], [1, MAX_LOGGED_CHANGES - 1]])
def test_page_is_in_doubt_after_more_changes_than_are_compared(versions, sizes):
    page, version = read_page(versions, *BY_TITLE)
    behind, _ = read_page(versions, *BY_TITLE)
    for size in sizes:
        change(versions, *OF_OTHERS[1:] * size)
    assert versions.get(page) == version
    change(versions, *OF_OTHERS)
    assert versions.get(page) == version
    assert versions.get(behind) is None


def test_page_is_in_doubt_after_a_write_with_more_changes_than_are_compared(versions):
    page, _ = read_page(versions, *BY_TITLE)
    change(versions, *OF_OTHERS[1:] * (MAX_LOGGED_CHANGES + 1))
    assert versions.get(page) is None


def test_log_begins_again_at_its_end(versions):
    for _ in range(2 * MAX_LOGGED_CHANGES // 700 + 1):
        page, version = read_page(versions, *BY_COUNT)
        change(versions, *OF_OTHERS[1:] * 350)
        assert versions.get(page) == version
        change(versions, *OF_OTHERS[1:] * 350, (MOVIE, 4, 5, 50))
        assert versions.get(page) is None
