"""Tar files written block by block, so that a test can have them say anything."""

import tarfile
from collections.abc import Mapping

BLOCK = 512
END = bytes(2 * BLOCK)


def header(
    name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "", **patches: bytes
) -> bytes:
    """One header block. ``patches`` overrule its ``raw_size``, ``magic`` and ``prefix`` as bytes."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    for field, value in patches.items():
        place = {"raw_size": 124, "magic": 257, "prefix": 345}[field]
        block[place : place + len(value)] = value
    return signed(block)


def signed(block: bytes | bytearray) -> bytes:
    """The header with its checksum."""
    blank = bytes(block[:148]) + b" " * 8 + bytes(block[156:])
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """A header and its content, in whole blocks."""
    return header(name, len(content), kind, link) + padded(content)


def padded(content: bytes) -> bytes:
    """Content filled up to whole blocks."""
    return content + bytes(-len(content) % BLOCK)


def plain(contents: Mapping[str, bytes]) -> bytes:
    """The members of a source distribution, without the end."""
    return b"".join(member(path, content) for path, content in contents.items())


def pax(*records: tuple[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    """An extension header with these records."""
    return member("pax", b"".join(pax_record(key, value) for key, value in records), kind)


def pax_record(key: str, value: str) -> bytes:
    """One record, which begins with its own length."""
    rest = f" {key}={value}\n".encode()
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest
