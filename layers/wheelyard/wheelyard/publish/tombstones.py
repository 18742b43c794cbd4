"""Filenames that were deleted, and are therefore not free.

Whoever has locked a file by name and digest must not be given another one under that name, so what is
deleted leaves a tombstone. When it was deleted is the object's own modification time.
"""

import json
from typing import NamedTuple

from wheelyard.errors import InvalidDocument, KeyNotFound
from wheelyard.protocol.names import ProjectName
from wheelyard.storage import keys
from wheelyard.storage.store import Store


class Tombstone(NamedTuple):
    """A deleted file: as it was called, and its digest, None where nobody knew it any more."""

    filename: str
    sha256: str | None


class Tombstones:
    """The tombstones of a store, by project and canonical filename."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, project: ProjectName, canonical: str) -> Tombstone | None:
        """The tombstone of a file in whatever spelling. Raises ``InvalidDocument``."""
        key = keys.tombstone(project, canonical)
        try:
            record = json.loads(self._store.get(key).body)
            return Tombstone(record["filename"], record.get("sha256"))
        except KeyNotFound:
            return None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidDocument(f"{key!r} cannot be read: {error!r:.200}") from error

    def put(self, project: ProjectName, canonical: str, tombstone: Tombstone) -> None:
        """Have a tombstone there; from now on nobody lists the file any more."""
        self._store.put(
            keys.tombstone(project, canonical), json.dumps(tombstone._asdict()).encode()
        )

    def remove(self, project: ProjectName, canonical: str) -> None:
        """Free the filename."""
        self._store.delete(keys.tombstone(project, canonical))
