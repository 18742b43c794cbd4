"""Every kind of store, as tests open it; and work on one that a test gives to other processes."""

import resource
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest
from obstore.store import MemoryStore

from servers import S3Server
from wheelyard.client.bucket import s3_store
from wheelyard.errors import KeyChanged, KeyExists
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.opening import open_bucket
from wheelyard.storage.sizes import COPYING, Copying
from wheelyard.storage.store import Store

T = TypeVar("T")

ATTEMPTS = 500
"""How often a replacement is tried at most: far more than there are other writers."""


class Bucket(NamedTuple):
    """A bucket on a server, and the prefix below which a store uses it."""

    server: S3Server
    name: str
    prefix: str = ""

    def open(self, copying: Copying = COPYING, **settings: str) -> Store:
        """A store of its own, as another process has; ``settings`` are further variables."""
        credentials = self.server.credentials
        variables = {
            "BUCKET": self.name,
            "REPO_BASE_PREFIX": self.prefix,
            "AWS_REGION": self.server.region,
            "AWS_ENDPOINT_URL_S3": self.server.url,
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        }
        return open_bucket({**variables, **settings}, 60, copying)

    def keys(self) -> list[str]:
        """Every full key in the bucket, as another client sees them."""
        pages = self.server.client().get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def unfinished(self) -> list[str]:
        """The keys of uploads in parts that were begun and neither completed nor aborted."""
        listing = self.server.client().list_multipart_uploads(Bucket=self.name)
        return [upload["Key"] for upload in listing.get("Uploads", [])]


class Directory(NamedTuple):
    """A directory of this machine."""

    root: Path

    def open(self) -> Store:
        """A store of its own, as another process has."""
        return DirectoryStore(self.root)


Place = Bucket | Directory
"""What can be opened again, in this process or another."""


def memory() -> Store:
    """An empty store in memory."""
    return ObjectStore(MemoryStore())


def somewhere(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A new place that stores can be opened on: a ``directory``, or a bucket on ``moto`` or ``weed``.

    Only the server that is asked for is started.
    """
    if kind == "directory":
        return Directory(tmp_path / "store")
    server: S3Server = request.getfixturevalue(f"s3_{kind}")
    return Bucket(server, server.new_bucket(), "some/prefix")


def empty(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store: in ``memory``, or ``somewhere``; or ``settled``, in a bucket on ``moto``."""
    if kind == "settled":
        return settled(request)
    return memory() if kind == "memory" else somewhere(kind, request, tmp_path).open()


def settled(request: pytest.FixtureRequest) -> Store:
    """An empty store that gives the files settings of their own."""
    server: S3Server = request.getfixturevalue("s3_moto")
    patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    patch.setenv("AWS_ACCESS_KEY_ID", server.credentials.access_key_id)
    patch.setenv("AWS_SECRET_ACCESS_KEY", server.credentials.secret_access_key)
    settings = {"CacheControl": "no-cache", "Tagging": "team=tools"}
    bucket = server.new_bucket()
    return s3_store(bucket, "some/prefix", endpoint_url=server.url, put_args=settings)


def increment(store: Store, key: str, times: int) -> int:
    """Add one to the number in ``key``, ``times`` times, as every change of a document is made.

    Returns how often somebody else was quicker.
    """
    conflicts = 0
    for _ in range(times):
        for _ in range(ATTEMPTS):
            found = store.get(key)
            try:
                store.replace(key, str(int(found.body) + 1).encode(), found.etag)
                break
            except KeyChanged:
                conflicts += 1
        else:
            raise TimeoutError("never the quickest")
    return conflicts


def create_each(store: Store, keys: Sequence[str], body: bytes) -> list[str]:
    """Create each of ``keys``; returns those that were free."""
    won = []
    for key in keys:
        try:
            store.create(key, body)
            won.append(key)
        except KeyExists:
            continue
    return won


def increment_at(place: Place, key: str, times: int) -> int:
    """``increment`` in a process of its own."""
    return increment(place.open(), key, times)


def create_each_at(place: Place, keys: Sequence[str], body: bytes) -> list[str]:
    """``create_each`` in a process of its own."""
    return create_each(place.open(), keys, body)


def growth_of_create_from(place: Place, key: str, path: Path) -> int:
    """Bytes by which the memory of a process grows that stores the file ``path``."""
    store = place.open()
    store.put("warm/up", b"x" * 100_000)
    before = peak_memory()
    store.create_from(key, path)
    return peak_memory() - before


def growth_of_read(place: Place, key: str, size: int) -> int:
    """Bytes by which the memory of a process grows that reads an object of ``size`` bytes through."""
    store = place.open()
    store.put("warm/up", b"x" * 100_000)
    before = peak_memory()
    if sum(map(len, store.read(key))) != size:
        raise ValueError("not the whole object")
    return peak_memory() - before


def growth_of_copy(place: Bucket, source: str, target: str, part: int) -> int:
    """Bytes by which the memory of a process grows that copies an object in parts of ``part`` bytes."""
    store = place.open(Copying(at_once=0, part=part))
    store.put("warm/up", b"x" * 100_000)
    store.copy("warm/up", "warm/copy")
    before = peak_memory()
    store.copy(source, target)
    return peak_memory() - before


def create_from_at(place: Place, key: str, path: Path) -> None:
    """``create_from`` in a process of its own."""
    place.open().create_from(key, path)


def peak_memory() -> int:
    """Bytes of memory that this process has held at most so far."""
    # getrusage would count what the process held that this one was forked from.
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


def in_processes(function: Callable[..., T], *calls: Sequence[object]) -> list[T]:
    """What ``function`` returns for the arguments of each call, all at once, each in a new process."""
    with ProcessPoolExecutor(len(calls), mp_context=get_context("spawn")) as pool:
        begun = [pool.submit(function, *arguments) for arguments in calls]
        return [each.result() for each in begun]


def in_threads(function: Callable[..., T], *calls: Sequence[object]) -> list[T]:
    """What ``function`` returns for the arguments of each call, all begun at the same instant."""
    gate = threading.Barrier(len(calls))

    def begin(arguments: Sequence[object]) -> T:
        gate.wait()
        return function(*arguments)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))
