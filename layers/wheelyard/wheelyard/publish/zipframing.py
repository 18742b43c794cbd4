"""The framing of a ZIP file, checked more strictly than any reader does.

Some readers believe the central directory, some the local headers, some search for either. A file in
which these disagree unpacks to different things under pip and uv (the advisories of 2025 about ZIP parser
differentials). Here both are read, must agree, and must account for every byte of the file.

The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, its sections given as "4.3.7".
"""

import stat
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from wheelyard.errors import InvalidArchive
from wheelyard.publish.members import shown
from wheelyard.publish.zipend import REBUILD, Directory, find_directory, unpack_at, zip64_wrong

STORED, DEFLATED = 0, 8
_EMPTY = b"\x03\x00"  # nothing, deflated

_LOCAL = struct.Struct("<4s5H3L2H")  # 4.3.7
_CENTRAL = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_ALL_ONES = 0xFFFFFFFF

_ENCRYPTED = 0x2041  # 4.4.4: encrypted, strongly encrypted, masked headers
_STREAMED = 0x0008
_UTF8 = 0x0800
_FLAGS = 0x0806  # UTF-8, and the two that say how hard the deflater tried

_ZIP64, _UNICODE_PATH = 0x0001, 0x7075  # 4.5.3, 4.6.9


class Entry(NamedTuple):
    """One member; ``data`` is where its ``compressed`` bytes begin."""

    path: str
    directory: bool
    method: int
    crc: int
    compressed: int
    size: int
    data: int


def read_entries(file: BinaryIO) -> list[Entry]:
    """The members of a ZIP file, in the order of their bytes.

    Raises ``InvalidArchive`` for whatever a build tool does not write: comments, prepended, appended or
    unlisted bytes, headers that disagree, encryption, data descriptors, several disks, compression
    other than deflate, links and special files.
    """
    directory = find_directory(file)
    headers = sorted(_central_headers(file, directory), key=lambda header: header.offset)
    entries, end = [], 0
    for header in headers:
        if header.offset != end:
            raise _unlisted(end)
        entries.append(_entry(file, header))
        end = entries[-1].data + header.compressed
    if end != directory.offset:
        raise _unlisted(end)
    return entries


class _Header(NamedTuple):
    """What the local and the central header both say, but for ``offset``."""

    name: bytes
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int


def _central_headers(file: BinaryIO, directory: Directory) -> Iterator[_Header]:
    file.seek(directory.offset)
    data = file.read(directory.size)
    position = 0
    for _ in range(directory.members):
        if position + _CENTRAL.size > len(data):
            raise _miscounted()
        magic, _, _, flags, method, _, _, crc, compressed, size, *lengths, disk, _, mode, offset = (
            _CENTRAL.unpack_from(data, position)
        )
        names, extras, comments = lengths
        begin = position + _CENTRAL.size
        position = begin + names + extras + comments
        if magic != b"PK\x01\x02" or position > len(data):
            raise _miscounted()
        name = data[begin : begin + names]
        extra = _extra_fields(data[begin + names : begin + names + extras], name)
        numbers = _long_numbers(extra.get(_ZIP64), (size, compressed, offset), name, together=0)
        header = _Header(name, flags, method, crc, numbers[1], numbers[0], numbers[2])
        if comments or disk:
            raise InvalidArchive(
                f"the ZIP has a comment on, or a disk for, {_named(name)}: {REBUILD}"
            )
        _check_kind(header, mode >> 16)
        yield header
    if position != len(data):
        raise _miscounted()


def _check_kind(header: _Header, mode: int) -> None:
    """Raises ``InvalidArchive`` for what is encrypted, streamed, packed otherwise, or a special file."""
    named = _named(header.name)
    if header.flags & _ENCRYPTED:
        raise InvalidArchive(f"{named} is encrypted: pip cannot install it; {REBUILD}")
    if header.flags & _STREAMED:
        raise InvalidArchive(f"the ZIP has a data descriptor for {named}: {REBUILD}")
    if header.flags & ~_FLAGS:
        raise InvalidArchive(f"the ZIP has unknown flags {header.flags:#x} for {named}: {REBUILD}")
    if header.method not in (STORED, DEFLATED):
        raise InvalidArchive(
            f"{named} is compressed by method {header.method}: only deflate and none are supported"
        )
    if stat.S_ISLNK(mode):
        raise InvalidArchive(f"{named} is a symbolic link: put the file itself there")
    folder = header.name.endswith(b"/")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR) or (
        stat.S_ISDIR(mode) and not folder
    ):
        raise InvalidArchive(f"{named} is neither a file nor a folder: leave it out")
    if folder and (header.size or header.compressed > len(_EMPTY)):
        raise InvalidArchive(f"{named} is a folder with contents of its own: {REBUILD}")


