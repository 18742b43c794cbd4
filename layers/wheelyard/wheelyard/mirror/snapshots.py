"""The active snapshot of upstream's names, as a request sees it: the manifest and one shard of 256.

This is on the request path and reads what ``mirror.reindex`` wrote.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from threading import Lock
from typing import TypeVar

from wheelyard.errors import KeyNotFound, StorageError
from wheelyard.mirror.listed import listed
from wheelyard.mirror.manifest import Manifest, parse_manifest
from wheelyard.mirror.packed import PackedShard, open_shard
from wheelyard.mirror.shards import SnapshotEntry
from wheelyard.protocol.names import ProjectName
from wheelyard.storage import keys
from wheelyard.storage.store import Store

__all__ = ["Snapshot", "SnapshotEntry", "Snapshots"]

T = TypeVar("T")

_logger = logging.getLogger(__name__)

LOOK_AGAIN = 5.0
"""Seconds for which a process with a clock believes that the snapshot it knows is the active one."""

# At 886,000 names a shard has about 50 kB.
_REMEMBERED = 32


class Snapshot:
    """One snapshot: which names upstream has."""

    def __init__(self, store: Store, manifest: Manifest) -> None:
        self._store = store
        self.manifest = manifest
        self.damaged = False
        """Whether an object of it was not there: the process then knows a snapshot that is swept."""
        self._shards: OrderedDict[int, PackedShard] = OrderedDict()
        self._lock = Lock()

    def find(self, name: ProjectName) -> SnapshotEntry | None:
        """What upstream had under ``name``, None if nothing. Reads one shard at most.

        Raises ``StorageError`` and ``InvalidDocument``: a shard that cannot be read is never "not there".
        """
        bucket = int(keys.bucket(name), 16)
        digest = self.manifest.shards[bucket]
        return self._shard(bucket, digest).find(name) if digest else None

    def listed(self, prefix: str) -> Iterator[str]:
        """The names in the snapshot's root listing that begin with ``prefix``, private ones included.

        Raises ``StorageError``.
        """
        return listed(self._store, self.manifest.listings.json, prefix)

    def _shard(self, bucket: int, digest: str) -> PackedShard:
        with self._lock:
            if (known := self._shards.get(bucket)) is not None:
                self._shards.move_to_end(bucket)
                return known
        try:
            raw = self._store.get(keys.shard(digest)).body
        except KeyNotFound as error:
            self.damaged = True
            raise StorageError(f"shard {digest!r} of the active snapshot is gone") from error
        shard = open_shard(raw, digest)
        with self._lock:
            self._shards[bucket] = shard
            while len(self._shards) > _REMEMBERED:
                self._shards.popitem(last=False)
        return shard


class Snapshots:
    """Knows the active snapshot."""

    def __init__(self, store: Store, clock: Callable[[], float] | None = None) -> None:
        """``clock`` gives seconds, never going back. Without one the manifest is read once and for all:
        so it is on Lambda, where the workflow replaces the environments when it has a new snapshot.
        """
        self._store = store
        self._clock = clock
        self._current: Snapshot | None = None
        self._etag = ""
        self._looked: float | None = None
        self._lock = Lock()

    def current(self) -> Snapshot | None:
        """The active snapshot; None if there is none yet.

        Raises ``StorageError`` and ``InvalidDocument`` where no snapshot is known and the store cannot
        say. A process that knows one goes on with that.
        """
        if self._is_fresh():
            return self._current
        with self._lock:
            if not self._is_fresh():
                self._look()
            return self._current

    def ask(self, question: Callable[[Snapshot], T]) -> T | None:
        """What ``question`` finds in the active snapshot, None if there is none yet.

        Where an object of it is gone, this process knows a snapshot that was swept: the manifest is read
        again, and the active one is asked, once. Raises what the question raises.
        """
        snapshot = self.current()
        if snapshot is None:
            return None
        try:
            return question(snapshot)
        except StorageError as error:
            snapshot.damaged |= isinstance(error, KeyNotFound)
            active = self.current() if snapshot.damaged else snapshot
            if active is None or active.manifest == snapshot.manifest:
                raise
        _logger.warning("the snapshot that was known is swept: the active one is asked")
        return question(active)

    def _is_fresh(self) -> bool:
        if self._looked is None or (self._current is not None and self._current.damaged):
            return False
        return self._clock is None or self._clock() - self._looked < LOOK_AGAIN

    def _look(self) -> None:
        try:
            if self._current is None or self._current.damaged:
                stored = self._store.get(keys.MANIFEST)
            else:
                found = self._store.get_unless(keys.MANIFEST, self._etag)
                if found is None:
                    self._mark()
                    return
                stored = found
            self._current = Snapshot(self._store, parse_manifest(stored.body))
            self._etag = stored.etag
        except KeyNotFound:
            self._current = None
        except StorageError:
            if self._current is None:
                raise
            _logger.warning("the active snapshot cannot be looked up", exc_info=True)
        self._mark()

    def _mark(self) -> None:
        self._looked = self._clock() if self._clock else 0.0
