"""The reindex workflow's steps: Fetch, Shard, Activate. Restart is in ``mirror.restart``.

Each is a function of the store, the upstream and the time, takes and returns small JSON, and can be run
again at any moment. Until the one write that replaces the manifest, nothing that a reader sees changes;
so a run that fails or is killed leaves the active snapshot serving, and what it wrote is swept later.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from wheelyard.errors import (
    KeyNotFound,
    ListingShrank,
)
from wheelyard.mirror import shards
from wheelyard.mirror.active import Active, read_active, replace_active
from wheelyard.mirror.location import origin
from wheelyard.mirror.manifest import Manifest, Validators
from wheelyard.mirror.packing import pack
from wheelyard.mirror.parts import PartWriter, Progress, read_part
from wheelyard.mirror.payloads import Activated, Fetched, Part, Sharded
from wheelyard.mirror.relisting import Hidden, basis, is_stored, write_listings
from wheelyard.mirror.sweeping import missing_shards, sweep
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.negotiation import HTML, JSON, TEXT
from wheelyard.storage import keys
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.mirror.upstream import Upstream

_logger = logging.getLogger(__name__)

KEPT_AT_LEAST = 0.8
"""The share of its names that a listing must keep to be activated without force."""

_ACCEPT = f"{JSON}, {HTML};q=0.2, {TEXT};q=0.1"


class Reindex:
    """One upstream's snapshots in one store."""

    def __init__(
        self,
        store: Store,
        upstream: "Callable[[], Upstream]",
        private: Callable[[], Sequence[ProjectName]],
        hidden: Hidden,
        now: Callable[[], datetime],
    ) -> None:
        """``upstream`` is called by Fetch alone: the other steps need none, nor the import of its client.

        ``private`` gives the private projects' names, sorted; ``now`` is in UTC.
        """
        self._store = store
        self._upstream = upstream
        self._private = private
        self._hidden = hidden
        self._now = now

    def fetch(
        self, *, force: bool = False, relist: bool = False, progress: Progress = lambda _: None
    ) -> Fetched:
        """Ask upstream for its names, conditionally unless with ``force``, and write them down in parts.

        With ``relist`` upstream is not asked where there is a snapshot: only the root listing is looked
        at. Raises ``UpstreamError`` and ``StorageError``.
        """
        base = read_active(self._store)
        if relist and base.manifest is not None:
            return self._unchanged(base, base.manifest)
        from wheelyard.mirror.upstream import require

        upstream = self._upstream()
        index = upstream.locate().url
        validators = self._validators(base.manifest, index) if not force else Validators()
        headers = {"accept": _ACCEPT, **_conditions(validators)}
        fetched_at = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with upstream.get(index, headers) as answer:
            require(answer, *((200, 304) if any(validators) else (200,)))
            if answer.status == 304 and base.manifest is not None:
                return self._unchanged(base, base.manifest)
            names = PartWriter()
            serial = names.read(answer, progress)
            return Fetched(
                outcome="changed",
                base=base.identity,
                snapshot=base.snapshot,
                source=_source(index),
                sourceId=_source_id(index),
                fetchedAt=fetched_at,
                etag=answer.headers.get("etag"),
                lastModified=answer.headers.get("last-modified"),
                serial=serial,
                names=names.count,
                parts=names.write(self._store),
            )

    def _validators(self, manifest: Manifest | None, index: str) -> Validators:
        """What makes the request conditional; nothing where the snapshot is incomplete."""
        if manifest is None or manifest.source_id != _source_id(index):
            return Validators()
        if missing_shards(self._store, manifest.shards):
            _logger.warning("the active snapshot has lost a shard and is made anew")
            return Validators()
        return manifest.validators

    def _unchanged(self, base: Active, manifest: Manifest) -> Fetched:
        current = basis(self._private(), self._hidden)
        complete = manifest.listings.basis == current and is_stored(self._store, manifest.listings)
        return Fetched(
            outcome="unchanged" if complete else "relist",
            base=base.identity,
            snapshot=base.snapshot,
            source=manifest.source,
            sourceId=manifest.source_id,
            fetchedAt=manifest.fetched_at,
            etag=manifest.validators.etag,
            lastModified=manifest.validators.last_modified,
            serial=manifest.serial,
            names=manifest.names,
            parts=[],
        )

    def shard(self, part: Part, base: str | None) -> Sharded:
        """Write the shards of one part that are not those of the snapshot the run started from.

        Raises ``StorageError``.
        """
        kept = self._kept_shards(base)
        digests, count, written = [], 0, 0
        for entries in read_part(self._store, part):
            text = shards.shard_text(entries)
            digest = shards.digest(text) if entries else ""
            if digest and digest not in kept:
                # Written again even if there is one, so that it is too young to be swept.
                self._store.put(keys.shard(digest), pack(text, digest))
                written += 1
            digests.append(digest)
            count += shards.count(text)
        return Sharded(first=part["first"], digests=digests, names=count, written=written)

    def _kept_shards(self, base: str | None) -> set[str]:
        """The shards of the snapshot that the run started from, those that are there.

        While it is the active snapshot they are not swept; once it is not, this run has lost.
        """
        found = read_active(self._store)
        if found.manifest is None or found.identity != base:
            return set()
        return set(found.manifest.shards) - missing_shards(self._store, found.manifest.shards)

    def activate(
        self, fetched: Fetched, sharded: Sequence[Sharded], *, force: bool = False
    ) -> Activated:
        """Write the root listing, then make the snapshot the active one if no newer run was first.

        Raises ``ListingShrank`` without ``force``, ``KeyNotFound`` where something that an earlier step
        wrote is gone, and ``StorageError``.
        """
        if fetched["outcome"] != "changed":
            return self._relist()
        digests, count = _in_order(sharded), sum(item["names"] for item in sharded)
        while True:
            before = read_active(self._store)
            if before.identity != fetched["base"]:
                return _lost(before, fetched, digests)
            if before.manifest is not None and not force:
                _check_size(before.manifest, fetched["sourceId"], count)
            manifest = self._manifest(before.manifest, fetched, digests, count)
            active = replace_active(self._store, before, manifest)
            # None: a listing was made again meanwhile, with a private name more, or a newer run was first.
            if active is not None:
                sweep(
                    self._store, manifest, self._now(), [part["key"] for part in fetched["parts"]]
                )
                return _activated(active)

    def _manifest(
        self, before: Manifest | None, fetched: Fetched, digests: tuple[str, ...], count: int
    ) -> Manifest:
        listings = write_listings(self._store, digests, self._private(), self._hidden, before)
        if missing_shards(self._store, digests):
            raise KeyNotFound("a shard of this run was swept: run it again")
        return Manifest(
            source=fetched["source"],
            source_id=fetched["sourceId"],
            fetched_at=fetched["fetchedAt"],
            names=count,
            serial=fetched["serial"],
            validators=Validators(fetched["etag"], fetched["lastModified"]),
            shards=digests,
            listings=listings,
        )

    def _relist(self) -> Activated:
        """Make the listing again of whatever snapshot is active, with the private names of now."""
        while True:
            before = read_active(self._store)
            if before.manifest is None:
                raise KeyNotFound("the snapshot is gone: run again")
            digests = before.manifest.shards
            listings = write_listings(
                self._store, digests, self._private(), self._hidden, before.manifest
            )
            if listings == before.manifest.listings:
                return _activated(before)
            manifest = before.manifest._replace(listings=listings)
            active = replace_active(self._store, before, manifest)
            if active is not None:
                sweep(self._store, manifest, self._now(), [])
                return _activated(active)


