"""A store whose process dies at a chosen write, before or after the write went through."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from wheelyard.storage.store import Entry, Store, Stored

T = TypeVar("T")


class Killed(BaseException):
    """What ends a writer within a test's own process: no code catches it."""


def killed() -> None:
    """End the writer by ``Killed``."""
    raise Killed


class DyingStore(Store):
    """Passes everything on to another store, until its time has come."""

    def __init__(
        self, store: Store, step: int, *, after: bool, die: Callable[[], object] = killed
    ) -> None:
        """Calls ``die`` at write number ``step``, counted from 1, once it is done if ``after``."""
        self._store = store
        self._left = step
        self._after = after
        self._die = die
        self.writes = 0

    def _write(self, write: Callable[[], T]) -> T:
        self.writes += 1
        if self.writes == self._left and not self._after:
            self._die()
        try:
            return write()
        finally:  # a write that found its key taken is one as well
            if self.writes == self._left and self._after:
                self._die()

    def get(self, key: str) -> Stored:
        return self._store.get(key)

    def get_unless(self, key: str, etag: str) -> Stored | None:
        return self._store.get_unless(key, etag)

    def head(self, key: str) -> Entry:
        return self._store.head(key)

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        return self._store.read(key, start, end)

    def list(self, prefix: str) -> Iterator[Entry]:
        return self._store.list(prefix)

    def local_path(self, key: str) -> Path | None:
        return self._store.local_path(key)

    def staging(self) -> Path | None:
        return self._store.staging()

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str | None = None,
        content_encoding: str | None = None,
    ) -> str:
        return self._write(lambda: self._store.put(key, body, content_type, content_encoding))

    def put_from(self, key: str, path: Path) -> None:
        self._write(lambda: self._store.put_from(key, path))

    def create(self, key: str, body: bytes) -> str:
        return self._write(lambda: self._store.create(key, body))

    def create_from(self, key: str, path: Path) -> None:
        self._write(lambda: self._store.create_from(key, path))

    def copy(self, source: str, target: str) -> None:
        self._write(lambda: self._store.copy(source, target))

    def replace(self, key: str, body: bytes, etag: str) -> str:
        return self._write(lambda: self._store.replace(key, body, etag))

    def delete(self, key: str) -> None:
        self._write(lambda: self._store.delete(key))
