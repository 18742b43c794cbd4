"""Objects that arrive in parts: by S3's own multipart uploads, or as objects that are put together.

With S3 whoever has a presigned link sends a part straight there, so that neither its bytes nor its size
concern the index (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html). Everywhere else
the index takes the parts itself.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from html import escape, unescape
from time import sleep
from typing import TYPE_CHECKING, NamedTuple, Protocol

from wheelyard.errors import InvalidUpload, KeyExists, KeyNotFound, StorageError
from wheelyard.storage.staging import StagedFile
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

MOST_PARTS = 9_000  # S3 takes 10,000
SMALLEST_PART = 16 * 1024 * 1024

_MIB = 1024 * 1024
_ATTEMPTS = 4


def part_size(size: int) -> int:
    """Bytes of every part but the last, for a file of ``size`` bytes: whole MiB."""
    return max(SMALLEST_PART, -(-size // (MOST_PARTS * _MIB)) * _MIB)


class Multipart(Protocol):
    """Uploads in parts, each by its key and the id that ``begin`` gave."""

    def begin(self, key: str) -> str:
        """Begin an upload; returns its id."""

    def received(self, key: str, upload: str) -> dict[int, int]:
        """The parts that are there: number, from 1, to size in bytes. Raises ``KeyNotFound``."""

    def url(self, key: str, upload: str, number: int) -> str | None:
        """Where a part is PUT to, or None if the index takes it."""

    def receive(self, key: str, upload: str, number: int, body: Iterable[bytes], size: int) -> None:
        """Take a part of exactly ``size`` bytes. Raises ``InvalidUpload``."""

    def complete(self, key: str, upload: str) -> None:
        """Make the parts the object ``key``. Raises ``KeyNotFound`` if there is no such upload."""

    def abort(self, key: str, upload: str) -> None:
        """Throw the parts away; nothing to throw away is no error."""


def multipart(store: Store) -> Multipart:
    """The way in which ``store`` takes parts."""
    if store.signed_url("parts", "GET") is None:
        return StoredParts(store)
    return S3Parts(store)


class StoredParts:
    """Parts are objects beside the one that they become."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, key: str) -> str:
        return f"{key}.parts"

    def received(self, key: str, upload: str) -> dict[int, int]:
        del key
        return {int(e.key.rpartition("/")[2]): e.size for e in self._store.list(f"{upload}/")}

    def url(self, key: str, upload: str, number: int) -> str | None:
        del key, upload, number
        return None

    def receive(self, key: str, upload: str, number: int, body: Iterable[bytes], size: int) -> None:
        del key
        with StagedFile(self._store.staging()) as staged:
            left = size
            for chunk in body:
                left -= len(chunk)
                if left < 0:
                    break
                staged.file.write(chunk)
            if left != 0:
                raise InvalidUpload(
                    f"part {number} is not of the {size} bytes that it should have: send it again"
                )
            staged.file.flush()
            self._store.put_from(f"{upload}/{number:05}", staged.path)

    def complete(self, key: str, upload: str) -> None:
        parts = [entry.key for entry in self._store.list(f"{upload}/")]
        if not parts:
            raise KeyNotFound(f"there are no parts of {key!r}")
        with StagedFile(self._store.staging()) as staged:
            for part in parts:
                for chunk in self._store.read(part):
                    staged.file.write(chunk)
            staged.file.flush()
            with suppress(KeyExists):  # completed before, by one who died then
                self._store.create_from(key, staged.path)
        self.abort(key, upload)

    def abort(self, key: str, upload: str) -> None:
        del key
        for entry in list(self._store.list(f"{upload}/")):
            self._store.delete(entry.key)


class _Part(NamedTuple):
    number: int
    size: int
    etag: str


