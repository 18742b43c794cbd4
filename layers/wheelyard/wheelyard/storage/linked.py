"""Reading a bucket by presigned links and nothing but the standard library.

For a function at CloudFront's edge, whose code may have 1 MB: obstore has twenty.
"""

from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from wheelyard.errors import KeyNotFound, StorageError
from wheelyard.storage.store import Stored

# Seconds for a connection and for each part of an answer: a viewer's request may take five in all.
_TIMEOUT = 2.0


class _Answer(NamedTuple):
    status: int
    etag: str
    body: bytes


class LinkedRecords:
    """Small objects, read whole; as ``Store`` has it, of which this is a small part."""

    def __init__(self, sign: Callable[[str, str], str]) -> None:
        """``sign`` makes a presigned link of a method and a key."""
        self._sign = sign

    def get(self, key: str) -> Stored:
        """The whole object. Raises ``KeyNotFound`` and ``StorageError``."""
        return self._stored(key, self._ask(key, {}))

    def get_unless(self, key: str, etag: str) -> Stored | None:
        """The whole object, or None if it is still the one with ``etag``."""
        answer = self._ask(key, {"If-None-Match": etag})
        return None if answer.status == 304 else self._stored(key, answer)

    def _stored(self, key: str, answer: _Answer) -> Stored:
        if answer.status == 200:
            return Stored(answer.body, answer.etag)
        # A missing bucket is a 404 as well, and must not look like a missing user.
        if answer.status == 404 and b"NoSuchBucket" not in answer.body:
            raise KeyNotFound(f"there is no object {key!r}")
        raise StorageError(f"{key!r} cannot be read: S3 answers {answer.status}")

    def _ask(self, key: str, headers: dict[str, str]) -> _Answer:
        url = urlsplit(self._sign("GET", key))
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(url.netloc, timeout=_TIMEOUT)
        try:
            connection.request("GET", f"{url.path}?{url.query}", headers=headers)
            answer = connection.getresponse()
            return _Answer(answer.status, answer.headers.get("etag", ""), answer.read())
        except (OSError, HTTPException) as error:
            raise StorageError(f"{key!r} cannot be read: {error!r}") from error
        finally:
            connection.close()
