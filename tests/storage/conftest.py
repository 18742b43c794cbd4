"""Every kind of store, empty: what the contract's tests are given in turn."""

from pathlib import Path

import pytest

import stores
from wheelyard.storage.store import Store


@pytest.fixture(params=["directory", "moto", "weed"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> stores.Place:
    """Somewhere empty, one of each kind that several processes can open."""
    return stores.somewhere(request.param, request, tmp_path)


@pytest.fixture(params=["memory", "directory", "moto", "weed", "settled"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store, one of each kind; ``settled`` gives the files settings of their own."""
    return stores.empty(request.param, request, tmp_path)


@pytest.fixture(params=["moto", "weed"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> stores.Bucket:
    """An empty bucket, one on each S3 server."""
    place = stores.somewhere(request.param, request, tmp_path)
    assert isinstance(place, stores.Bucket)
    return place
