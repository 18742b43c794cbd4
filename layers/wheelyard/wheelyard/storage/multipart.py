"""Objects that arrive in parts: by S3's own multipart uploads, or as objects that are put together.

With S3 whoever has a presigned link sends a part straight there, so that neither its bytes nor its size
concern the index (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html). Everywhere else
the index takes the parts itself.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from html import escape
from typing import NamedTuple, Protocol

from wheelyard.errors import (
    InvalidUpload,
    KeyChanged,
    KeyContended,
    KeyExists,
    KeyNotFound,
    StorageError,
)
from wheelyard.storage.operations import Answer, Operations, element
from wheelyard.storage.staging import StagedFile
from wheelyard.storage.store import Store


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


class Source(NamedTuple):
    """An object that is copied, as it was found.

    ``location``  bucket and key as ``x-amz-copy-source`` has them, percent-encoded
    """

    key: str
    location: str
    size: int
    etag: str


class Part(NamedTuple):
    """A part that is there. ``checksums`` are elements of XML, as S3 gave them and wants them back."""

    number: int
    size: int
    etag: str
    checksums: str = ""


class S3Parts:
    """S3's multipart uploads. The index itself works by presigned links too: its client knows no parts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._operations = Operations(store)

    def begin(self, key: str) -> str:
        headers = self._store.write_headers(key)
        answer = self._operations.ask("POST", key, (("uploads", ""),), headers=headers)
        return element(_good(answer, key), "UploadId")

    def received(self, key: str, upload: str) -> dict[int, int]:
        return {part.number: part.size for part in self._parts(key, upload)}

    def url(self, key: str, upload: str, number: int) -> str | None:
        return self._store.signed_url(key, "PUT", _of_part(upload, number))

    def receive(self, key: str, upload: str, number: int, body: Iterable[bytes], size: int) -> None:
        del key, upload, body, size
        raise InvalidUpload(f"part {number} is to be sent to the link that was given for it")

    def copy(
        self, key: str, upload: str, number: int, source: "Source", start: int, end: int
    ) -> Part:
        """Make a part of the bytes ``start`` to before ``end`` of another object, within S3.

        Raises ``KeyNotFound`` and ``KeyChanged`` if that is not the one any more.
        """
        headers = [
            ("x-amz-copy-source", source.location),
            ("x-amz-copy-source-if-match", source.etag),
        ]
        if end - start < source.size:
            headers.append(("x-amz-copy-source-range", f"bytes={start}-{end - 1}"))
        answer = self._operations.ask("PUT", key, _of_part(upload, number), headers=headers)
        if answer.code == "NoSuchKey":
            raise KeyNotFound(f"there is no object {source.key!r}")
        if answer.status == 412 or answer.code == "PreconditionFailed":
            raise KeyChanged(f"{source.key!r} became another object while it was copied")
        text = _good(answer, key)
        checksums = re.findall(r"<(Checksum\w+)>([^<]*)</\1>", text)
        return Part(
            number,
            end - start,
            element(text, "ETag"),
            "".join(f"<{name}>{value}</{name}>" for name, value in checksums),
        )

    def complete(self, key: str, upload: str) -> None:
        self.join(key, upload, self._parts(key, upload))

    def join(self, key: str, upload: str, parts: Iterable[Part], *, create: bool = False) -> None:
        """Make these parts the object ``key``; with ``create``, only if the key is free.

        Raises ``KeyNotFound`` if there is no such upload, ``KeyExists``, and ``KeyContended``.
        """
        listed = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>{escape(part.etag)}</ETag>"
            f"{part.checksums}</Part>"
            for part in parts
        )
        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        headers = (("if-none-match", "*"),) if create else ()
        answer = self._operations.ask("POST", key, (("uploadId", upload),), body, headers)
        if create and (answer.status == 412 or answer.code == "PreconditionFailed"):
            raise KeyExists(f"{key!r} exists")
        if create and (answer.status == 409 or answer.code == "ConditionalRequestConflict"):
            raise KeyContended(f"{key!r} is just being written by another")
        if "<CompleteMultipartUploadResult" not in _good(answer, key):
            raise StorageError(f"the parts of {key!r} could not be put together: {answer.reason}")

    def abort(self, key: str, upload: str) -> None:
        with suppress(KeyNotFound):
            _good(self._operations.ask("DELETE", key, (("uploadId", upload),)), key)

    def _parts(self, key: str, upload: str) -> Iterator[Part]:
        marker = "0"
        while True:
            query = (("part-number-marker", marker), ("uploadId", upload))
            answer = _good(self._operations.ask("GET", key, query), key)
            for part in re.findall(r"<Part>(.*?)</Part>", answer, re.DOTALL):
                yield Part(
                    int(element(part, "PartNumber")),
                    int(element(part, "Size")),
                    element(part, "ETag"),
                )
            if "<IsTruncated>true</IsTruncated>" not in answer:
                return
            marker = element(answer, "NextPartNumberMarker")


def _of_part(upload: str, number: int) -> tuple[tuple[str, str], ...]:
    return (("partNumber", str(number)), ("uploadId", upload))


def _good(answer: Answer, key: str) -> str:
    """The text of a good answer. Raises ``KeyNotFound`` where there is no such upload."""
    if answer.code == "NoSuchUpload":
        raise KeyNotFound(f"there is no upload of {key!r} in parts")
    if not answer.good:
        raise StorageError(f"S3 answers {answer.reason} about the parts of {key!r}")
    return answer.text
