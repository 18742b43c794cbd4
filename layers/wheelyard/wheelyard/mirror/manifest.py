"""The manifest: which snapshot of upstream is the active one, and what it is made of.

Everything that it names is immutable and was written before it; replacing this one object switches
every reader from one snapshot to the next.
"""

import json
from hashlib import sha256
from typing import Any, NamedTuple

from wheelyard.errors import InvalidDocument
from wheelyard.mirror.shards import BUCKETS

_FORMAT = 1


class StoredListing(NamedTuple):
    """One form of the root listing: what it is stored under, and its sizes in bytes."""

    digest: str
    size: int
    gzip_size: int


class Listings(NamedTuple):
    """The root listing of a snapshot."""

    basis: str
    """Digest of what else than the snapshot went into it: private names, hidden names."""
    json: StoredListing
    html: StoredListing


class Validators(NamedTuple):
    """What upstream's next conditional request carries (RFC 9110, 13.1)."""

    etag: str | None = None
    last_modified: str | None = None


class Manifest(NamedTuple):
    """A snapshot."""

    source: str
    """The scheme and host of the upstream index; a path may hold a token."""
    source_id: str
    """Digest of the index's whole URL without credentials: another one is another upstream."""
    fetched_at: str
    """When upstream was asked, ``yyyy-mm-ddThh:mm:ssZ``."""
    names: int
    """How many names upstream has."""
    serial: int | None
    """Upstream's last serial for the whole listing, where it gives one."""
    validators: Validators
    shards: tuple[str, ...]
    """The digest of each of the 256 shards in the order of buckets, empty for a bucket without names."""
    listings: Listings

    @property
    def identity(self) -> str:
        """The same for two manifests of the same names, fetched at the same time."""
        parts = (self.source_id, self.fetched_at, *self.shards)
        return sha256(" ".join(parts).encode()).hexdigest()[:32]


def dump_manifest(manifest: Manifest) -> bytes:
    """The manifest as stored."""
    document = {
        "format": _FORMAT,
        "source": manifest.source,
        "source-id": manifest.source_id,
        "fetched-at": manifest.fetched_at,
        "count": manifest.names,
        "last-serial": manifest.serial,
        "etag": manifest.validators.etag,
        "last-modified": manifest.validators.last_modified,
        "listing": {
            "basis": manifest.listings.basis,
            "json": manifest.listings.json._asdict(),
            "html": manifest.listings.html._asdict(),
        },
        "shards": manifest.shards,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def parse_manifest(raw: bytes) -> Manifest:
    """Read a stored manifest. Raises ``InvalidDocument``."""
    try:
        document = json.loads(raw)
        if document["format"] != _FORMAT:
            raise InvalidDocument(
                f"the snapshot's manifest has format {document['format']!r:.50}: a newer version of "
                "Wheelyard wrote it"
            )
        return _manifest(document)
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidDocument(f"the snapshot's manifest cannot be read: {error!r}") from error


def _manifest(document: dict[str, Any]) -> Manifest:
    shards = tuple(map(str, document["shards"]))
    if len(shards) != len(BUCKETS):
        raise ValueError(f"{len(shards)} shards")
    listing = document["listing"]
    return Manifest(
        source=document["source"],
        source_id=document["source-id"],
        fetched_at=document["fetched-at"],
        names=document["count"],
        serial=document["last-serial"],
        validators=Validators(document["etag"], document["last-modified"]),
        shards=shards,
        listings=Listings(
            listing["basis"], StoredListing(**listing["json"]), StoredListing(**listing["html"])
        ),
    )


def snapshot_id(raw: bytes) -> str:
    """A short name for a snapshot: the same for the same stored manifest."""
    return sha256(raw).hexdigest()[:16]
