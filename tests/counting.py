"""A store that tells what was asked of it: one entry an operation, with the bytes that it brought."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from obstore.store import MemoryStore

from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Entry, Stored


class Asked(NamedTuple):
    """One round trip: the operation, the key's folder, and the bytes of content that came back."""

    operation: str
    folder: str
    read: int = 0

    def __str__(self) -> str:
        return f"{self.operation} {self.folder}"


class CountedStore(ObjectStore):
    """A store in memory with links to its files, as S3 has them, that counts."""

    def __init__(self) -> None:
        super().__init__(
            MemoryStore(), sign=lambda method, key: f"https://s3.example/{method}/{key}"
        )
        self.asked: list[Asked] = []

    def _note(self, operation: str, key: str, read: int = 0) -> None:
        self.asked.append(Asked(operation, key.rpartition("/")[0].partition("/")[0], read))

    def get(self, key: str) -> Stored:
        """See ``Store.get``. What is not there was asked for as well."""
        self._note("get", key)
        found = super().get(key)
        self.asked[-1] = self.asked[-1]._replace(read=len(found.body))
        return found

    def get_unless(self, key: str, etag: str) -> Stored | None:
        """See ``Store.get_unless``."""
        found = super().get_unless(key, etag)
        self._note("get_unless", key, 0 if found is None else len(found.body))
        return found

    def head(self, key: str) -> Entry:
        """See ``Store.head``."""
        self._note("head", key)
        return super().head(key)

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See ``Store.read``."""
        body = b"".join(super().read(key, start, end))
        self._note("read", key, len(body))
        yield body

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str | None = None,
        content_encoding: str | None = None,
    ) -> str:
        """See ``Store.put``."""
        self._note("put", key)
        return super().put(key, body, content_type, content_encoding)

    def create(self, key: str, body: bytes) -> str:
        """See ``Store.create``."""
        self._note("create", key)
        return super().create(key, body)

    def put_from(self, key: str, path: Path) -> None:
        """See ``Store.put_from``."""
        self._note("put", key)
        super().put_from(key, path)

    def copy(self, source: str, target: str) -> None:
        """See ``Store.copy``."""
        self._note("copy", target)
        super().copy(source, target)

    def replace(self, key: str, body: bytes, etag: str) -> str:
        """See ``Store.replace``."""
        self._note("replace", key)
        return super().replace(key, body, etag)

    def delete(self, key: str) -> None:
        """See ``Store.delete``."""
        self._note("delete", key)
        super().delete(key)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See ``Store.list``."""
        self._note("list", prefix)
        return super().list(prefix)
