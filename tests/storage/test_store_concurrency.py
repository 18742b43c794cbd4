"""Many writers at once: threads on every kind of store, processes on those that can be shared."""

import threading
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

import stores
from wheelyard.errors import KeyChanged, KeyExists, KeyNotFound
from wheelyard.storage.store import Store

LARGE = 24 * 1024 * 1024
"""Bytes of a file that is sent in parts."""

HUGE = 300 * 1024 * 1024
BOUND = 150 * 1024 * 1024
"""Bytes by which memory may grow for an object of any size; the growth measured is under half of it."""


def test_one_of_sixteen_threads_creates(store: Store) -> None:
    """Of all who create a key at once exactly one succeeds, and its bytes are the ones that stay."""

    def create(body: bytes) -> bool:
        try:
            store.create("packages/acme/a.whl", body)
        except KeyExists:
            return False
        return True

    bodies = [str(number).encode() for number in range(16)]
    won = stores.in_threads(create, *([body] for body in bodies))
    assert won.count(True) == 1
    assert store.get("packages/acme/a.whl").body == bodies[won.index(True)]


# SeaweedFS looks whether the key is free and completes an upload in parts in two steps; S3 does not.
@pytest.mark.parametrize("store", ["memory", "directory", "moto"], indirect=True)
def test_one_of_many_threads_creates_from_a_file(store: Store, tmp_path: Path) -> None:
    """The same holds for files that are sent in parts, and nothing is left of those that lost."""

    def create(path: Path) -> bool:
        try:
            store.create_from("packages/acme/a.whl", path)
        except KeyExists:
            return False
        return True

    paths = [tmp_path / str(number) for number in range(4)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * (9 * 1024 * 1024 + number))
    won = stores.in_threads(create, *([path] for path in paths))
    assert won.count(True) == 1
    assert store.get("packages/acme/a.whl").body == paths[won.index(True)].read_bytes()
    assert [entry.key for entry in store.list("")] == ["packages/acme/a.whl"]


def test_one_of_sixteen_threads_replaces(store: Store) -> None:
    """Of all who replace the same object exactly one succeeds."""

    def replace(body: bytes) -> bool:
        try:
            store.replace("projects/acme.json", body, etag)
        except KeyChanged:
            return False
        return True

    etag = store.create("projects/acme.json", b"first")
    bodies = [f"by {number:02}".encode() for number in range(16)]
    won = stores.in_threads(replace, *([body] for body in bodies))
    assert won.count(True) == 1
    assert store.get("projects/acme.json").body == bodies[won.index(True)]


def test_no_update_by_threads_is_lost(store: Store) -> None:
    """Eight threads that each read, add and replace five times add up to forty."""
    store.create("projects/count.json", b"0")
    stores.in_threads(stores.increment, *([(store, "projects/count.json", 5)] * 8))
    assert store.get("projects/count.json").body == b"40"


def test_no_update_by_processes_is_lost(place: stores.Place) -> None:
    """The same between processes, each with a store of its own."""
    store = place.open()
    store.create("projects/count.json", b"0")
    stores.in_processes(stores.increment_at, *([(place, "projects/count.json", 15)] * 4))
    assert store.get("projects/count.json").body == b"60"


def test_each_key_is_created_by_one_process(place: stores.Place) -> None:
    """Of several processes that create the same keys, each key is one's alone, bytes included."""
    keys = [f"packages/acme/{number}.whl" for number in range(40)]
    bodies = [b"one", b"two", b"three"]
    won = stores.in_processes(stores.create_each_at, *((place, keys, body) for body in bodies))
    assert sorted(key for each in won for key in each) == sorted(keys)
    store = place.open()
    for each, body in zip(won, bodies, strict=True):
        assert {store.get(key).body for key in each} <= {body}


def test_no_reader_sees_a_part(store: Store, tmp_path: Path) -> None:
    """While a large file is being stored, it is whole or absent, asked for and listed alike."""
    path = tmp_path / "a.whl"
    path.write_bytes(b"x" * LARGE)
    done = threading.Event()
    sizes: set[int] = set()
    listed: set[str] = set()

    def watch() -> None:
        while not done.is_set():
            listed.update(entry.key for entry in store.list("packages/"))
            try:
                sizes.add(store.head("packages/acme/a.whl").size)
            except KeyNotFound:
                sizes.add(-1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        store.create_from("packages/acme/a.whl", path)
    finally:
        done.set()
        watcher.join()
    assert sizes <= {-1, LARGE}
    assert listed <= {"packages/acme/a.whl"}


def test_a_reader_keeps_the_object_that_it_began(place: stores.Place) -> None:
    """Whoever has begun to read an object reads that one to its end, though it is replaced meanwhile."""
    store = place.open()
    store.put("projects/acme.json", b"1" * 3_000_000)
    chunks = store.read("projects/acme.json")
    body = next(chunks)
    store.put("projects/acme.json", b"2" * 3_000_000)
    body += b"".join(chunks)
    assert body == b"1" * 3_000_000


def test_a_killed_writer_leaves_nothing_visible(place: stores.Place, tmp_path: Path) -> None:
    """A process killed while it stores a large file leaves no object; the next attempt succeeds."""
    path = tmp_path / "a.whl"
    with path.open("wb") as file:
        file.truncate(HUGE)
    writer = get_context("spawn").Process(
        target=stores.create_from_at, args=(place, "packages/acme/a.whl", path)
    )
    writer.start()
    try:
        wait_for_writing(place)
    finally:
        writer.kill()
        writer.join()
    assert writer.exitcode == -9
    store = place.open()
    assert list(store.list("packages/")) == []
    with pytest.raises(KeyNotFound):
        store.head("packages/acme/a.whl")
    path.write_bytes(b"whole")
    store.create_from("packages/acme/a.whl", path)
    assert store.get("packages/acme/a.whl").body == b"whole"


def wait_for_writing(place: stores.Place) -> None:
    """Return once something of an object under way is to be seen on the inside."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if isinstance(place, stores.Bucket):
            if place.unfinished():
                return
        elif any(place.root.glob(".staging/*")):
            return
        time.sleep(0.002)
    raise TimeoutError("nothing was written")


@pytest.mark.parametrize("place", ["directory", "weed"], indirect=True)
def test_memory_is_bounded(place: stores.Place, tmp_path: Path) -> None:
    """Storing and reading 300 MB takes a process no more memory than for a small part of that."""
    path = tmp_path / "huge.whl"
    with path.open("wb") as file:
        file.truncate(HUGE)
    key = "packages/acme/huge.whl"
    stored = stores.in_processes(stores.growth_of_create_from, (place, key, path))
    read = stores.in_processes(stores.growth_of_read, (place, key, HUGE))
    assert place.open().head(key).size == HUGE
    assert max(stored + read) < BOUND
