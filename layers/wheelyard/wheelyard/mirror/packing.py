"""Writing a shard as ``mirror.packed`` reads it."""

import zlib
from itertools import accumulate

from isal import isal_zlib

from wheelyard.mirror import packed

# Of about 27 bytes each. Smaller blocks compress worse, larger ones take longer to unpack.
_ENTRIES = 128
# The header's field has 65,535 bytes at most, and a line of it not more than 220.
_MOST_BLOCKS = 250
_LEVEL = 3


def pack(text: str, digest: str) -> bytes:
    """The shard with this text, as it is stored: the same bytes for the same text."""
    blocks = _blocks(text)
    deflating = isal_zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
    last = len(blocks) - 1
    bodies = [
        deflating.compress(block)
        + deflating.flush(isal_zlib.Z_FINISH if number == last else isal_zlib.Z_FULL_FLUSH)
        for number, block in enumerate(blocks)
    ]
    whole = text.encode()
    trailer = packed.TRAILER.pack(zlib.crc32(whole), len(whole))
    return b"".join((_header(blocks, bodies, digest), *bodies, trailer))


def _blocks(text: str) -> list[bytes]:
    """The text in pieces of whole entries, each with the comma behind it."""
    entries = text.encode().split(b",")
    each = max(_ENTRIES, -(-len(entries) // _MOST_BLOCKS))
    blocks = [b",".join(entries[at : at + each]) + b"," for at in range(0, len(entries), each)]
    return [*blocks[:-1], blocks[-1][:-1]]


def _header(blocks: list[bytes], bodies: list[bytes], digest: str) -> bytes:
    lines = b"\n".join(
        b"%b %d %d" % (block.split(b'"', 2)[1], end, zlib.crc32(block))
        for block, end in zip(blocks, accumulate(map(len, bodies)), strict=True)
    )
    start = packed.START.pack(
        packed.MAGIC, packed.FLAGS, 0, 0, 255, len(lines) + 4, packed.SUBFIELD, len(lines)
    )
    header = b"%b%b%b\0" % (start, lines, packed.file_name(digest))
    return header + packed.CHECKSUM.pack(zlib.crc32(header) & 0xFFFF)
