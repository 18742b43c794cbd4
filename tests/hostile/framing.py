"""ZIP files that different readers would read differently, or that none should read."""

import bz2
import lzma
import struct
from collections.abc import Callable

import rawzip
from distributions import pack_zip, wheel_filename, wheel_members
from hostile.case import Hostile
from rawzip import Raw, extra, raw_zip, zip64_end, zip64_locator

_NAME = wheel_filename("demo", "1.0")
_GOOD = wheel_members("demo", "1.0")
_RAW = rawzip.members(_GOOD)
_FIRST = _RAW[0]
_PACKED = pack_zip(_GOOD)
_PLAIN = raw_zip(_RAW)
_DIRECTORY = struct.unpack_from("<2L", _PLAIN, len(_PLAIN) - 10)
_ALL_ONES = 0xFFFFFFFF


def _framing(what: str, content: bytes, says: str) -> Hostile:
    return Hostile(what, _NAME, content, says)


def _first(what: str, says: str, change: Callable[[Raw], Raw]) -> Hostile:
    """The first file's headers or data changed."""
    return _framing(what, raw_zip([change(_FIRST), *_RAW[1:]]), says)


def _flag(what: str, flags: int, says: str) -> Hostile:
    return _first(what, says, lambda raw: raw._replace(both={"flags": flags}))


def _mode(what: str, mode: int, says: str) -> Hostile:
    return _first(what, says, lambda raw: raw._replace(central={"mode": mode << 16}))


def _packed(what: str, data: bytes, says: str, method: int = 8) -> Hostile:
    return _first(what, says, lambda raw: raw._replace(data=data, both={"method": method}))


def _added(what: str, says: str, *added: Raw) -> Hostile:
    return _framing(what, raw_zip([*_RAW, *added]), says)


def _path(what: str, name: bytes, says: str = "unpacked safely") -> Hostile:
    return _added(what, says, Raw(name, b"x", both={"flags": 0x800}))


def _zip64(what: str, says: str, tail: Callable[[int, int, int], bytes]) -> Hostile:
    length, offset = _DIRECTORY
    return _framing(what, raw_zip(_RAW, before_end=tail(len(_RAW), length, offset)), says)


