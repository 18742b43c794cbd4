"""Removing what no snapshot refers to any more.

An object stays while the active manifest names it, while a manifest that was replaced less than the
grace period ago names it, and while it is younger than that itself: it may belong to a run under way.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from wheelyard.errors import InvalidDocument, KeyNotFound, StorageError
from wheelyard.mirror.manifest import Manifest, parse_manifest, snapshot_id
from wheelyard.storage import keys
from wheelyard.storage.store import Store

_logger = logging.getLogger(__name__)

GRACE = timedelta(hours=1)
"""For how long a replaced snapshot can still be read."""


def missing_shards(store: Store, digests: Sequence[str]) -> set[str]:
    """Those of the shards that are not stored, by one listing of all."""
    if not any(digests):
        return set()
    stored = {entry.key for entry in store.list(keys.SHARDS)}
    return {digest for digest in digests if digest and keys.shard(digest) not in stored}


def retire(store: Store, raw: bytes) -> None:
    """Note that the manifest ``raw`` is about to be replaced: from now on its grace period runs."""
    store.put(keys.retired(snapshot_id(raw)), raw)


def sweep(store: Store, active: Manifest, now: datetime, parts: Iterable[str]) -> None:
    """Remove ``parts``, which were this run's own, and whatever is past its grace period.

    It is not needed for anything, so that a store which cannot do it now is only noted.
    """
    try:
        for key in parts:
            store.delete(key)
        _sweep(store, active, now - GRACE)
    except StorageError:
        _logger.warning("old snapshots could not be swept, the next run does it", exc_info=True)


def _sweep(store: Store, active: Manifest, before: datetime) -> None:
    kept = set(_objects(active))
    for entry in list(store.list(keys.RETIRED)):
        if entry.modified < before:
            store.delete(entry.key)
            continue
        try:
            kept.update(_objects(parse_manifest(store.get(entry.key).body)))
        except (KeyNotFound, InvalidDocument):  # swept by another run; or a newer version's
            continue
    for folder in (keys.SHARDS, keys.LISTINGS, keys.PARTS):
        for entry in list(store.list(folder)):
            if entry.key not in kept and entry.modified < before:
                _delete(store, entry.key, before)


def _delete(store: Store, key: str, before: datetime) -> None:
    try:
        # Looked at once more: a run under way may have taken it up since it was listed.
        if store.head(key).modified < before:
            store.delete(key)
    except KeyNotFound:
        return


def _objects(manifest: Manifest) -> Iterator[str]:
    """The keys of everything that a snapshot is made of."""
    yield from (keys.shard(digest) for digest in manifest.shards if digest)
    for form, listing in (("json", manifest.listings.json), ("html", manifest.listings.html)):
        yield keys.listing(listing.digest, form)
        yield keys.listing(listing.digest, f"{form}.gz")