def _conditions(validators: Validators) -> dict[str, str]:
    conditions = {}
    if validators.etag is not None:
        conditions["if-none-match"] = validators.etag
    if validators.last_modified is not None:
        conditions["if-modified-since"] = validators.last_modified
    return conditions


def _source(index: str) -> str:
    found = origin(index)
    return f"{found.scheme}://{found.host}:{found.port}" if found else ""


def _source_id(index: str) -> str:
    return sha256(index.encode()).hexdigest()[:32]


def _in_order(sharded: Sequence[Sharded]) -> tuple[str, ...]:
    """The digests of all shards in the order of buckets."""
    digests = [""] * len(shards.BUCKETS)
    for item in sharded:
        digests[item["first"] : item["first"] + len(item["digests"])] = item["digests"]
    return tuple(digests)


def _check_size(before: Manifest, source_id: str, count: int) -> None:
    if before.source_id == source_id and count < before.names * KEPT_AT_LEAST:
        raise ListingShrank(
            f"upstream lists {count} names where it had {before.names}: more than a fifth is gone, "
            "so the snapshot is kept. If that is right, run with force"
        )


def _activated(active: Active) -> Activated:
    names = active.manifest.names if active.manifest else 0
    return Activated(outcome="activated", snapshot=active.snapshot, names=names)


def _lost(active: Active, fetched: Fetched, digests: tuple[str, ...]) -> Activated:
    """Another run was first, unless it was this very one, whose answer was lost on its way."""
    found = active.manifest
    if found and found.fetched_at == fetched["fetchedAt"] and found.shards == digests:
        return _activated(active)
    return Activated(
        outcome="superseded", snapshot=active.snapshot, names=found.names if found else 0
    )
