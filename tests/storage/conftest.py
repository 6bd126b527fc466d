"""Fixtures of cache versions."""

import pytest

from movierating.storage.cache_versions import CacheVersions


@pytest.fixture
def file(tmp_path):
    return tmp_path / "versions"


@pytest.fixture
def versions(file):
    return CacheVersions(file)
