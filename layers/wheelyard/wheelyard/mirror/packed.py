"""Shards as they are stored: gzip files of which a name is found by unpacking a small part.

As in dictzip's files, the compression begins anew every few thousand bytes, and a field of the header says
where (RFC 1952, 2.3.1.1; the subfield is "WY"): a line for each block, with its first name, the end of its
compressed bytes and its CRC-32. For everybody else it is a gzip file like any other. The header also has
the shard's digest, as the file's name, and a checksum of itself.

Looking a name up costs the same in a shard of 40 names and of 20,000. It checks the header and one block,
so that no damage is taken for an answer, and not the digest of the whole text, for which all of it would
have to be unpacked. Whoever reads a shard whole checks that.
"""

import struct
import zlib
from bisect import bisect_right
from hashlib import sha256
from typing import NamedTuple

from wheelyard.errors import InvalidDocument
from wheelyard.mirror.shards import SnapshotEntry, find
from wheelyard.protocol.names import ProjectName

START = struct.Struct("<3sBIBBH2sH")
"""How the header begins: magic, flags, time, two bytes of no matter, the field's size, the subfield's."""
MAGIC = b"\x1f\x8b\x08"
FLAGS = 0b1110
"""The header has a checksum, an extra field and a file name."""
SUBFIELD = b"WY"
CHECKSUM = struct.Struct("<H")
"""The last of the header: the lower half of its CRC-32."""
TRAILER = struct.Struct("<II")
"""Behind the compressed text: the CRC-32 and the size of the whole."""

# A bucket of an index of five million names has 600 kB; more than this is no shard of ours.
_LARGEST = 32 * 1024 * 1024


class PackedShard(NamedTuple):
    """A shard in which names can be looked up."""

    digest: str
    raw: bytes
    """The shard as it is stored; or its text, if it was stored before there were blocks."""
    start: int
    """Where the compressed text begins."""
    blocks: list[bytes]
    """The header's lines, in order of names; none where there are no blocks."""

    def find(self, name: ProjectName) -> SnapshotEntry | None:
        """What the shard says of ``name``, None if it is not there. Raises ``InvalidDocument``."""
        if not self.blocks:
            return find(self.raw, name)
        # A line goes on with a space, which comes before all that a name has.
        number = bisect_right(self.blocks, name.encode() + b"!") - 1
        return find(self._block(number), name) if number >= 0 else None

    def _block(self, number: int) -> bytes:
        before = int(self.blocks[number - 1].split(b" ")[1]) if number else 0
        _, end, checksum = self.blocks[number].split(b" ")
        packed = self.raw[self.start + before : self.start + int(end)]
        try:
            text = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, _LARGEST)
        except zlib.error as error:
            raise InvalidDocument(f"shard {self.digest!r} cannot be read: {error}") from error
        if zlib.crc32(text) != int(checksum):
            raise InvalidDocument(f"shard {self.digest!r} is damaged: a block has another checksum")
        return text


def open_shard(raw: bytes, digest: str) -> PackedShard:
    """A stored shard. Raises ``InvalidDocument`` if it does not begin as the one called ``digest`` does."""
    if raw[3:4] != bytes([FLAGS]):
        return PackedShard(digest, unpack(raw, digest), 0, [])
    try:
        magic, flags, _, _, _, _, subfield, size = START.unpack_from(raw)
        named = START.size + size
        end = raw.index(b"\0", named) + 1
        (checksum,) = CHECKSUM.unpack_from(raw, end)
    except (struct.error, ValueError) as error:
        raise InvalidDocument(f"shard {digest!r} cannot be read: {error}") from error
    if (magic, flags, subfield) != (MAGIC, FLAGS, SUBFIELD) or (
        zlib.crc32(raw[:end]) & 0xFFFF != checksum or raw[named : end - 1] != file_name(digest)
    ):
        raise InvalidDocument(f"shard {digest!r} has another header than it was written with")
    start, blocks = end + CHECKSUM.size, raw[START.size : named].split(b"\n")
    if len(raw) != start + int(blocks[-1].split(b" ")[1]) + TRAILER.size:
        raise InvalidDocument(f"shard {digest!r} is cut off")
    return PackedShard(digest, raw, start, blocks)


def file_name(digest: str) -> bytes:
    """What the header calls a shard."""
    return b"%b.json" % digest.encode()


def unpack(raw: bytes, digest: str) -> bytes:
    """The whole text. Raises ``InvalidDocument`` if it is not that of the shard called ``digest``."""
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        text = unpacking.decompress(raw, _LARGEST)
    except zlib.error as error:
        raise InvalidDocument(f"shard {digest!r} cannot be read: {error}") from error
    if not unpacking.eof or sha256(text).hexdigest()[:32] != digest:
        raise InvalidDocument(f"shard {digest!r} has another content than its name says")
    return text
