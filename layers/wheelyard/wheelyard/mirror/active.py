"""The one object that says which snapshot is the active one: reading it, and replacing it conditionally."""

import logging
from typing import NamedTuple

from wheelyard.errors import InvalidDocument, KeyChanged, KeyExists, KeyNotFound
from wheelyard.mirror.manifest import Manifest, dump_manifest, parse_manifest, snapshot_id
from wheelyard.mirror.sweeping import retire
from wheelyard.storage import keys
from wheelyard.storage.store import Store

_logger = logging.getLogger(__name__)


class Active(NamedTuple):
    """The manifest as it is stored; ``manifest`` is None where there is none, or none that can be read."""

    etag: str | None
    raw: bytes
    manifest: Manifest | None

    @property
    def snapshot(self) -> str:
        """The snapshot's name, empty where there is none."""
        return snapshot_id(self.raw) if self.etag is not None else ""

    @property
    def identity(self) -> str | None:
        """Changes with the names and not with the listing, which may be made again in between."""
        return self.manifest.identity if self.manifest else self.etag


def read_active(store: Store) -> Active:
    """What is active now; a manifest that cannot be read is noted, and can be replaced."""
    try:
        stored = store.get(keys.MANIFEST)
    except KeyNotFound:
        return Active(None, b"", None)
    try:
        return Active(stored.etag, stored.body, parse_manifest(stored.body))
    except InvalidDocument:
        _logger.exception("the active snapshot is made anew")
        return Active(stored.etag, stored.body, None)


def replace_active(store: Store, before: Active, manifest: Manifest) -> Active | None:
    """Make ``manifest`` the active one, unless something else than ``before`` is: then None."""
    raw = dump_manifest(manifest)
    try:
        if before.etag is None:
            return Active(store.create(keys.MANIFEST, raw), raw, manifest)
        retire(store, before.raw)
        return Active(store.replace(keys.MANIFEST, raw, before.etag), raw, manifest)
    except (KeyChanged, KeyExists):
        return None
