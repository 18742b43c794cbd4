"""Writing the root listing of a snapshot: upstream's names and the private ones.

It is made once, not for each request. Both forms are stored plain and compressed; a request answers with
the bytes that are there, or with a link to them.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import NamedTuple

from isal import isal_zlib

from wheelyard.mirror.manifest import Listings, Manifest, StoredListing
from wheelyard.mirror.packed import unpack
from wheelyard.mirror.shards import names_of
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.negotiation import JSON
from wheelyard.protocol.simple import root_html, root_json
from wheelyard.storage import keys
from wheelyard.storage.store import Store

HTML_TYPE = "text/html; charset=utf-8"

_READERS = 16
_LEVEL = 2
# Part of the basis: to be raised when the rendering changes.
_REVISION = "1"


class Hidden(NamedTuple):
    """Which upstream names are not listed: reserved namespaces, denied projects."""

    rules: str
    """Changes whenever ``hides`` may; empty where nothing is hidden."""
    hides: Callable[[ProjectName], bool]


def basis(private: Sequence[ProjectName], hidden: Hidden) -> str:
    """A digest of everything in a listing that is not the snapshot's."""
    parts = (_REVISION, hidden.rules, *private)
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


def is_stored(store: Store, listings: Listings) -> bool:
    """Whether everything that ``listings`` names is there."""
    forms = (("json", listings.json), ("html", listings.html))
    return all(_exists(store, listing.digest, form) for form, listing in forms)


def write_listings(
    store: Store,
    digests: Sequence[str],
    private: Sequence[ProjectName],
    hidden: Hidden,
    before: Manifest | None,
) -> Listings:
    """Make and store the listing of the shards with these digests; what is stored already is kept.

    Raises ``KeyNotFound`` for a shard that is gone, and ``StorageError``.
    """
    names = _names(store, digests, private, hidden)
    old = before.listings if before else None
    return Listings(
        basis(private, hidden),
        _write(store, "json", root_json(names), JSON, old.json if old else None),
        _write(store, "html", root_html(names), HTML_TYPE, old.html if old else None),
    )


def _names(
    store: Store, digests: Sequence[str], private: Sequence[ProjectName], hidden: Hidden
) -> list[ProjectName]:
    def read(digest: str) -> list[ProjectName]:
        return names_of(unpack(store.get(keys.shard(digest)).body, digest).decode())

    names = list(private)
    own = frozenset(private)
    with ThreadPoolExecutor(_READERS) as pool:
        for found in pool.map(read, filter(None, digests)):
            if hidden.rules or (own and not own.isdisjoint(found)):
                found = [name for name in found if name not in own and not hidden.hides(name)]
            names += found
    names.sort()
    return names


def _write(
    store: Store, form: str, body: bytes, content_type: str, before: StoredListing | None
) -> StoredListing:
    # Named by both: how it is packed depends on the processor too, and the manifest says the packed size.
    packed = isal_zlib.compress(body, _LEVEL, wbits=31)
    content = sha256(packed)
    content.update(body)
    digest = content.hexdigest()[:32]
    if before is not None and before.digest == digest and _exists(store, digest, form):
        return before
    store.put(keys.listing(digest, form), body, content_type)
    store.put(keys.listing(digest, f"{form}.gz"), packed, content_type, "gzip")
    return StoredListing(digest, len(body), len(packed))


def _exists(store: Store, digest: str, form: str) -> bool:
    return all(store.exists(keys.listing(digest, ending)) for ending in (form, f"{form}.gz"))
