"""The object store, as everything above it sees it.

Two conditional writes carry the whole design: ``create`` (the key must be free) and ``replace`` (the
object must be the one that was read). They hold between threads, processes and machines, so there is no
lock table; see ``storage.objects`` for S3 and memory, ``storage.directory`` for one machine.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from wheelyard.errors import KeyNotFound

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1024 * 1024
"""Bytes per chunk of a streamed read, at most."""

Pairs = Sequence[tuple[str, str]]
"""Names and values, of a query or of headers."""


class Stored(NamedTuple):
    """A whole object: its bytes, and the entity tag that ``replace`` wants back."""

    body: bytes
    etag: str


class Entry(NamedTuple):
    """What is known of an object without reading it. ``modified`` is in UTC."""

    key: str
    size: int
    etag: str
    modified: datetime


class Store(ABC):
    """Objects under ``/``-separated keys.

    Every method raises ``StorageError`` when the store cannot answer; "could not read" is never taken
    for "not there".
    """

    request_headers: Pairs = ()
    """What every one of S3's own operations, by ``signed_url``, is to carry."""

    @abstractmethod
    def get(self, key: str) -> Stored:
        """The whole object. Raises ``KeyNotFound``."""

    @abstractmethod
    def get_unless(self, key: str, etag: str) -> Stored | None:
        """The whole object, or None if it is still the one with ``etag``. Raises ``KeyNotFound``."""

    @abstractmethod
    def head(self, key: str) -> Entry:
        """What is known of the object. Raises ``KeyNotFound``."""

    def exists(self, key: str) -> bool:
        """Whether there is an object."""
        try:
            self.head(key)
        except KeyNotFound:
            return False
        return True

    @abstractmethod
    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes ``start`` up to, not including, ``end``, in chunks. Raises ``KeyNotFound``."""

    @abstractmethod
    def put(
        self,
        key: str,
        body: bytes,
        content_type: str | None = None,
        content_encoding: str | None = None,
    ) -> str:
        """Write the object, whatever was there. Returns its entity tag.

        ``content_type`` and ``content_encoding`` are what a presigned link to it answers with; a
        directory has no use for them.
        """

    @abstractmethod
    def create(self, key: str, body: bytes) -> str:
        """Write the object if the key is free; returns its entity tag. Raises ``KeyExists``."""

    @abstractmethod
    def create_from(self, key: str, path: "Path") -> None:
        """``create`` with the content of a local file, of any size, without holding it in memory.

        The file at ``path`` must not be changed afterwards: on one machine it becomes the object.
        """

    @abstractmethod
    def put_from(self, key: str, path: "Path") -> None:
        """``put`` with the content of a local file, as ``create_from`` has it."""

    @abstractmethod
    def copy(self, source: str, target: str) -> None:
        """``create`` with the content of another object, within the store.

        Raises ``KeyNotFound`` if there is no ``source``, and ``KeyExists`` if ``target`` is taken.
        """

    @abstractmethod
    def replace(self, key: str, body: bytes, etag: str) -> str:
        """Write the object if it is still the one with ``etag``; returns the new tag.

        Raises ``KeyChanged`` if it is another one or gone.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove the object; removing nothing is no error."""

    @abstractmethod
    def list(self, prefix: str) -> Iterator[Entry]:
        """Every object whose key begins with ``prefix``, which ends with ``/``, in the keys' order."""

    def local_path(self, key: str) -> "Path | None":
        """Where the object's bytes lie on this machine, or None. The object need not exist."""
        del key
        return None

    def download_url(self, key: str, method: str) -> str | None:
        """A link that answers one method (GET or HEAD) for a while without credentials, or None."""
        del key, method
        return None

    def signed_url(
        self, key: str, method: str, query: Pairs = (), headers: Pairs = ()
    ) -> str | None:
        """A link for one of S3's own operations on the object, or None.

        ``query`` are its parameters; ``headers``, with names in lower case, have to be sent with it.
        """
        del key, method, query, headers
        return None

    def write_headers(self, key: str) -> Pairs:
        """What S3 is to be told of the object when a write of it is begun by ``signed_url``."""
        del key
        return ()

    def staging(self) -> "Path | None":
        """A directory from which ``create_from`` is a rename, or None where any will do."""
        return None
