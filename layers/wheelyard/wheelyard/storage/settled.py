"""A bucket whose files are stored with settings that their publisher chose: storage class, tags and so on.

The store's client cannot say most of them, and S3 takes them only when a write is begun. So an object that
is to have them is always begun as a copy of a staged one: one way for the small and the largest, of which
nothing is seen before it is whole.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from wheelyard.errors import StorageError
from wheelyard.storage.keys import PACKAGES, SIDECARS
from wheelyard.storage.objects import STAGING, ObjectStore
from wheelyard.storage.store import Pairs


def _settled(key: str) -> bool:
    return key.startswith(PACKAGES)


class PutHeaders(NamedTuple):
    """Settings as headers, names in lower case.

    ``requests``  of each of these requests, whatever it is about
    ``files``     of every object below ``packages/``
    ``contents``  of the distribution files there, and not of what stands beside them
    """

    requests: Pairs = ()
    files: Pairs = ()
    contents: Pairs = ()

    def of(self, key: str) -> Pairs:
        """What the object is to have; nothing for one that the index writes again and again."""
        if not _settled(key):
            return ()
        return self.files if key.endswith(SIDECARS) else (*self.files, *self.contents)


class SettledStore(ObjectStore):
    """A store on S3 that gives what is below ``packages/`` its settings."""

    settings = PutHeaders()

    def settle(self, settings: PutHeaders) -> None:
        """Use these settings from now on. Raises ``StorageError`` if the bucket is not to be used so."""
        from wheelyard.storage.operations import Operations

        self.settings = settings
        self.request_headers = settings.requests
        if settings.requests and Operations(self).ask("HEAD", "").status == 403:
            raise StorageError(
                f"S3 answers 403 about the bucket with {_shown(settings.requests)}: it belongs to another "
                "account, or its owner does not let you list it"
            )

    def write_headers(self, key: str) -> Pairs:
        return (*super().write_headers(key), *self.settings.of(key))

    def create(self, key: str, body: bytes) -> str:
        if not _settled(key):
            return super().create(key, body)
        with self._staged() as staged:
            super().put(staged, body)
            self._copy_by_parts(self.head(staged), key)
        return self.head(key).etag

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str | None = None,
        content_encoding: str | None = None,
    ) -> str:
        if not _settled(key):
            return super().put(key, body, content_type, content_encoding)
        with self._staged() as staged:
            super().put(staged, body)
            self._copy_by_parts(self.head(staged), key, create=False)
        return self.head(key).etag

    def put_from(self, key: str, path: Path) -> None:
        if not _settled(key):
            super().put_from(key, path)
            return
        with self._staged() as staged:
            super().put_from(staged, path)
            self._copy_by_parts(self.head(staged), key, create=False)

    def copy(self, source: str, target: str) -> None:
        if _settled(target):
            self._copy_by_parts(self.head(source), target)
        else:
            super().copy(source, target)

    @contextmanager
    def _staged(self) -> Iterator[str]:
        key = f"{STAGING}{uuid4().hex}"
        try:
            yield key
        finally:
            # What cannot be removed is not seen by anybody, and the bucket's lifecycle removes it.
            with suppress(StorageError):
                self.delete(key)


def _shown(headers: Pairs) -> str:
    return ", ".join(f"{name}: {value}" for name, value in headers)
