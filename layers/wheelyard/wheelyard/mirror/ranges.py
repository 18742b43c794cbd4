"""A file that is read in parts, as ``zipfile`` reads: the end first, then here and there."""

import io
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wheelyard.errors import UpstreamInvalid, WheelyardError
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.mirror.deadline import Deadline
    from wheelyard.mirror.upstream import Upstream

_TAIL = 64 * 1024
_AHEAD = 16 * 1024
# What may be read of one file in all: the largest known wheels have directories of a few megabytes.
_MOST = 64 * 1024 * 1024
_MOST_DIGITS = 19


class RangesRefused(WheelyardError):
    """Upstream does not give parts of this file; the whole of it must be had."""


class Parts(ABC):
    """Where the parts come from."""

    @abstractmethod
    def tail(self, count: int) -> tuple[int, bytes]:
        """The size of the whole, and its last bytes, ``count`` or all."""

    @abstractmethod
    def read(self, start: int, end: int) -> bytes:
        """The bytes ``start`` up to, not including, ``end``."""


class StoredParts(Parts):
    """Of an object in the store."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key

    def tail(self, count: int) -> tuple[int, bytes]:
        size = self._store.head(self._key).size
        return size, self.read(max(0, size - count), size)

    def read(self, start: int, end: int) -> bytes:
        return b"".join(self._store.read(self._key, start, end))


class UpstreamParts(Parts):
    """Of a file at upstream, by range requests (RFC 9110, 14)."""

    def __init__(self, upstream: "Upstream", url: str, deadline: "Deadline") -> None:
        self._upstream = upstream
        self._url = url
        self._deadline = deadline
        self._etag = ""

    def tail(self, count: int) -> tuple[int, bytes]:
        return self._ask(f"bytes=-{count}", count)

    def read(self, start: int, end: int) -> bytes:
        return self._ask(f"bytes={start}-{end - 1}", end - start)[1]

    def _ask(self, wanted: str, most: int) -> tuple[int, bytes]:
        from wheelyard.mirror.upstream import require

        headers = {"range": wanted, "accept-encoding": "identity"}
        if self._etag:
            headers["if-range"] = self._etag
        with self._upstream.get(self._url, headers, self._deadline) as answer:
            # 416 is said to a range of an empty file, and 501 by some who do not know suffixes.
            if answer.status in (200, 416, 501):
                raise RangesRefused("upstream gives no parts of files")
            require(answer, 206)
            etag = answer.headers.get("etag", "")
            self._etag = etag if etag.startswith('"') else ""
            span = answer.headers.get("content-range", "").removeprefix("bytes ")
            body = answer.body(most)
        return _size(span, wanted, len(body)), body


def _size(span: str, wanted: str, length: int) -> int:
    """The size of the whole by a ``Content-Range``, which must be for the bytes that came."""
    place, _, size = span.partition("/")
    first, _, last = place.partition("-")
    numbers = (first, last, size)
    # Python reads no number of thousands of digits.
    if not all(number.isdecimal() and len(number) < _MOST_DIGITS for number in numbers):
        raise RangesRefused("upstream does not say which part of the file it gives")
    start = wanted.removeprefix("bytes=").partition("-")[0]
    expected = start or str(int(size) - length)
    if first != expected or int(last) - int(first) + 1 != length:
        raise RangesRefused("upstream gives another part of the file than was asked for")
    return int(size)


class PartialFile(io.RawIOBase):
    """A readable, seekable file made of parts, each fetched once."""

    def __init__(self, parts: Parts) -> None:
        """Raises ``RangesRefused`` and what the parts raise."""
        super().__init__()
        self._parts = parts
        self._size, tail = parts.tail(_TAIL)
        self._blocks = [(self._size - len(tail), tail)]
        self._fetched = len(tail)
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there. Raises ``ValueError`` for a place before the file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"there is no place {base + offset} in a file")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Up to ``size`` bytes, to the end if it is negative. Raises ``UpstreamInvalid`` beyond reason."""
        end = self._size if size is None or size < 0 else min(self._at + size, self._size)
        return b"".join(self._pieces(end))

    def _pieces(self, end: int) -> Iterator[bytes]:
        while self._at < end:
            piece = self._known(self._at, end) or self._fetch(self._at, end)
            self._at += len(piece)
            yield piece

    def _known(self, start: int, end: int) -> bytes:
        for first, block in self._blocks:
            if first <= start < first + len(block):
                return block[start - first : end - first]
        return b""

    def _fetch(self, start: int, end: int) -> bytes:
        # Not beyond what is known already, which is mostly the tail.
        next_known = min((first for first, _ in self._blocks if first > start), default=self._size)
        until = min(max(end, start + _AHEAD), next_known)
        self._fetched += until - start
        if self._fetched > _MOST:
            raise UpstreamInvalid("the wheel's directory is too large to be read from afar")
        block = self._parts.read(start, until)
        if len(block) != until - start:
            raise UpstreamInvalid("upstream gives less of the file than was asked for")
        self._blocks.append((start, block))
        return block[: end - start]
