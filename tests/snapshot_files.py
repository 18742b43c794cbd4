"""Snapshots as the workflow leaves them in a store, for tests of what reads them."""

from collections.abc import Mapping

from wheelyard.mirror import shards
from wheelyard.mirror.manifest import (
    Listings,
    Manifest,
    StoredListing,
    Validators,
    dump_manifest,
)
from wheelyard.mirror.packing import pack
from wheelyard.protocol.names import project_name
from wheelyard.storage import keys
from wheelyard.storage.store import Store

_NO_LISTING = Listings("", StoredListing("", 0, 0), StoredListing("", 0, 0))


def put_snapshot(store: Store, names: Mapping[str, int | None], source_id: str = "") -> Manifest:
    """Make a snapshot of ``names`` the active one; its root listing is left out."""
    buckets: dict[str, list[str]] = {bucket: [] for bucket in shards.BUCKETS}
    for raw, serial in names.items():
        name = project_name(raw)
        buckets[keys.bucket(name)].extend(shards.entries([name], [serial]))
    digests = []
    for entries in buckets.values():
        text = shards.shard_text(entries)
        digest = shards.digest(text) if entries else ""
        digests.append(digest)
        if entries:
            store.put(keys.shard(digest), pack(text, digest))
    manifest = Manifest(
        source="https://upstream.example",
        source_id=source_id,
        fetched_at="2026-11-22T12:00:00Z",
        names=len(names),
        serial=None,
        validators=Validators(),
        shards=tuple(digests),
        listings=_NO_LISTING,
    )
    store.put(keys.MANIFEST, dump_manifest(manifest))
    return manifest