class S3Parts:
    """S3's multipart uploads. The index itself works by presigned links too: its client knows no parts."""

    def __init__(self, store: Store) -> None:
        import urllib3

        self._store = store
        # A POST is repeated as well: S3 sweeps what is begun twice, and completing is told apart. After
        # a connection that broke off that is done below: urllib3 would log the whole link.
        retries = urllib3.Retry(
            _ATTEMPTS,
            connect=0,
            read=0,
            other=0,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods=None,
            backoff_factor=0.2,
            raise_on_status=False,
        )
        self._http = urllib3.PoolManager(retries=retries, timeout=urllib3.Timeout(60))

    def begin(self, key: str) -> str:
        answer = self._ask("POST", key, (("uploads", ""),))
        return _one(answer, "UploadId")

    def received(self, key: str, upload: str) -> dict[int, int]:
        return {part.number: part.size for part in self._parts(key, upload)}

    def url(self, key: str, upload: str, number: int) -> str | None:
        return self._url(key, "PUT", (("partNumber", str(number)), ("uploadId", upload)))

    def receive(self, key: str, upload: str, number: int, body: Iterable[bytes], size: int) -> None:
        del key, upload, body, size
        raise InvalidUpload(f"part {number} is to be sent to the link that was given for it")

    def complete(self, key: str, upload: str) -> None:
        parts = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>{escape(part.etag)}</ETag></Part>"
            for part in self._parts(key, upload)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        answer = self._ask("POST", key, (("uploadId", upload),), body)
        # S3 sends 200 before it is done, and may then say in the body that it failed.
        if "<CompleteMultipartUploadResult" not in answer:
            raise StorageError(f"the parts of {key!r} could not be put together: {answer[:300]}")

    def abort(self, key: str, upload: str) -> None:
        with suppress(KeyNotFound):
            self._ask("DELETE", key, (("uploadId", upload),))

    def _parts(self, key: str, upload: str) -> Iterator[_Part]:
        marker = "0"
        while True:
            query = (("part-number-marker", marker), ("uploadId", upload))
            answer = self._ask("GET", key, query)
            for part in re.findall(r"<Part>(.*?)</Part>", answer, re.DOTALL):
                yield _Part(
                    int(_one(part, "PartNumber")), int(_one(part, "Size")), _one(part, "ETag")
                )
            if "<IsTruncated>true</IsTruncated>" not in answer:
                return
            marker = _one(answer, "NextPartNumberMarker")

    def _url(self, key: str, method: str, query: tuple[tuple[str, str], ...]) -> str:
        url = self._store.signed_url(key, method, query)
        assert url is not None  # noqa: S101  (asked when this was chosen)
        return url

    def _ask(
        self, method: str, key: str, query: tuple[tuple[str, str], ...], body: bytes = b""
    ) -> str:
        answer = self._request(method, key, query, body)
        text = answer.data.decode("utf-8", "replace")
        if answer.status == 404 and "NoSuchUpload" in text:
            raise KeyNotFound(f"there is no upload of {key!r} in parts")
        if not 200 <= answer.status < 300:
            raise StorageError(
                f"S3 answers {answer.status} about the parts of {key!r}: {_code(text)}"
            )
        return text

    def _request(
        self, method: str, key: str, query: tuple[tuple[str, str], ...], body: bytes
    ) -> "BaseHTTPResponse":
        import urllib3

        url, attempt = self._url(key, method, query), 1
        while True:
            try:
                return self._http.request(method, url, body=body, redirect=False)
            except urllib3.exceptions.HTTPError as error:
                # Its text has the presigned link.
                failure = f"S3 does not answer about {key!r}: {type(error).__name__}"
            if attempt == _ATTEMPTS:
                raise StorageError(failure)
            sleep(0.1 * 2**attempt)
            attempt += 1


def _one(xml: str, name: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    if not found:
        raise StorageError(f"S3's answer about an upload in parts has no {name}")
    return unescape(found[1])


def _code(xml: str) -> str:
    found = re.search("<Code>(.*?)</Code>", xml)
    return found[1] if found else "no reason"
