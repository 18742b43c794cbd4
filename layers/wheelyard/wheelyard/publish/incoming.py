"""A checked file on its way into the index, and where its bytes are."""

from pathlib import Path
from typing import NamedTuple, Protocol

from wheelyard.errors import KeyExists
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.archive import Distribution
from wheelyard.publish.origins import Origin
from wheelyard.storage.store import Store


class Incoming(NamedTuple):
    """A distribution that was found sound, with what came beside it.

    ``sha256``      of the file, lower-case hexadecimal
    ``signature``   a detached PGP signature, ASCII-armoured
    ``provenance``  a provenance object as it is to be served (PEP 740)
    ``origin``      where it was published before
    """

    distribution: Distribution
    size: int
    sha256: str
    signature: bytes | None = None
    provenance: bytes | None = None
    origin: Origin | None = None

    @property
    def filename(self) -> str:
        """The file's name."""
        return self.distribution.filename

    @property
    def project(self) -> ProjectName:
        """The project that it belongs to."""
        return self.distribution.project


class Source(Protocol):
    """Where a file's bytes are before it has its place."""

    def create(self, store: Store, key: str) -> None:
        """Write them under a free key. Raises ``KeyExists``."""

    def put(self, store: Store, key: str) -> None:
        """Write them under a key, whatever was there."""


class LocalFile(NamedTuple):
    """Bytes in a file of this machine, which is not changed afterwards."""

    path: Path

    def create(self, store: Store, key: str) -> None:
        """As ``Source`` has it."""
        store.create_from(key, self.path)

    def put(self, store: Store, key: str) -> None:
        """As ``Source`` has it."""
        store.put_from(key, self.path)


class StagedObject(NamedTuple):
    """Bytes in another object of the store."""

    key: str

    def create(self, store: Store, key: str) -> None:
        """As ``Source`` has it."""
        store.copy(self.key, key)

    def put(self, store: Store, key: str) -> None:
        """As ``Source`` has it."""
        while True:
            store.delete(key)
            try:
                return store.copy(self.key, key)
            except KeyExists:
                continue