_ENDS = (
    _framing("nothing at all", b"", "is not a ZIP file"),
    _framing("a text", b"# not a wheel\n" * 100, "is not a ZIP file"),
    _framing("only the end of a ZIP", b"PK\x05\x06" + bytes(18), "0 '.dist-info' folders"),
    _framing("a ZIP cut in the middle", _PACKED[: len(_PACKED) // 2], "is not a ZIP file"),
    _framing("a ZIP cut at its last byte", _PACKED[:-1], "is not a ZIP file"),
    _framing("bytes in front of the ZIP", b"#!/bin/sh\n" + _PACKED, "bytes before its beginning"),
    _framing("bytes after the ZIP", _PACKED + b"\0", "other bytes after its end"),
    _framing("a comment on the archive", raw_zip(_RAW, comment=b"hello"), "has a comment"),
    _framing("two ZIPs in one file", _PACKED + _PACKED, "bytes before its beginning"),
    _framing(
        "a ZIP in front that ends in a comment",
        raw_zip(_RAW, comment=_PLAIN),
        "bytes before its beginning",
    ),
    _framing("a part of several", raw_zip(_RAW, end={"disk": 1}), "one part of several"),
    _framing("files on another disk", raw_zip(_RAW, end={"here": 1}), "one part of several"),
    _framing(
        "fewer files announced than listed",
        raw_zip(_RAW, end={"here": 1, "count": 1}),
        "not as long as its end record says",
    ),
    _framing(
        "more files announced than listed",
        raw_zip(_RAW, end={"here": 9, "count": 9}),
        "not as long as its end record says",
    ),
    _framing(
        "noise in the directory",
        _PLAIN.replace(b"PK\x01\x02", b"PK\x09\x02", 1),
        "not as long as its end record says",
    ),
    _framing("a directory too long", raw_zip(_RAW, end={"length": 9999}), "beside its directory"),
    _framing("a directory elsewhere", raw_zip(_RAW, end={"offset": 7}), "beside its directory"),
    _framing("bytes behind the directory", raw_zip(_RAW, before_end=b"x" * 9), "beside its"),
)

_GAPS = (
    _framing(
        "a hidden file between two others",
        raw_zip([_FIRST, *_RAW[1:3], _RAW[3]._replace(before=_PLAIN[:60])]),
        "belong to no listed file",
    ),
    _framing(
        "a hidden file in front of the directory",
        raw_zip(_RAW, before_directory=_PLAIN[:60]),
        "belong to no listed file",
    ),
    _added(
        "two entries for the same bytes",
        "belong to no listed file, or to two",
        Raw(b"twin", b"", central={"offset": 0}),
    ),
    _first(
        "an entry that points into nowhere",
        "belong to no listed file",
        lambda raw: raw._replace(central={"offset": 5}),
    ),
    _framing(
        "no local header",
        b"XX" + _PLAIN[2:],
        "there is no file where the ZIP lists 'demo/__init__.py'",
    ),
)

_HEADERS = (
    _first(
        "another name in the local header",
        "disagree about its name",
        lambda raw: raw._replace(local_name=b"demo/evil__init.py"[: len(raw.name)]),
    ),
    _first(
        "another checksum in the local header",
        "disagree about its crc",
        lambda raw: raw._replace(local={"crc": 1}),
    ),
    _first(
        "another size in the local header",
        "disagree about its size",
        lambda raw: raw._replace(local={"size": 1}),
    ),
    _first(
        "another compressed size in the local header",
        "disagree about its compressed",
        lambda raw: raw._replace(local={"compressed": 1}),
    ),
    _first(
        "another method in the local header",
        "disagree about its method",
        lambda raw: raw._replace(local={"method": 8}),
    ),
    _first(
        "other flags in the local header",
        "disagree about its flags",
        lambda raw: raw._replace(local={"flags": 0x800}),
    ),
    _first("a comment on a file", "has a comment on", lambda raw: raw._replace(comment=b"hi")),
    _first("a file on disk 3", "a disk for", lambda raw: raw._replace(central={"disk": 3})),
    _flag("an encrypted file", 0x1, "'demo/__init__.py' is encrypted"),
    _flag("a strongly encrypted file", 0x41, "is encrypted"),
    _flag("masked headers", 0x2000, "is encrypted"),
    _flag("a data descriptor", 0x8, "has a data descriptor for 'demo/__init__.py'"),
    _flag("patched data", 0x20, "unknown flags 0x20"),
    _mode("a symbolic link", 0o120777, "is a symbolic link"),
    _mode("a device", 0o020666, "neither a file nor a folder"),
    _mode("a pipe", 0o010666, "neither a file nor a folder"),
    _mode("a folder by its mode only", 0o040755, "neither a file nor a folder"),
    _added(
        "a folder that hides data",
        "a folder with contents",
        Raw(b"demo/sub/", data=b"hidden", both={"method": 8}),
    ),
    _added("a folder with contents", "a folder with contents", Raw(b"demo/sub/", b"x")),
    _added("a second file of a name", "'demo/__init__.py' is there twice", _FIRST),
    _added("a file and a folder of a name", "is there twice", Raw(b"demo/__init__.py/")),
    _added("a file below a file", "also the folder of", Raw(b"demo/__init__.py/x", b"x")),
)

_EXTRAS = (
    _first(
        "a second path",
        "has a second path",
        lambda raw: raw._replace(central_extra=extra(0x7075, bytes(5) + b"evil.py")),
    ),
    _first(
        "a second path in the local header",
        "has a second path",
        lambda raw: raw._replace(local_extra=extra(0x7075, bytes(5) + b"evil.py")),
    ),
    _first(
        "extra fields cut off",
        "extra fields for 'demo/__init__.py' are malformed",
        lambda raw: raw._replace(central_extra=b"\x01\x00\xff\x00"),
    ),
    _first(
        "half an extra field",
        "are malformed",
        lambda raw: raw._replace(local_extra=b"\x01"),
    ),
    _first(
        "two ZIP64 fields",
        "are malformed",
        lambda raw: raw._replace(central_extra=extra(1, b"") * 2),
    ),
    _first(
        "a ZIP64 size that is not asked for",
        "the sizes of 'demo/__init__.py' are ambiguous",
        lambda raw: raw._replace(local_extra=extra(1, struct.pack("<2Q", 1, 1))),
    ),
    _first(
        "a ZIP64 size that is missing",
        "are ambiguous",
        lambda raw: raw._replace(central={"size": _ALL_ONES}),
    ),
    _first(
        "one ZIP64 size of two",
        "are incomplete",
        lambda raw: raw._replace(
            local={"size": _ALL_ONES}, local_extra=extra(1, struct.pack("<Q", len(raw.content)))
        ),
    ),
    _zip64("a ZIP64 locator astray", "its locator points elsewhere", lambda *_: zip64_locator(0)),
    _zip64(
        "ZIP64 ends that disagree",
        "its two end records disagree",
        lambda count, length, offset: (
            zip64_end(count + 1, length, offset) + zip64_locator(offset + length)
        ),
    ),
    _zip64(
        "a ZIP64 end with more in it",
        "its end record is malformed",
        lambda count, length, offset: (
            zip64_end(count, length, offset, size=60) + zip64_locator(offset + length)
        ),
    ),
    _zip64(
        "no ZIP64 end where it should be",
        "its end record is malformed",
        lambda _, length, offset: bytes(56) + zip64_locator(offset + length),
    ),
)

_CONTENT = _FIRST.content
_DEFLATED = rawzip.deflate(_CONTENT)
_DATA = (
    _packed(
        "bytes after the deflated data", _DEFLATED + b"more", "after the end of the compressed"
    ),
    _packed("deflated data cut off", _DEFLATED[:-3], "cut off"),
    _packed("deflated data of another kind", b"\xff" * 30, "the compressed data is broken"),
    _packed("more data than announced", rawzip.deflate(_CONTENT * 2), "the size and checksum"),
    _packed("less data than announced", rawzip.deflate(_CONTENT[1:]), "the size and checksum"),
    _packed("stored data of another size", _CONTENT + b"x", "the size and checksum", method=0),
    _packed("other data of the same size", bytes(len(_CONTENT)), "the size and checksum", method=0),
    _packed("bzip2 in a ZIP", bz2.compress(_CONTENT), "compressed by method 12", method=12),
    _packed("LZMA in a ZIP", lzma.compress(_CONTENT), "compressed by method 14", method=14),
    _packed("deflate64", _DEFLATED, "compressed by method 9", method=9),
    _framing(
        "a decompression bomb",
        pack_zip({"demo/zeros": bytes(12_000_000)}),
        "unpacks to more than 10,000,000 bytes (50 times its own size)",
    ),
    _framing(
        "a bomb of overlapping claims",
        raw_zip([_FIRST._replace(both={"size": _ALL_ONES - 1, "method": 8}, data=_DEFLATED)]),
        "unpacks to more than 10,000,000 bytes",
    ),
    _framing(
        "100,001 files",
        raw_zip(
            _RAW,
            before_end=zip64_end(100_001, *_DIRECTORY) + zip64_locator(sum(_DIRECTORY)),
            end={"here": 0xFFFF, "count": 0xFFFF},
        ),
        "more than 100,000 members",
    ),
)

_PATHS = (
    _path("an absolute path", b"/etc/passwd"),
    _path("a path upwards", b"../../etc/passwd"),
    _path("a path upwards in between", b"demo/../../x"),
    _path("a dot in a path", b"demo/./x"),
    _path("an empty folder name", b"demo//x"),
    _path("a backslash in a path", b"demo\\..\\x"),
    _path("a drive", b"C:/x"),
    _path("a NUL in a path", b"demo/x\0.py"),
    _path("a line break in a path", b"demo/x\n.py"),
    _added("only a slash", "unpacked safely", Raw(b"/")),
    _path("no path", b""),
    _path("a path of 2,000 bytes", b"d/" + b"x" * 2000, "too long"),
    _path("a path of 100 folders", b"d/" * 100 + b"x", "too long"),
    _path("a path that is not UTF-8", b"demo/\xff", "is not UTF-8"),
    _added("a path not marked as UTF-8", "not marked as UTF-8", Raw("demo/é".encode(), b"x")),
)

FRAMING = (*_ENDS, *_GAPS, *_HEADERS, *_EXTRAS, *_DATA, *_PATHS)
