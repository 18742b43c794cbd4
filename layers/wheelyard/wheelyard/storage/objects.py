"""The store on S3 and in memory, by obstore.

obstore retries by itself what may be retried, and S3's conditional writes are plain HTTP preconditions
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    PreconditionError,
)

from wheelyard.errors import KeyChanged, KeyContended, KeyExists, KeyNotFound, StorageError
from wheelyard.storage.sizes import COPYING, Copying, part_size
from wheelyard.storage.store import CHUNK, Entry, Pairs, Store, Stored

if TYPE_CHECKING:
    from pathlib import Path

    from obstore import Attributes, GetOptions, ObjectMeta, PutMode
    from obstore.store import MemoryStore, S3Store

SINGLE_PUT = 8 * CHUNK
"""A file up to this size is created by one request; a larger one in parts."""

STAGING = "staging/"

_NO_BUCKET = "NoSuchBucket"
_CONFLICT = "409 Conflict"
_CONFLICT_DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8)

T = TypeVar("T")


class Told(NamedTuple):
    """What S3's own operations on a bucket are told.

    ``encryption``  headers, as the client sends them with its writes
    """

    bucket: str
    encryption: Pairs = ()
    copying: Copying = COPYING


class ObjectStore(Store):
    """A store on an obstore client, every key below an optional prefix."""

    def __init__(
        self,
        client: "S3Store | MemoryStore",
        prefix: str = "",
        sign: Callable[[str, str], str] | None = None,
        patient: "Callable[[], S3Store | MemoryStore] | None" = None,
        operate: Callable[[str, str, Pairs, Pairs], str] | None = None,
        told: "Told | None" = None,
    ) -> None:
        """``sign`` makes a presigned link of a method and a full key; memory has none. ``operate`` makes
        one for another operation, of its parameters and headers; that is done as it is ``told``.

        ``patient`` gives the client for what should not be given up early: whole files, and writes, which
        may happen all the same.
        """
        self._client = client
        self._patient = patient or (lambda: client)
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._sign = sign
        self._operate = operate
        self._told = told or Told("")

    def get(self, key: str) -> Stored:
        try:
            found = obstore.get(self._client, self._prefix + key)
            return Stored(bytes(found.bytes()), found.meta["e_tag"] or "")
        except (FileNotFoundError, BaseError) as error:
            raise _storage_error(key, error) from error

    def get_unless(self, key: str, etag: str) -> Stored | None:
        try:
            found = obstore.get(self._client, self._prefix + key, options={"if_none_match": etag})
            return Stored(bytes(found.bytes()), found.meta["e_tag"] or "")
        except NotModifiedError:
            return None
        except (FileNotFoundError, BaseError) as error:
            raise _storage_error(key, error) from error

    def head(self, key: str) -> Entry:
        try:
            found = self._head(self._prefix + key)
        except (FileNotFoundError, BaseError) as error:
            raise _storage_error(key, error) from error
        return Entry(key, found["size"], found["e_tag"] or "", found["last_modified"])

    def _head(self, path: str) -> "ObjectMeta":
        try:
            return obstore.head(self._client, path)
        except FileNotFoundError:
            # The answer to a HEAD has no body that would tell a missing bucket from a missing key.
            return obstore.get(self._client, path).meta

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        options: GetOptions = {}
        if start > 0 or end is not None:
            whole = self.head(key)
            end = whole.size if end is None else min(end, whole.size)
            if start >= end:
                return
            # Of the object whose size it is, should it be replaced just now.
            options = {"range": (start, end), "if_match": whole.etag}
        try:
            found = obstore.get(self._patient(), self._prefix + key, options=options)
            for buffer in found.stream(min_chunk_size=CHUNK // 4):
                piece = memoryview(buffer)
                for at in range(0, len(piece), CHUNK):
                    yield bytes(piece[at : at + CHUNK])
        except (FileNotFoundError, BaseError) as error:
            raise _storage_error(key, error) from error

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str | None = None,
        content_encoding: str | None = None,
    ) -> str:
        attributes: Attributes = {}
        if content_type:
            attributes["Content-Type"] = content_type
        if content_encoding:
            attributes["Content-Encoding"] = content_encoding
        try:
            return self._put(key, body, "overwrite", attributes or None)
        except (FileNotFoundError, BaseError) as error:
            raise _not_written(key, error) from error

    def create(self, key: str, body: bytes) -> str:
        return _created(key, lambda: self._put(key, body, "create"))

    def replace(self, key: str, body: bytes, etag: str) -> str:
        try:
            return self._put(key, body, {"e_tag": etag})
        # S3 says 404 to If-Match on a key that is gone.
        except (PreconditionError, FileNotFoundError) as error:
            if _NO_BUCKET in str(error):
                raise _not_written(key, error) from error
            raise KeyChanged(f"{key!r} is not the object that was read") from error
        except BaseError as error:
            raise _not_written(key, error) from error

    def _put(
        self, key: str, body: bytes, mode: "PutMode", attributes: "Attributes | None" = None
    ) -> str:
        path = self._prefix + key
        written = obstore.put(
            self._patient(), path, body, mode=mode, use_multipart=False, attributes=attributes
        )
        return written["e_tag"] or ""

    def create_from(self, key: str, path: "Path") -> None:
        if path.stat().st_size <= SINGLE_PUT:
            self.create(key, path.read_bytes())
            return
        # An upload in parts knows no precondition here, a copy does: the parts go to a key of their
        # own, and the copy within the store creates the object or finds it taken.
        # Only large files need it.
        from uuid import uuid4

        staged = f"{STAGING}{uuid4().hex}"
        try:
            self.put_from(staged, path)
            self.copy(staged, key)
        finally:
            # What cannot be removed is not seen by anybody, and the bucket's lifecycle removes it.
            with suppress(StorageError):
                self.delete(staged)

    def put_from(self, key: str, path: "Path") -> None:
        try:
            chunk = part_size(path.stat().st_size, SINGLE_PUT)
            obstore.put(
                self._patient(),
                self._prefix + key,
                path,
                chunk_size=chunk,
                # The parts that are under way are in memory.
                max_concurrency=max(1, 4 * SINGLE_PUT // chunk),
            )
        except (FileNotFoundError, BaseError) as error:
            raise _not_written(key, error) from error

    def copy(self, source: str, target: str) -> None:
        found = self.head(source)
        if self._operate is None or found.size <= self._told.copying.at_once:
            _created(target, lambda: self._copy(source, target))
        else:
            self._copy_by_parts(found, target)

    def _copy(self, source: str, target: str) -> None:
        try:
            obstore.copy(
                self._patient(), self._prefix + source, self._prefix + target, overwrite=False
            )
        except FileNotFoundError as error:
            raise _storage_error(source, error) from error

    def _copy_by_parts(self, found: Entry, target: str, *, create: bool = True) -> None:
        from urllib.parse import quote

        from wheelyard.storage.copying import copy_by_parts
        from wheelyard.storage.multipart import Source

        location = quote(f"{self._told.bucket}/{self._prefix}{found.key}")
        source = Source(found.key, location, found.size, found.etag)
        copying = self._told.copying
        _created(target, lambda: copy_by_parts(self, source, target, copying, create=create))

    def delete(self, key: str) -> None:
        try:
            obstore.delete(self._patient(), self._prefix + key)
        except FileNotFoundError as error:
            if not _is_missing_key(error):
                raise _not_written(key, error) from error
        except BaseError as error:
            raise _not_written(key, error) from error

    def list(self, prefix: str) -> Iterator[Entry]:
        try:
            for page in obstore.list(self._client, self._prefix + prefix):
                for found in page:
                    key = found["path"].removeprefix(self._prefix)
                    yield Entry(key, found["size"], found["e_tag"] or "", found["last_modified"])
        except (FileNotFoundError, BaseError) as error:
            raise _storage_error(prefix, error) from error

    def download_url(self, key: str, method: str) -> str | None:
        return self._sign and self._sign(method, self._prefix + key)

    def signed_url(
        self, key: str, method: str, query: Pairs = (), headers: Pairs = ()
    ) -> str | None:
        return self._operate and self._operate(method, self._prefix + key, query, headers)

    def write_headers(self, key: str) -> Pairs:
        del key
        return self._told.encryption


def _created(key: str, create: Callable[[], T]) -> T:
    """What ``create`` returns; repeated while another write to the key is under way.

    S3 then answers 409, which says nothing yet of who will have won; obstore repeats a replacement by
    itself, but takes this for 412. Raises ``KeyExists`` and ``StorageError``.
    """
    for delay in _CONFLICT_DELAYS:
        try:
            return create()
        except AlreadyExistsError as error:
            if _CONFLICT not in str(error):
                raise KeyExists(f"{key!r} exists") from error
            sleep(delay)
        except KeyContended:
            sleep(delay)
        except (FileNotFoundError, BaseError) as error:
            raise _not_written(key, error) from error
    raise StorageError(f"{key!r} cannot be written: others are writing it all the time")


def _is_missing_key(error: Exception) -> bool:
    # A missing bucket is a 404 as well, and must not look like an empty store.
    return isinstance(error, FileNotFoundError) and _NO_BUCKET not in str(error)


def _storage_error(key: str, error: Exception) -> StorageError:
    if _is_missing_key(error):
        return KeyNotFound(f"there is no object {key!r}")
    return StorageError(f"{key!r} cannot be read: {_first_line(error)}")


def _not_written(key: str, error: Exception) -> StorageError:
    return StorageError(f"{key!r} cannot be written: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:300]}"
