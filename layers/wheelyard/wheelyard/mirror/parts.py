"""Parts: what Fetch hands to Shard, the names of upstream's listing divided by bucket.

A part has a line for each of its buckets, with what is to stand in the shard for each name and a comma
behind it: ``"flask":31337,"six":null,``. They are in upstream's order, and a name may be there twice. The
parts live for minutes and are not compressed.
"""

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

from wheelyard.errors import InvalidDocument, InvalidName, TooLarge, UpstreamInvalid
from wheelyard.mirror import shards
from wheelyard.mirror.payloads import Part
from wheelyard.mirror.root import read_root, root_reader
from wheelyard.mirror.root_names import RootNames
from wheelyard.protocol.names import project_name, project_names
from wheelyard.storage import keys
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.mirror.upstream import Answer

_logger = logging.getLogger(__name__)

MOST_PARTS = 16
NAMES_PER_PART = 250_000
"""A part takes about a second, start of its process included, and little memory."""

MOST_BYTES = 1024**3
"""A root listing larger than this is not read on."""

# So many entries are kept as such, before they are joined to their bucket's line.
_KEPT = 50_000

Progress = Callable[[int], None]
"""Is told how many names more are read."""


class PartWriter:
    """The names of one listing on their way into parts."""

    def __init__(self) -> None:
        self._lines = [bytearray() for _ in shards.BUCKETS]
        self._entries: list[list[str]] = [[] for _ in shards.BUCKETS]
        self._kept = 0
        self.count = 0
        self._refused = 0
        self._example = ""

    def read(self, answer: "Answer", progress: Progress) -> int | None:
        """Take in the whole body; returns the listing's serial. Raises ``UpstreamError``."""
        try:
            reader = root_reader(answer.headers.get("content-type", ""))
            for found in read_root(reader, _bounded(answer.chunks())):
                self._add(found)
                progress(len(found.names))
        except (InvalidDocument, TooLarge) as error:
            raise UpstreamInvalid(str(error)) from error
        if self._refused:
            _logger.warning(
                "upstream lists %d names that are none, such as %r", self._refused, self._example
            )
            if not self.count:
                raise UpstreamInvalid("upstream's root listing has no valid name in it")
        return reader.serial

    def _add(self, found: RootNames) -> None:
        try:
            names = project_names(found.names)
        except InvalidName:
            found = self._valid(found)
            names = project_names(found.names)
        entries = shards.entries(names, found.serials)
        for bucket, entry in zip(keys.bucket_numbers(names), entries, strict=True):
            self._entries[bucket].append(entry)
        self.count += len(names)
        self._kept += len(names)
        if self._kept >= _KEPT:
            self._join()

    def _valid(self, found: RootNames) -> RootNames:
        """Those whose names are valid; the others are counted."""
        valid = RootNames([], [])
        for raw, serial in zip(found.names, found.serials, strict=True):
            try:
                project_name(raw)
            except InvalidName:
                self._refused += 1
                self._example = raw[:100]
            else:
                valid.names.append(raw)
                valid.serials.append(serial)
        return valid

    def _join(self) -> None:
        for line, entries in zip(self._lines, self._entries, strict=True):
            entries.append("")
            line += ",".join(entries).encode()
            entries.clear()
        self._kept = 0

    def write(self, store: Store) -> list[Part]:
        """Store the parts. Only now, so that a listing that breaks off leaves nothing behind."""
        self._join()
        run = uuid4().hex
        parts = []
        for number, first in enumerate(
            range(0, len(self._lines), each := self._buckets_per_part())
        ):
            lines = self._lines[first : first + each]
            key = keys.part(run, number)
            store.put(key, b"\n".join(lines))
            parts.append(Part(key=key, first=first, last=first + len(lines) - 1))
        return parts

    def _buckets_per_part(self) -> int:
        parts = min(MOST_PARTS, max(1, -(-self.count // NAMES_PER_PART)))
        return -(-len(self._lines) // parts)


def read_part(store: Store, part: Part) -> Iterator[list[str]]:
    """The entries of each bucket of one part. Raises ``KeyNotFound`` and ``InvalidDocument``."""
    lines = store.get(part["key"]).body.split(b"\n")
    if len(lines) != part["last"] - part["first"] + 1:
        raise InvalidDocument("a part is not as this version of Wheelyard writes it: run again")
    for line in lines:
        yield line.decode().split(",")[:-1]


def _bounded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > MOST_BYTES:
            raise TooLarge(f"upstream's root listing has more than {MOST_BYTES} bytes")
        yield chunk
