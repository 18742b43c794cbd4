"""Decompression in small pieces, of streams that must end exactly where their input does.

The standard library's readers stop early or read on where a stream is not what was announced; another
reader of the same file then sees other contents.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator

from wheelyard.errors import InvalidArchive

PIECE = 64 * 1024
"""The most bytes that any of these generators yields at once."""

# xz -9 needs 65 MiB.
_XZ_MEMORY = 96 * 1024 * 1024


def deflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a raw deflate stream, as ZIP has them."""
    return _inflated(zlib.decompressobj(-zlib.MAX_WBITS), pieces)


def gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a gzip file of one member (RFC 1952)."""
    return _inflated(zlib.decompressobj(16 + zlib.MAX_WBITS), pieces)


def bunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a bzip2 file of one stream."""
    return _decompressed(bz2.BZ2Decompressor(), pieces)


def unxzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of an xz file of one stream."""
    return _decompressed(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY), pieces)


DECOMPRESSORS: dict[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    ".tar.gz": gunzipped,
    ".tar.bz2": bunzipped,
    ".tar.xz": unxzipped,
}


def _inflated(inflater: "zlib._Decompress", pieces: Iterable[bytes]) -> Iterator[bytes]:
    source = iter(pieces)
    while not inflater.eof:
        data = inflater.unconsumed_tail or next(source, b"")
        try:
            content = inflater.decompress(data, PIECE)
        except zlib.error as e:
            raise _broken(e) from e
        if content:
            yield content
        elif not data:
            raise _cut_off()
    _expect_end(inflater.unused_data, source)


def _decompressed(
    decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor, pieces: Iterable[bytes]
) -> Iterator[bytes]:
    source = iter(pieces)
    while not decompressor.eof:
        data = next(source, b"") if decompressor.needs_input else b""
        try:
            content = decompressor.decompress(data, PIECE)
        except (OSError, ValueError, lzma.LZMAError) as e:
            raise _broken(e) from e
        if content:
            yield content
        elif not data and decompressor.needs_input:
            raise _cut_off()
    _expect_end(decompressor.unused_data, source)


def _expect_end(unused: bytes, source: Iterator[bytes]) -> None:
    if unused or next(source, b""):
        raise InvalidArchive(
            "there are bytes after the end of the compressed data: build the file again, as one stream"
        )


def _broken(error: Exception) -> InvalidArchive:
    return InvalidArchive(
        f"the compressed data is broken ({error}): build or upload the file again"
    )


def _cut_off() -> InvalidArchive:
    return InvalidArchive("the compressed data is cut off: build or upload the file again")
