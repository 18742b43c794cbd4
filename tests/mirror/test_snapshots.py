"""The active snapshot as requests see it."""

import pytest
from obstore.store import MemoryStore

from snapshot_files import put_snapshot
from wheelyard.errors import InvalidDocument, StorageError
from wheelyard.mirror.manifest import dump_manifest, parse_manifest
from wheelyard.mirror.snapshots import LOOK_AGAIN, Snapshots
from wheelyard.protocol.names import ProjectName
from wheelyard.storage import keys
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Stored

FLASK, SIX, NONE = ProjectName("flask"), ProjectName("six"), ProjectName("nobody-has-this")


class CountingStore(ObjectStore):
    """A store in memory that remembers what was read, and can be out of order."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.reads: list[str] = []
        self.broken = False

    def get(self, key: str) -> Stored:
        """See ``Store.get``."""
        self.reads.append(key)
        if self.broken:
            raise StorageError("out of order")
        return super().get(key)

    def get_unless(self, key: str, etag: str) -> Stored | None:
        """See ``Store.get_unless``."""
        if self.broken:
            raise StorageError("out of order")
        return super().get_unless(key, etag)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


class Clock:
    """Stands still until told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_name_is_found_with_its_serial(store: CountingStore) -> None:
    """Names have their serials, with or without one, and others are not there."""
    put_snapshot(store, {"Flask": 7, "six": None})
    snapshot = Snapshots(store).current()
    assert snapshot is not None
    flask, six = snapshot.find(FLASK), snapshot.find(SIX)
    assert flask is not None
    assert flask.serial == 7
    assert six is not None
    assert six.serial is None
    assert snapshot.find(NONE) is None


def test_a_request_reads_one_shard(store: CountingStore) -> None:
    """Of a large snapshot one shard is read, and none the second time."""
    put_snapshot(store, {f"project-{number}": number for number in range(5000)})
    snapshot = Snapshots(store).current()
    assert snapshot is not None
    store.reads.clear()
    assert snapshot.find(ProjectName("project-4711")) == (4711,)
    assert len(store.reads) == 1
    assert store.reads[0].startswith(keys.SHARDS)
    assert snapshot.find(ProjectName("project-4711")) == (4711,)
    assert len(store.reads) == 1


def test_without_a_clock_the_manifest_is_read_once(store: CountingStore) -> None:
    """A Lambda environment keeps the snapshot that it first saw."""
    put_snapshot(store, {"flask": 1})
    snapshots = Snapshots(store)
    first = snapshots.current()
    put_snapshot(store, {"flask": 2})
    assert snapshots.current() is first
    assert store.reads.count(keys.MANIFEST) == 1


def test_with_a_clock_a_new_snapshot_is_seen_within_a_minute(store: CountingStore) -> None:
    """One machine's processes look again, also where there was no snapshot at first."""
    clock = Clock()
    snapshots = Snapshots(store, clock)
    assert snapshots.current() is None
    put_snapshot(store, {"flask": 1})
    assert LOOK_AGAIN < 60
    clock.now += LOOK_AGAIN
    first = snapshots.current()
    assert first is not None
    assert first.find(FLASK) == (1,)
    clock.now += LOOK_AGAIN
    assert snapshots.current() is first, "the same snapshot keeps its shards"
    put_snapshot(store, {"flask": 2})
    clock.now += LOOK_AGAIN
    second = snapshots.current()
    assert second is not None
    assert second.find(FLASK) == (2,)


def test_a_known_snapshot_outlives_the_store_being_down(store: CountingStore) -> None:
    """A process that cannot look again goes on; one that knows nothing says so."""
    put_snapshot(store, {"flask": 1})
    clock = Clock()
    snapshots = Snapshots(store, clock)
    known = snapshots.current()
    store.broken = True
    clock.now += LOOK_AGAIN
    assert snapshots.current() is known
    with pytest.raises(StorageError):
        Snapshots(store).current()


def test_a_shard_that_is_gone_is_no_answer(store: CountingStore) -> None:
    """A swept shard is an error for one request; the next one takes the active snapshot."""
    old = put_snapshot(store, {"flask": 1})
    snapshots = Snapshots(store)
    stale = snapshots.current()
    assert stale is not None
    put_snapshot(store, {"flask": 2})
    for digest in filter(None, old.shards):
        store.delete(keys.shard(digest))
    with pytest.raises(StorageError):
        stale.find(FLASK)
    fresh = snapshots.current()
    assert fresh is not None
    assert fresh.find(FLASK) == (2,)


@pytest.mark.parametrize("raw", [b"not JSON", b"[]", b'{"format": 1}', b'{"format": 2}'])
def test_a_manifest_that_cannot_be_read_is_no_empty_one(store: CountingStore, raw: bytes) -> None:
    """Damage, and a form that a newer version writes, are errors."""
    store.put(keys.MANIFEST, raw)
    with pytest.raises(InvalidDocument):
        Snapshots(store).current()


def test_a_manifest_is_read_as_it_was_written(store: CountingStore) -> None:
    """Nothing is lost between writing and reading."""
    manifest = put_snapshot(store, {"flask": 1, "six": None})
    assert parse_manifest(dump_manifest(manifest)) == manifest
