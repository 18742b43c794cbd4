"""The root listing: the names of every project that the index offers.

Where upstream is mirrored, the active snapshot has the listing ready, private names included: it is made
by the reindex workflow, and again when a private project is new. Otherwise, and as long as there is no
snapshot, it is rendered of the private names.
"""

from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import TypeVar

from wheelyard.access.projects import EVERYTHING, ProjectSet
from wheelyard.index.catalogue import Catalogue
from wheelyard.index.pages import Page, compress, whole_page
from wheelyard.mirror.manifest import StoredListing
from wheelyard.mirror.snapshots import Snapshot, Snapshots
from wheelyard.protocol.negotiation import MediaType
from wheelyard.protocol.simple import root_html, root_json

T = TypeVar("T")


class Listing:
    """Knows the snapshot's listing, and renders that of the private projects once for each set of names."""

    def __init__(self, catalogue: Catalogue, snapshots: Snapshots | None = None) -> None:
        """``snapshots`` None is for an index that mirrors nothing."""
        self._catalogue = catalogue
        self._snapshots = snapshots
        self._rendered: dict[tuple[str, bool], Page] = {}
        self._digest = ""
        self._lock = Lock()

    def stored(self, media: MediaType, send: Callable[[StoredListing], T]) -> T | None:
        """What ``send`` makes of the active snapshot's listing, None where there is no snapshot.

        It is called again with another listing where it raises ``KeyNotFound``. Raises what it raises,
        ``StorageError`` and ``InvalidDocument``.
        """

        def ask(snapshot: Snapshot) -> T:
            listings = snapshot.manifest.listings
            return send(listings.json if media.form == "json" else listings.html)

        return self._snapshots.ask(ask) if self._snapshots else None

    def names(self, visible: ProjectSet = EVERYTHING) -> list[str]:
        """The names on offer that are visible to who asks, sorted."""
        found = set(visible.among(self._catalogue.names()))
        if self._snapshots:
            found |= self._snapshots.ask(lambda snapshot: _visible(snapshot, visible)) or set()
        return sorted(found)

    def page(self, media: MediaType, *, gzip: bool, visible: ProjectSet = EVERYTHING) -> Page:
        """The listing in one form, with those projects that are visible to who asks.

        For who sees everything, ``stored`` comes first. Raises ``StorageError`` and ``InvalidDocument``.
        """
        names = self.names(visible)
        if not visible.everything:
            # Rendered each time: it is short, and many such would push the whole one out.
            return _rendered(names, _digest(names), media, gzip=gzip)
        digest = _digest(names)
        with self._lock:
            if digest != self._digest:
                self._digest = digest
                self._rendered = {}
            key = (media.content_type, gzip)
            if key not in self._rendered:
                self._rendered[key] = _rendered(names, digest, media, gzip=gzip)
            return self._rendered[key]


def _visible(snapshot: Snapshot, visible: ProjectSet) -> set[str]:
    found: set[str] = set()
    for pattern in visible.patterns:
        prefix = pattern.removesuffix("*")
        for name in snapshot.listed(prefix):
            if prefix == pattern and name != pattern:
                break  # of the names that begin so, the shortest comes first
            found.add(name)
    return found


def _digest(names: list[str]) -> str:
    return sha256("\n".join(names).encode()).hexdigest()[:32]


def _rendered(names: list[str], digest: str, media: MediaType, *, gzip: bool) -> Page:
    body = root_json(names) if media.form == "json" else root_html(names)
    etag = f'"{digest}-{media.tag}{"g" if gzip else ""}"'
    sent = compress(body) if gzip else body
    return whole_page(sent, etag, media.content_type, gzipped=gzip)
