"""Tar files that different readers would read differently, or that none should read."""

import gzip
import tarfile

import rawtar
from distributions import sdist_members
from hostile.case import Hostile
from rawtar import END, header, member, padded, pax, signed

_GOOD = sdist_members("demo", "1.0")
_PLAIN = rawtar.plain(_GOOD)
_LONG = b"demo-1.0/" + b"x" * 200 + b"\0"


def _tar(what: str, blocks: bytes, says: str) -> Hostile:
    """Blocks after the good members, and the end."""
    content = gzip.compress(_PLAIN + blocks + END, mtime=0)
    return Hostile(what, "demo-1.0.tar.gz", content, says)


def _kind(what: str, kind: bytes) -> Hostile:
    return _tar(what, header("demo-1.0/x", kind=kind), "is a sparse file, a device or of another")


def _pax(what: str, key: str, value: str, kind: bytes = tarfile.XHDTYPE) -> Hostile:
    says = f"extension header with {key!r}, which is not allowed"
    return _tar(what, pax((key, value), kind=kind) + member("demo-1.0/x"), says)


def _records(what: str, records: bytes) -> Hostile:
    says = "an extension header with malformed records"
    return _tar(what, member("pax", records, tarfile.XHDTYPE) + member("demo-1.0/x"), says)


_PATH = pax(("path", "demo-1.0/y"))
_GNU = member("././@LongLink", _LONG, tarfile.GNUTYPE_LONGNAME)

TARS = (
    _kind("a character device", tarfile.CHRTYPE),
    _kind("a block device", tarfile.BLKTYPE),
    _kind("a pipe", tarfile.FIFOTYPE),
    _kind("a contiguous file", tarfile.CONTTYPE),
    _kind("a sparse file", tarfile.GNUTYPE_SPARSE),
    _kind("a file of a vendor's kind", b"V"),
    _pax("a sparse file by its extension header", "GNU.sparse.major", "1"),
    _pax("a sparse file's true name", "GNU.sparse.name", "demo-1.0/y"),
    _pax("a size in an extension header", "size", "0"),
    _pax("a path in another encoding", "hdrcharset", "BINARY"),
    _pax("a path for all members", "path", "demo-1.0/y", tarfile.XGLTYPE),
    _tar(
        "a path twice in an extension header",
        pax(("path", "demo-1.0/y"), ("path", "demo-1.0/z")) + member("demo-1.0/x"),
        "is not allowed here, or not twice",
    ),
    _records("a record that is too long", b"99 path=demo-1.0/y\n"),
    _records("a record that is too short", b"9 path=demo-1.0/y\n"),
    _records("a record without a length", b"path=demo-1.0/y\n"),
    _records("a record without a value", b"7 path\n"),
    _records("a record of no length", b"0 path=x\n"),
    _records("zeros between records", bytes(100)),
    _tar(
        "an extension header of 1 MB",
        pax(("comment", "x" * 1_000_000)) + member("demo-1.0/x"),
        "an extension header of 1,000,0",
    ),
    _tar(
        "an extension header that claims 8 GB",
        header("pax", 8_000_000_000, tarfile.XHDTYPE),
        "an extension header of 8,000,000,000 bytes",
    ),
    _tar("two extension headers", _PATH + _PATH + member("demo-1.0/x"), "several extension"),
    _tar("1,000 extension headers", _PATH * 1000 + member("demo-1.0/x"), "several extension"),
    _tar("two long names", _GNU + _GNU + member("demo-1.0/x"), "several extension headers"),
    _tar("names of two kinds", _PATH + _GNU + member("demo-1.0/x"), "several extension headers"),
    _tar("names of two kinds, swapped", _GNU + _PATH + member("demo-1.0/x"), "several extension"),
    _tar("an extension header for nothing", _PATH, "ends after an extension header"),
    _tar(
        "a long name with a NUL in it",
        member("././@LongLink", b"demo-1.0/x\0y\0", tarfile.GNUTYPE_LONGNAME) + member("x"),
        "a path with NUL characters",
    ),
    _tar("a long name upwards", member("@", b"demo-1.0/../../x\0", b"L") + member("x"), "safely"),
    _tar(
        "a path upwards in an extension header",
        pax(("path", "demo-1.0/../../x")) + member("demo-1.0/x"),
        "unpacked safely",
    ),
    _tar(
        "a link target in an extension header",
        pax(("linkpath", "/etc/passwd")) + header("demo-1.0/x", kind=b"2", link="y"),
        "is a symbolic link to '/etc/passwd', outside",
    ),
    _tar("a header that was changed", header("demo-1.0/x").replace(b"/x", b"/y"), "wrong checksum"),
    _tar("a header of noise", b"\xa5" * 512, "which is not octal"),
    _tar(
        "a size in base 256",
        header("demo-1.0/x", raw_size=b"\x80" + bytes(10) + b"\1"),
        "not octal",
    ),
    _tar("a size with a sign", header("demo-1.0/x", raw_size=b"+0000000001\0"), "is not octal"),
    _tar("a size with an underscore", header("demo-1.0/x", raw_size=b"0000000_001\0"), "not octal"),
    _tar("no size", header("demo-1.0/x", raw_size=bytes(12)), "is not octal"),
    _tar("a folder with a size", header("demo-1.0/d", 512, tarfile.DIRTYPE) + bytes(512), "own"),
    _tar("a link with a size", header("demo-1.0/l", 1, b"2", "x") + bytes(512), "of its own"),
    _tar("an old folder with a size", header("demo-1.0/d/", 1, b"\0") + bytes(512), "of its own"),
    _tar("an unknown format", header("demo-1.0/x", magic=b"vendor  "), "unknown tar format"),
    _tar(
        "a path prefix in another format",
        header("demo-1.0/x", magic=b"ustar  \0", prefix=b"../.."),
        "unknown tar format",
    ),
    _tar("a path prefix upwards", header("x", prefix=b"demo-1.0/.."), "unpacked safely"),
    _tar("a path that is not UTF-8", signed(header("x").replace(b"x", b"\xff", 1)), "not UTF-8"),
    _tar("a file after the end", END + member("demo-1.0/x"), "bytes after its end"),
    _tar("noise after the end", END + padded(b"hello"), "bytes after its end"),
    _tar("a single block of zeros", bytes(512) + member("demo-1.0/x"), "bytes after its end"),
    Hostile(
        "a tar without an end",
        "demo-1.0.tar.gz",
        gzip.compress(_PLAIN, mtime=0),
        "the tar is cut off",
    ),
    Hostile(
        "a tar that ends in a file",
        "demo-1.0.tar.gz",
        gzip.compress(_PLAIN + header("demo-1.0/x", 5000) + bytes(700), mtime=0),
        "the tar is cut off",
    ),
)
