"""Where a ZIP file ends, and where its directory of files stands.

The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, its sections given as "4.3.7".
"""

import os
import struct
from typing import Any, BinaryIO, NamedTuple

from wheelyard.errors import InvalidArchive
from wheelyard.publish.members import MOST_MEMBERS

REBUILD = "build it again with a current build tool"

_END64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_LOCATOR64 = struct.Struct("<4sLQL")  # 4.3.15
_END = struct.Struct("<4s4H2LH")  # 4.3.16
_16, _32 = 0xFFFF, 0xFFFFFFFF
_MOST_DIRECTORY = 32 * 1024 * 1024


class Directory(NamedTuple):
    """Where the central directory stands, its length in bytes, and how many files it lists."""

    offset: int
    size: int
    members: int


def find_directory(file: BinaryIO) -> Directory:
    """The central directory, which must reach from the last file to the end records.

    Raises ``InvalidArchive`` for a file that is no ZIP or is cut off, for bytes before, behind or
    between, and for more members than are allowed.
    """
    end = file.seek(0, os.SEEK_END) - _END.size
    magic, disk, first_disk, here, count, size, offset, comment = unpack_at(_END, file, end)
    if magic != b"PK\x05\x06" or comment:
        raise InvalidArchive(
            "it is not a ZIP file, or has a comment or other bytes after its end: "
            f"{REBUILD}, and check that it was not cut off on its way"
        )
    directory = Directory(offset, size, count)
    if (located := _locate_zip64(file, end)) is not None:
        directory, end = _zip64_directory(file, located, directory), located
    if disk or first_disk or here != count:
        raise InvalidArchive(f"the ZIP is one part of several: {REBUILD}")
    if directory.offset + directory.size != end:
        raise InvalidArchive(
            "the ZIP has bytes before its beginning, or beside its directory of files: " + REBUILD
        )
    if directory.members > MOST_MEMBERS or directory.size > _MOST_DIRECTORY:
        raise InvalidArchive(f"it has more than {MOST_MEMBERS:,} members: leave some out")
    return directory


def _locate_zip64(file: BinaryIO, end: int) -> int | None:
    """Where the ZIP64 end record stands, if there is one; readers look for its locator just here."""
    position = end - _LOCATOR64.size
    if position < 0:
        return None
    magic, disk, offset, disks = unpack_at(_LOCATOR64, file, position)
    if magic != b"PK\x06\x07":
        return None
    if disk or disks != 1 or offset != position - _END64.size:
        raise zip64_wrong("its locator points elsewhere")
    return int(offset)


def _zip64_directory(file: BinaryIO, position: int, short: Directory) -> Directory:
    magic, size, _, _, disk, first_disk, here, count, *rest = unpack_at(_END64, file, position)
    if magic != b"PK\x06\x06" or size != _END64.size - 12 or disk or first_disk or here != count:
        raise zip64_wrong("its end record is malformed")
    long = Directory(offset=rest[1], size=rest[0], members=count)
    limits = Directory(_32, _32, _16)
    for value, full, limit in zip(short, long, limits, strict=True):
        if value not in (limit, full):
            raise zip64_wrong("its two end records disagree")
    return long


def unpack_at(layout: struct.Struct, file: BinaryIO, position: int) -> tuple[Any, ...]:
    """A record of the file. Raises ``InvalidArchive`` where there is none."""
    file.seek(max(position, 0))
    data = file.read(layout.size)
    if position < 0 or len(data) != layout.size:
        raise InvalidArchive(f"it is not a ZIP file, or is cut off: {REBUILD}, and upload it again")
    return layout.unpack(data)


def zip64_wrong(why: str) -> InvalidArchive:
    """What to raise for a wrong use of ZIP64."""
    return InvalidArchive(f"the ZIP64 extension is used wrongly ({why}): {REBUILD}")
