"""The store on S3 and in memory, by obstore.

obstore retries by itself what may be retried, and S3's conditional writes are plain HTTP preconditions
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    PreconditionError,
)

from wheelyard.errors import KeyChanged, KeyExists, KeyNotFound, StorageError
from wheelyard.storage import keys
from wheelyard.storage.store import CHUNK, Entry, Store, Stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from obstore import Attributes, PutMode
    from obstore.store import MemoryStore, S3Store

SINGLE_PUT = 8 * CHUNK
"""A file up to this size is created by one request; a larger one in parts."""

STAGING = "staging/"

# A file never changes under its key, so whoever fetched it by a presigned link may keep it.
_ATTRIBUTES: "Attributes" = {"Cache-Control": "private, max-age=31536000, immutable"}


class ObjectStore(Store):
    """A store on an obstore client, every key below an optional prefix."""

    def __init__(
        self,
        client: "S3Store | MemoryStore",
        prefix: str = "",
        sign: "Callable[[str, str], str] | None" = None,
    ) -> None:
        """``sign`` makes a presigned link of a method and a full key; memory has none."""
        self._client = client
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._sign = sign

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
            found = obstore.head(self._client, self._prefix + key)
        except (FileNotFoundError, BaseError) as error:
            raise _storage_error(key, error) from error
        return Entry(key, found["size"], found["e_tag"] or "", found["last_modified"])

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        size = self.head(key).size
        end = size if end is None else min(end, size)
        if start >= end:
            return
        try:
            found = obstore.get(self._client, self._prefix + key, options={"range": (start, end)})
            for chunk in found.stream(min_chunk_size=CHUNK // 4):
                yield bytes(chunk)
        except (FileNotFoundError, BaseError) as error:
            raise _storage_error(key, error) from error

    def put(self, key: str, body: bytes, content_type: str | None = None) -> str:
        attributes: Attributes | None = {"Content-Type": content_type} if content_type else None
        return self._put(key, body, "overwrite", attributes)

    def create(self, key: str, body: bytes) -> str:
        try:
            immutable = key.startswith((keys.PACKAGES, keys.MIRROR_FILES))
            return self._put(key, body, "create", _ATTRIBUTES if immutable else None)
        except AlreadyExistsError as error:
            raise KeyExists(f"{key!r} exists") from error

    def replace(self, key: str, body: bytes, etag: str) -> str:
        try:
            return self._put(key, body, {"e_tag": etag})
        # S3 says 404 to If-Match on a key that is gone.
        except (PreconditionError, FileNotFoundError) as error:
            raise KeyChanged(f"{key!r} is not the object that was read") from error

    def _put(
        self, key: str, body: bytes, mode: "PutMode", attributes: "Attributes | None" = None
    ) -> str:
        try:
            written = obstore.put(
                self._client,
                self._prefix + key,
                body,
                mode=mode,
                use_multipart=False,
                attributes=attributes,
            )
        except (AlreadyExistsError, PreconditionError, FileNotFoundError):
            raise
        except BaseError as error:
            raise _storage_error(key, error) from error
        return written["e_tag"] or ""

    def create_from(self, key: str, path: Path) -> None:
        if path.stat().st_size <= SINGLE_PUT:
            self.create(key, path.read_bytes())
            return
        # An upload in parts knows no precondition here, a copy does: the parts go to a key of their
        # own, and the copy within the store creates the object or finds it taken.
        staged = f"{self._prefix}{STAGING}{uuid4().hex}"
        try:
            obstore.put(
                self._client,
                staged,
                path,
                chunk_size=SINGLE_PUT,
                max_concurrency=4,
                use_multipart=True,
                attributes=_ATTRIBUTES,
            )
            obstore.copy(self._client, staged, self._prefix + key, overwrite=False)
        except AlreadyExistsError as error:
            raise KeyExists(f"{key!r} exists") from error
        except (FileNotFoundError, BaseError) as error:
            raise _storage_error(key, error) from error
        finally:
            self.delete(staged.removeprefix(self._prefix))

    def put_from(self, key: str, path: Path) -> None:
        try:
            obstore.put(
                self._client,
                self._prefix + key,
                path,
                chunk_size=SINGLE_PUT,
                max_concurrency=4,
                attributes=_ATTRIBUTES,
            )
        except (FileNotFoundError, BaseError) as error:
            raise _storage_error(key, error) from error

    def copy(self, source: str, target: str) -> None:
        try:
            obstore.copy(
                self._client, self._prefix + source, self._prefix + target, overwrite=False
            )
        except AlreadyExistsError as error:
            raise KeyExists(f"{target!r} exists") from error
        except (FileNotFoundError, BaseError) as error:
            raise _storage_error(source, error) from error

    def delete(self, key: str) -> None:
        try:
            obstore.delete(self._client, self._prefix + key)
        except FileNotFoundError as error:
            if isinstance(_storage_error(key, error), KeyNotFound):
                return
            raise StorageError(f"{key!r} could not be deleted") from error
        except BaseError as error:
            raise _storage_error(key, error) from error

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


def _storage_error(key: str, error: Exception) -> StorageError:
    # A missing bucket is a 404 as well, and must not look like an empty store.
    if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error):
        return KeyNotFound(f"there is no object {key!r}")
    return StorageError(f"{key!r}: {type(error).__name__}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