def _entry(file: BinaryIO, header: _Header) -> Entry:
    """The member, once its local header says what the central one said."""
    fields = unpack_at(_LOCAL, file, header.offset)
    magic, _, flags, method, _, _, crc, compressed, size, names, extras = fields
    if magic != b"PK\x03\x04":
        raise InvalidArchive(
            f"there is no file where the ZIP lists {_named(header.name)}: {REBUILD}"
        )
    name = file.read(names)
    extra = _extra_fields(file.read(extras), name)
    sizes = _long_numbers(extra.get(_ZIP64), (size, compressed), name, together=2)
    local = _Header(name, flags, method, crc, sizes[1], sizes[0], header.offset)
    if local != header:
        different = next(
            field for field, a, b in zip(header._fields, local, header, strict=True) if a != b
        )
        raise InvalidArchive(
            f"the two headers of {_named(header.name)} disagree about its {different}: {REBUILD}"
        )
    data = header.offset + _LOCAL.size + names + extras
    path = _decoded(header)
    return Entry(
        path=path.removesuffix("/"),
        directory=path.endswith("/"),
        method=header.method,
        crc=header.crc,
        compressed=header.compressed,
        size=header.size,
        data=data,
    )


def _decoded(header: _Header) -> str:
    """The path, if every reader decodes it alike: UTF-8 and marked so, or plain ASCII (4.4.4, bit 11)."""
    try:
        return header.name.decode("utf-8" if header.flags & _UTF8 else "ascii")
    except UnicodeDecodeError as e:
        raise InvalidArchive(
            f"the path {_named(header.name)} is not UTF-8, or not marked as UTF-8 in the ZIP: {REBUILD}"
        ) from e


def _extra_fields(data: bytes, name: bytes) -> dict[int, bytes]:
    """The extra fields by id (4.5.1). The two that readers act on may be there once only."""
    fields: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        if position + 4 > len(data):
            raise _extra_wrong(name)
        id_, length = struct.unpack_from("<2H", data, position)
        end = position + 4 + length
        if end > len(data) or (id_ in fields and id_ in (_ZIP64, _UNICODE_PATH)):
            raise _extra_wrong(name)
        fields[id_] = data[position + 4 : end]
        position = end
    if _UNICODE_PATH in fields and fields[_UNICODE_PATH][5:] != name:
        raise InvalidArchive(f"the ZIP has a second path for {_named(name)}: {REBUILD}")
    return fields


def _long_numbers(
    extra: bytes | None, short: tuple[int, ...], name: bytes, *, together: int
) -> tuple[int, ...]:
    """The numbers of a header, each replaced by its ZIP64 one where it is all ones (4.5.3).

    The first ``together`` of them are all there or none: 4.5.3 demands it of a local header.
    """
    wanted = [number == _ALL_ONES for number in short]
    if any(wanted[:together]) and not all(wanted[:together]):
        raise zip64_wrong(f"the sizes of {_named(name)} are incomplete")
    if not any(wanted) and extra in (None, b"", struct.pack(f"<{len(short)}Q", *short)):
        return short  # there for nothing, but harmless: some tools always write it
    if len(extra or b"") != 8 * sum(wanted):
        raise zip64_wrong(f"the sizes of {_named(name)} are ambiguous")
    long = iter(struct.unpack(f"<{sum(wanted)}Q", extra or b""))
    return tuple(next(long) if want else number for want, number in zip(wanted, short, strict=True))


def _named(name: bytes) -> str:
    return shown(name.decode("utf-8", "backslashreplace"))


def _unlisted(position: int) -> InvalidArchive:
    return InvalidArchive(
        f"the ZIP has bytes at {position} that belong to no listed file, or to two: {REBUILD}"
    )


def _miscounted() -> InvalidArchive:
    return InvalidArchive(f"the ZIP's directory is not as long as its end record says: {REBUILD}")


def _extra_wrong(name: bytes) -> InvalidArchive:
    return InvalidArchive(f"the ZIP's extra fields for {_named(name)} are malformed: {REBUILD}")
