"""Parts: what Fetch hands to Shard, upstream's names as they came, divided by bucket.

A line is ``bucket name serial``, or without the serial; the same name may stand there twice.
"""

import logging
import zlib
from collections.abc import Callable, Iterator
from uuid import uuid4

from wheelyard.errors import InvalidDocument, InvalidName, TooLarge, UpstreamInvalid
from wheelyard.mirror import shards
from wheelyard.mirror.payloads import Part
from wheelyard.mirror.root import read_root, root_reader
from wheelyard.mirror.upstream import Answer
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage import keys
from wheelyard.storage.store import Store

_logger = logging.getLogger(__name__)

PARTS = 16
"""Into how many parts the buckets are divided: one for each first digit."""

MOST_BYTES = 1024**3
"""A root listing larger than this is not read on."""

# Fast: the parts live for minutes.
_LEVEL = 1

Progress = Callable[[int], None]
"""Is told how many names more are read."""


class PartWriter:
    """The names of one listing on their way into parts, compressed as they come."""

    def __init__(self) -> None:
        self._packers = [zlib.compressobj(_LEVEL, wbits=31) for _ in range(PARTS)]
        self._packed = [bytearray() for _ in range(PARTS)]
        self.count = 0
        self._refused = 0
        self._example = ""

    def read(self, answer: Answer, progress: Progress) -> int | None:
        """Take in the whole body; returns the listing's serial. Raises ``UpstreamError``."""
        try:
            reader = root_reader(answer.headers.get("content-type", ""))
            for found in read_root(reader, _bounded(answer.chunks())):
                lines: list[list[str]] = [[] for _ in range(PARTS)]
                for raw, serial in found:
                    self._add(lines, raw, serial)
                for packed, packer, batch in zip(self._packed, self._packers, lines, strict=True):
                    packed += packer.compress("".join(batch).encode())
                progress(len(found))
        except (InvalidDocument, TooLarge) as error:
            raise UpstreamInvalid(str(error)) from error
        if self._refused:
            _logger.warning(
                "upstream lists %d names that are none, such as %r", self._refused, self._example
            )
            if not self.count:
                raise UpstreamInvalid("upstream's root listing has no valid name in it")
        return reader.serial

    def _add(self, lines: list[list[str]], raw: str, serial: int | None) -> None:
        try:
            name = project_name(raw)
        except InvalidName:
            self._refused += 1
            self._example = raw[:100]
            return
        bucket = keys.bucket(name)
        end = "\n" if serial is None else f" {serial}\n"
        lines[int(bucket[0], PARTS)].append(f"{bucket} {name}{end}")
        self.count += 1

    def write(self, store: Store) -> list[Part]:
        """Store the parts. Only now, so that a listing that breaks off leaves nothing behind."""
        run = uuid4().hex
        each = len(shards.BUCKETS) // PARTS
        parts = []
        for number, (packed, packer) in enumerate(zip(self._packed, self._packers, strict=True)):
            key = keys.part(run, number)
            store.put(key, bytes(packed + packer.flush()))
            parts.append(Part(key=key, first=number * each, last=number * each + each - 1))
        return parts


def _bounded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > MOST_BYTES:
            raise TooLarge(f"upstream's root listing has more than {MOST_BYTES} bytes")
        yield chunk


def read_part(store: Store, part: Part) -> dict[str, shards.Names]:
    """The names of one part by bucket, each once. Raises ``KeyNotFound``."""
    buckets: dict[str, shards.Names] = {}
    for line in zlib.decompress(store.get(part["key"]).body, wbits=31).decode().splitlines():
        bucket, name, *serial = line.split(" ")
        names = buckets.setdefault(bucket, {})
        shards.merge(names, ProjectName(name), int(serial[0]) if serial else None)
    return buckets
