"""ZIP files written field by field, so that a test can have them say anything."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

LOCAL_FIELDS = {"flags": 6, "method": 8, "crc": 14, "compressed": 18, "size": 22}
CENTRAL_FIELDS = {"flags": 8, "method": 10, "crc": 16, "compressed": 20, "size": 24, "disk": 34}
CENTRAL_FIELDS |= {"mode": 38, "offset": 42}
END_FIELDS = {"disk": 4, "here": 8, "count": 10, "length": 12, "offset": 16}
_LONG = {"crc", "compressed", "size", "mode", "offset", "length"}


class Raw(NamedTuple):
    """One member. ``both``, ``local`` and ``central`` overrule fields of its headers.

    ``data`` is what stands in the file, if not the content itself; ``before`` stands in front of it.
    """

    name: bytes
    content: bytes = b""
    both: Mapping[str, int] = {}
    local: Mapping[str, int] = {}
    central: Mapping[str, int] = {}
    local_name: bytes | None = None
    local_extra: bytes = b""
    central_extra: bytes = b""
    comment: bytes = b""
    data: bytes | None = None
    before: bytes = b""


def members(contents: Mapping[str, bytes]) -> list[Raw]:
    """A wheel's or sdist's members, to be changed before they are packed."""
    return [Raw(path.encode(), content) for path, content in contents.items()]


def deflate(content: bytes) -> bytes:
    """A raw deflate stream."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def raw_zip(
    entries: Iterable[Raw],
    *,
    before_directory: bytes = b"",
    end: Mapping[str, int] | None = None,
    before_end: bytes = b"",
    comment: bytes = b"",
) -> bytes:
    """The file. ``end`` overrules fields of the last record, ``before_end`` is put in front of it."""
    body, directory, count = b"", b"", 0
    for entry in entries:
        body += entry.before
        directory += _central(entry, len(body))
        body += _local(entry)
        count += 1
    body += before_directory
    last = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), len(comment)
    )
    return body + directory + before_end + _patched(last, END_FIELDS, end or {}) + comment


def zip64_end(count: int, length: int, offset: int, *, size: int = 44) -> bytes:
    """The ZIP64 form of the last record."""
    return struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", size, 45, 45, 0, 0, count, count, length, offset
    )


def zip64_locator(offset: int) -> bytes:
    """What says where the ZIP64 form of the last record stands."""
    return struct.pack("<4sLQL", b"PK\x06\x07", 0, offset, 1)


def extra(id_: int, content: bytes) -> bytes:
    """One extra field of a header."""
    return struct.pack("<2H", id_, len(content)) + content


def _local(entry: Raw) -> bytes:
    name = entry.name if entry.local_name is None else entry.local_name
    header = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 20, *_common(entry), len(name), len(entry.local_extra)
    )
    data = entry.content if entry.data is None else entry.data
    return _patched(header, LOCAL_FIELDS, entry.local) + name + entry.local_extra + data


def _central(entry: Raw, offset: int) -> bytes:
    lengths = (len(entry.name), len(entry.central_extra), len(entry.comment))
    mode = 0o100644 << 16
    header = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, *_common(entry), *lengths, 0, 0, mode, offset
    )
    header = _patched(header, CENTRAL_FIELDS, entry.central)
    return header + entry.name + entry.central_extra + entry.comment


def _common(entry: Raw) -> tuple[int, ...]:
    data = entry.content if entry.data is None else entry.data
    fields = {
        "flags": 0,
        "method": 0,
        "crc": zlib.crc32(entry.content),
        "compressed": len(data),
        "size": len(entry.content),
    } | dict(entry.both)
    return (
        fields["flags"],
        fields["method"],
        0,
        33,
        fields["crc"],
        fields["compressed"],
        fields["size"],
    )


def _patched(header: bytes, fields: Mapping[str, int], values: Mapping[str, int]) -> bytes:
    patched = bytearray(header)
    for name, value in values.items():
        struct.pack_into("<L" if name in _LONG else "<H", patched, fields[name], value)
    return bytes(patched)
