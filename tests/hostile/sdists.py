"""Source distributions whose folders, links or compression are wrong."""

import gzip
import tarfile
from collections.abc import Iterable, Mapping

import rawzip
from distributions import build_wheel, pack_plain_tar, pack_tar, pack_zip, sdist_members
from hostile.case import Hostile
from rawzip import raw_zip

_NAME = "demo-1.0.tar.gz"
_GOOD = sdist_members("demo", "1.0")
_PACKED = pack_tar(_GOOD)


def _sdist(what: str, content: bytes, says: str, filename: str = _NAME) -> Hostile:
    return Hostile(what, filename, content, says)


def _tar(what: str, members: Mapping[str, bytes], says: str) -> Hostile:
    return _sdist(what, pack_tar(members), says)


def _zip(what: str, members: Mapping[str, bytes], says: str) -> Hostile:
    return _sdist(what, pack_zip(members), says, "demo-1.0.zip")


def _link(path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info


def _linked(what: str, says: str, *links: tuple[str, str]) -> Hostile:
    infos = [(_link(f"demo-1.0/{path}", target), b"") for path, target in links]
    return _sdist(what, pack_tar([*_GOOD.items(), *infos]), says)


def _hard(what: str, target: str) -> Hostile:
    link = _link("demo-1.0/hard", target, tarfile.LNKTYPE)
    return _sdist(what, pack_tar([*_GOOD.items(), (link, b"")]), "is no earlier file")


def _added(what: str, says: str, entries: Iterable[tuple[str | tarfile.TarInfo, bytes]]) -> Hostile:
    return _sdist(what, pack_tar([*_GOOD.items(), *entries]), says)


_FOLDERS = (
    _sdist("an empty tar", pack_tar({}), "it has 0 top folders"),
    _tar("two top folders", _GOOD | {"other/x": b""}, "it has 2 top folders or files"),
    _tar("a file beside the folder", _GOOD | {"setup.py": b""}, "one folder, 'demo-1.0'"),
    _tar(
        "the folder of another project",
        sdist_members("other", "1.0"),
        "its top folder is 'other-1.0', for this filename it should be 'demo-1.0'",
    ),
    _tar("the folder of another version", sdist_members("demo", "2.0"), "is 'demo-2.0'"),
    _tar("a folder without a version", {"demo/PKG-INFO": b""}, "top folder is 'demo'"),
    _tar("no PKG-INFO", {"demo-1.0/setup.py": b""}, "no file 'demo-1.0/PKG-INFO'"),
    _tar("PKG-INFO too deep", {"demo-1.0/demo.egg-info/PKG-INFO": b""}, "no file 'demo-1.0/PKG"),
    _tar("only a file", {"demo-1.0": b""}, "no file 'demo-1.0/PKG-INFO'"),
    _tar("5 MB of PKG-INFO", {"demo-1.0/PKG-INFO": b"x" * 5_000_000}, "longer than 4,194,304"),
    _tar("a path upwards", _GOOD | {"demo-1.0/../x": b""}, "unpacked safely"),
    _tar("an absolute path", _GOOD | {"/etc/x": b""}, "unpacked safely"),
    _tar("a backslash", _GOOD | {"demo-1.0\\x": b""}, "unpacked safely"),
    _tar("a dot in front", {f"./{path}": data for path, data in _GOOD.items()}, "unpacked safely"),
    _tar("a file below a file", _GOOD | {"demo-1.0/PKG-INFO/x": b""}, "also the folder of"),
    _added("a file twice", "is there twice", [("demo-1.0/PKG-INFO", b"")]),
    _zip("a ZIP without PKG-INFO", {"demo-1.0/x": b""}, "there is no 'demo-1.0/PKG-INFO'"),
    _zip("a ZIP of two folders", _GOOD | {"x/y": b""}, "it has 2 top folders"),
    _sdist(
        "a link in a ZIP",
        raw_zip(
            [
                *rawzip.members(_GOOD),
                rawzip.Raw(b"demo-1.0/x", b"..", central={"mode": 0xA1FF << 16}),
            ]
        ),
        "is a symbolic link",
        "demo-1.0.zip",
    ),
    _sdist(
        "a broken file in a ZIP",
        raw_zip([*rawzip.members(_GOOD), rawzip.Raw(b"demo-1.0/x", b"y", both={"crc": 1})]),
        "does not have the size and checksum",
        "demo-1.0.zip",
    ),
)

_LINKS = (
    _linked("a link to the system", "outside the archive", ("x", "/etc/passwd")),
    _linked("a link upwards", "to '../../etc', outside", ("x", "../../etc")),
    _linked("a link to beside the folder", "outside the archive", ("x", "../other")),
    _linked("a link to nothing", "outside the archive", ("x", "")),
    _linked("a link with a backslash", "outside the archive", ("x", "..\\..\\x")),
    _linked(
        "a link out through another", "outside the archive", ("a/b/c", "../.."), ("x", "a/b/c/../y")
    ),
    _linked("a link to itself", "goes round in a circle", ("x", "x")),
    _linked("two links in a circle", "goes round in a circle", ("x", "y"), ("y", "x")),
    _linked(
        "links that double",
        "or on too long",
        *((f"l{n}", f"l{n + 1}/l{n + 1}") for n in range(40)),
        ("l40", "."),
    ),
    _added(
        "a file below a link",
        "also the folder of",
        [(_link("demo-1.0/x", "."), b""), ("demo-1.0/x/y", b"")],
    ),
    _sdist(
        "PKG-INFO as a link",
        pack_tar(
            [
                ("demo-1.0/real", _GOOD["demo-1.0/PKG-INFO"]),
                (_link("demo-1.0/PKG-INFO", "real"), b""),
            ]
        ),
        "there is no file 'demo-1.0/PKG-INFO'",
    ),
    _hard("a hard link to the system", "/etc/passwd"),
    _hard("a hard link upwards", "demo-1.0/../../x"),
    _hard("a hard link to nothing", "demo-1.0/absent"),
    _hard("a hard link to itself", "demo-1.0/hard"),
)

_GZIP = pack_plain_tar(_GOOD)
_COMPRESSION = (
    _sdist("an empty file", b"", "the compressed data is cut off"),
    _sdist("a text", b"# not an sdist\n" * 50, "the compressed data is broken"),
    _sdist("a plain tar named .tar.gz", _GZIP, "the compressed data is broken"),
    _sdist("a wheel named .tar.gz", build_wheel("demo", "1.0").content, "data is broken"),
    _sdist("a tar.gz named .zip", _PACKED, "is not a ZIP file", "demo-1.0.zip"),
    _sdist("gzip cut in the middle", _PACKED[: len(_PACKED) // 2], "is cut off"),
    _sdist("gzip without its end", _PACKED[:-8], "is cut off"),
    _sdist("gzip with a wrong checksum", _PACKED[:-8] + bytes(4) + _PACKED[-4:], "data is broken"),
    _sdist("gzip with a wrong length", _PACKED[:-4] + bytes(4), "data is broken"),
    _sdist("bytes after the gzip", _PACKED + b"more", "bytes after the end of the compressed"),
    _sdist("zeros after the gzip", _PACKED + bytes(512), "bytes after the end of the compressed"),
    _sdist(
        "two gzip members", gzip.compress(_GZIP[:512], mtime=0) + _PACKED, "bytes after the end of"
    ),
    _sdist("a second archive", _PACKED + _PACKED, "bytes after the end of the compressed"),
    _sdist("gzip of a text", gzip.compress(b"hello" * 300, mtime=0), "header"),
    _sdist("gzip of nothing", gzip.compress(b"", mtime=0), "the tar is cut off"),
    _tar("a decompression bomb", _GOOD | {"demo-1.0/zeros": bytes(12_000_000)}, "unpacks to more"),
    _sdist(
        "a bomb behind the end of the tar",
        gzip.compress(_GZIP + bytes(12_000_000), mtime=0),
        "unpacks to more than 10,000,000 bytes",
    ),
)

SDISTS = (*_FOLDERS, *_LINKS, *_COMPRESSION)
