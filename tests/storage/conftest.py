"""Every kind of store, empty: what the contract's tests are given in turn."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import stores
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from servers import S3Server


def somewhere(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> stores.Place:
    """A new place that stores can be opened on. Only the server that is asked for is started."""
    if kind == "directory":
        return stores.Directory(tmp_path / "store")
    server: S3Server = request.getfixturevalue(f"s3_{kind}")
    return stores.Bucket(server, server.new_bucket(), "some/prefix")


@pytest.fixture(params=["directory", "moto", "weed"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> stores.Place:
    """Somewhere empty, one of each kind that several processes can open."""
    return somewhere(request.param, request, tmp_path)


@pytest.fixture(params=["memory", "directory", "moto", "weed"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store, one of each kind."""
    if request.param == "memory":
        return stores.memory()
    return somewhere(request.param, request, tmp_path).open()


@pytest.fixture(params=["moto", "weed"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> stores.Bucket:
    """An empty bucket, one on each S3 server."""
    place = somewhere(request.param, request, tmp_path)
    assert isinstance(place, stores.Bucket)
    return place
