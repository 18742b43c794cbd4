"""The framing of a tar file, checked block by block before any reader sees it.

The standard library's reader stops at the first block that it cannot read and calls that the end, believes
sizes from extension headers, and reads those of any length. What passes here has one meaning only.

The format: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html (ustar and pax interchange
format), and GNU tar's long names.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from wheelyard.errors import InvalidArchive
from wheelyard.publish.inflate import PIECE
from wheelyard.publish.members import shown

BLOCK: Final = 512
_ZEROS = bytes(BLOCK)
_MOST_EXTENSION = 256 * 1024

_FILES, _LINKS, _FOLDER = (b"0", b"\0"), (b"1", b"2"), b"5"
_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK = b"x", b"g", b"L", b"K"
_EXTENSIONS = (_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK)
_OCTAL = re.compile(rb" *[0-7]+[ \0]*")
_PAX_RECORD = re.compile(rb"([1-9][0-9]{0,6}) ([^=\n]+)=")
# What would move the next header, or change the size or the kind of a member.
_REFUSED_PAX = ("size", "hdrcharset", "GNU.sparse", "SCHILY.realsize", "SCHILY.filetype")
_REFUSED_GLOBAL = ("path", "linkpath")

_REBUILD = "build it again with a current build tool"


class Source:
    """Pieces of bytes as a readable file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._piece = b""
        self._position = 0

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end."""
        data = self._next(size)
        while len(data) < size and (piece := next(self._pieces, b"")):
            self._piece, self._position = piece, 0
            data += self._next(size - len(data))
        return data

    def _next(self, size: int) -> bytes:
        data = self._piece[self._position : self._position + size]
        self._position += len(data)
        return data


def framed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, each passed on only once it is known to be sound.

    Raises ``InvalidArchive`` for what is cut off, damaged, ambiguous, or neither file, folder nor link,
    and for bytes after the end.
    """
    source = Source(pieces)
    pending: set[bytes] = set()
    while (header := _block(source)) != _ZEROS:
        kind, size = _check_header(header)
        yield header
        if kind in _EXTENSIONS:
            _check_order(kind, pending)
            yield _extension(source, kind, size)
        else:
            pending.clear()
            yield from _content(source, size)
    if pending:
        raise InvalidArchive(f"the tar ends after an extension header: {_REBUILD}")
    yield header
    yield from _end(source)


def _block(source: Source) -> bytes:
    block = source.read(BLOCK)
    if len(block) != BLOCK:
        raise InvalidArchive("the tar is cut off: build or upload the file again")
    return block


def _check_header(header: bytes) -> tuple[bytes, int]:
    size, kind, magic = _octal(header[124:136]), header[156:157], header[257:265]
    if _octal(header[148:156]) != sum(header[:148]) + sum(b" " * 8) + sum(header[156:]):
        raise InvalidArchive(
            f"the tar has a header with a wrong checksum for {_named(header)}: {_REBUILD}"
        )
    if kind not in (*_FILES, *_LINKS, _FOLDER, *_EXTENSIONS):
        raise InvalidArchive(
            f"{_named(header)} is a sparse file, a device or of another kind ({kind!r}): "
            "only files, folders and links are allowed; leave it out"
        )
    if size and (kind in _LINKS or kind == _FOLDER or _old_folder(header)):
        raise InvalidArchive(
            f"{_named(header)} is a folder or link with contents of its own: {_REBUILD}"
        )
    # Readers differ in what they take for the first part of the path, where this is not a ustar header.
    if magic != b"ustar\x0000" and (
        header[345:500].strip(b"\0") or magic not in (b"ustar  \0", bytes(8))
    ):
        raise InvalidArchive(f"{_named(header)} has a header of an unknown tar format: {_REBUILD}")
    return kind, size


def _old_folder(header: bytes) -> bool:
    """In the oldest format a folder is a file (of kind NUL, not "0") whose name ends in a slash."""
    return header[156:157] == b"\0" and header[:100].rstrip(b"\0").endswith(b"/")


def _octal(field: bytes) -> int:
    if not _OCTAL.fullmatch(field):
        raise InvalidArchive(
            f"the tar has a header with the number {field!r}, which is not octal: {_REBUILD}"
        )
    return int(field.strip(b" \0"), 8)


def _check_order(kind: bytes, pending: set[bytes]) -> None:
    """Each member has one extension header of a kind, and names from one kind only."""
    names = {_PAX, _GNU_NAME, _GNU_LINK}
    mixed = kind in names and pending & (names - {kind} if kind == _PAX else {_PAX})
    if kind in pending or mixed:
        raise InvalidArchive(f"the tar has several extension headers for one member: {_REBUILD}")
    pending.add(kind)


def _extension(source: Source, kind: bytes, size: int) -> bytes:
    if size > _MOST_EXTENSION:
        raise InvalidArchive(
            f"the tar has an extension header of {size:,} bytes, more than {_MOST_EXTENSION:,}: {_REBUILD}"
        )
    data = b"".join(_content(source, size))
    if kind in (_PAX, _PAX_GLOBAL):
        _check_pax(data[:size], _REFUSED_PAX + (_REFUSED_GLOBAL if kind == _PAX_GLOBAL else ()))
    elif data[:size].rstrip(b"\0").count(b"\0"):
        raise InvalidArchive(f"the tar has a path with NUL characters: {_REBUILD}")
    return data


def _check_pax(data: bytes, refused: tuple[str, ...]) -> None:
    """Records are ``<length> <keyword>=<value>\\n``, the length that of the whole record."""
    position, seen = 0, set()
    while position < len(data):
        record = _PAX_RECORD.match(data, position)
        end = position + int(record[1]) if record else 0
        if not record or not record.end() < end <= len(data) or data[end - 1 : end] != b"\n":
            raise InvalidArchive(
                f"the tar has an extension header with malformed records: {_REBUILD}"
            )
        keyword = record[2].decode("utf-8", "replace")
        if keyword in seen or keyword.startswith(refused):
            raise InvalidArchive(
                f"the tar has an extension header with {shown(keyword)}, which is not allowed here, or "
                f"not twice: {_REBUILD}"
            )
        seen.add(keyword)
        position = end


def _content(source: Source, size: int) -> Iterator[bytes]:
    """A member's bytes, and those that fill its last block."""
    left = size + -size % BLOCK
    while left:
        piece = source.read(min(PIECE, left))
        if not piece:
            raise InvalidArchive("the tar is cut off: build or upload the file again")
        left -= len(piece)
        yield piece


def _end(source: Source) -> Iterator[bytes]:
    """A second block of zeros, then nothing but zeros."""
    piece = _block(source)
    while piece:
        if piece.strip(b"\0"):
            raise InvalidArchive(f"the tar has bytes after its end: {_REBUILD}")
        yield piece
        piece = source.read(PIECE)


def _named(header: bytes) -> str:
    return shown(header[:100].rstrip(b"\0").decode("utf-8", "backslashreplace"))
