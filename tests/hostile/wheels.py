"""Wheels with parts that are missing, or that disagree."""

from collections.abc import Callable, Mapping

from distributions import (
    core_metadata,
    dist_info,
    pack_zip,
    record_row,
    wheel_document,
    wheel_filename,
    wheel_members,
    with_record,
)
from hostile.case import Hostile

_NAME = wheel_filename("demo", "1.0")
_INFO = dist_info("demo", "1.0")
_RECORD, _WHEEL, _METADATA = f"{_INFO}/RECORD", f"{_INFO}/WHEEL", f"{_INFO}/METADATA"
_GOOD = wheel_members("demo", "1.0")
_MODULE = "demo/__init__.py"


def _wheel(what: str, members: Mapping[str, bytes], says: str) -> Hostile:
    return Hostile(what, _NAME, pack_zip(members), says)


def _without(path: str) -> dict[str, bytes]:
    return {key: content for key, content in _GOOD.items() if key != path}


def _with_wheel(what: str, document: bytes, says: str) -> Hostile:
    return _wheel(what, with_record(_GOOD | {_WHEEL: document}, _INFO), says)


def _with_lines(what: str, says: str, change: Callable[[bytes], bytes]) -> Hostile:
    """RECORD changed."""
    return _wheel(what, _GOOD | {_RECORD: change(_GOOD[_RECORD])}, says)


def _with_line(what: str, line: str, says: str) -> Hostile:
    """The module's line in RECORD replaced."""
    good = record_row(_MODULE, _GOOD[_MODULE]).encode()
    return _with_lines(what, says, lambda record: record.replace(good, line.encode()))


_TRUE = record_row(_MODULE, _GOOD[_MODULE])
_DIGEST = _TRUE.split(",")[1].removeprefix("sha256=")

_FOLDERS = (
    _wheel("no .dist-info", {_MODULE: b""}, "it has 0 '.dist-info' folders"),
    _wheel(
        "two .dist-info",
        with_record(_GOOD | {"other-1.0.dist-info/METADATA": core_metadata("other", "1.0")}, _INFO),
        "it has 2 '.dist-info' folders ('demo-1.0.dist-info, other-1.0.dist-info')",
    ),
    _wheel(
        "the .dist-info of another project",
        wheel_members("other", "1.0"),
        "'other-1.0.dist-info' is for another release than the filename's demo 1.0",
    ),
    _wheel(
        "the .dist-info of another version",
        wheel_members("demo", "2.0"),
        "'demo-2.0.dist-info' is for another release",
    ),
    _wheel("a .dist-info of no version", {"demo.dist-info/METADATA": b""}, "another release"),
    _wheel("no METADATA", _without(_METADATA), f"there is no {_METADATA!r}"),
    _wheel("no WHEEL", _without(_WHEEL), f"there is no {_WHEEL!r}"),
    _wheel("no RECORD", _without(_RECORD), f"there is no {_RECORD!r}"),
    _wheel(
        "5 MB of METADATA",
        with_record(_GOOD | {_METADATA: _GOOD[_METADATA] + b"x" * 5_000_000}, _INFO),
        "is longer than 4,194,304 bytes",
    ),
)

_DOCUMENT = (
    _with_wheel("an empty WHEEL", b"", "Wheel-Version is ''"),
    _with_wheel(
        "a WHEEL of version 2",
        wheel_document().replace(b"Version: 1.0", b"Version: 2.0"),
        "WHEEL: Wheel-Version is '2.0': it should be '1.0', once",
    ),
    _with_wheel("two versions in WHEEL", b"Wheel-Version: 1.0\n" + wheel_document(), "'1.0, 1.0'"),
    _with_wheel("no Tag in WHEEL", b"Wheel-Version: 1.0\n", "its Tag lines give ''"),
    _with_wheel(
        "a WHEEL for another Python",
        wheel_document("cp311-cp311-linux_x86_64"),
        "its Tag lines give 'cp311-cp311-linux_x86_64', the filename 'py3-none-any'",
    ),
    _with_wheel(
        "a WHEEL for one platform in a wheel for any",
        wheel_document("py3-none-win32"),
        "'py3-none-win32', the filename 'py3-none-any'",
    ),
    _with_wheel(
        "a Tag that is a million tags",
        b"Wheel-Version: 1.0\nTag: " + b"-".join([b".".join([b"a%d" % n for n in range(100)])] * 3),
        "it has too many tags",
    ),
    _with_wheel(
        "2,000 Tag lines", wheel_document() + b"Tag: py3-none-any\n" * 2000, "it has too many tags"
    ),
    _with_wheel("a Tag that is none", b"Wheel-Version: 1.0\nTag: py3\n", "is not like"),
    _with_wheel("a Build that the filename has not", wheel_document(build="7"), "its Build is '7'"),
)

_LINES = (
    _wheel(
        "a file that RECORD does not list",
        _GOOD | {"demo/extra.py": b""},
        "RECORD does not list 'demo/extra.py'",
    ),
    _wheel(
        "a file that is not there",
        _without(_MODULE),
        "RECORD lists 'demo/__init__.py', which is not in the wheel",
    ),
    _wheel(
        "a file that was changed",
        _GOOD | {_MODULE: b'__version__ = "6.6"\n'},
        "RECORD gives 'demo/__init__.py' the sha256",
    ),
    _with_line(
        "a wrong size in RECORD",
        _TRUE.replace(",20\n", ",21\n"),
        "RECORD gives 'demo/__init__.py' 21 bytes, it has 20",
    ),
    _with_line("no digest in RECORD", f"{_MODULE},,20\n", "the digest '': use sha256"),
    _with_line("MD5 in RECORD", record_row(_MODULE, _GOOD[_MODULE], "md5"), "the digest 'md5="),
    _with_line("SHA-1 in RECORD", record_row(_MODULE, _GOOD[_MODULE], "sha1"), "use sha256"),
    _with_line("an unknown digest", f"{_MODULE},crc=abc,20\n", "use sha256, sha384 or sha512"),
    _with_line("a digest cut short", f"{_MODULE},sha256=abcd,20\n", "that is no such digest"),
    _with_line("no base64", f"{_MODULE},sha256=!{_DIGEST},20\n", "that is no such digest"),
    _with_line("a digest in hexadecimal", f"{_MODULE},sha256={'ab' * 32},20\n", "no such digest"),
    _with_line("a digest beyond ASCII", f"{_MODULE},sha256=é,20\n", "that is no such digest"),
    _with_line("a size in words", _TRUE.replace(",20\n", ",many\n"), "the size 'many'"),
    _with_line("a negative size", _TRUE.replace(",20\n", ",-20\n"), "the size '-20'"),
    _with_line("a size of 5,000 digits", _TRUE.replace(",20\n", f",{'9' * 5000}\n"), "the size"),
    _with_line("a line of two columns", f"{_MODULE},\n", "should be 'path,sha256=digest,size'"),
    _with_line("a line twice", _TRUE * 2, "RECORD lists 'demo/__init__.py' twice"),
    _with_line("another spelling of a path", "./" + _TRUE, "which is not in the wheel"),
    _with_line("an unfinished quotation", '"' + _TRUE, "RECORD is not CSV"),
    _with_lines("a RECORD not in UTF-8", "RECORD is not CSV in UTF-8", lambda _: b"\xff,,\n"),
    _with_lines("a RECORD of NULs", "RECORD", lambda _: bytes(100)),
    _with_lines("an empty RECORD", "RECORD does not list", lambda _: b""),
    _with_lines("a field of 200,000 bytes", "is not CSV", lambda raw: b"x" * 200_000 + raw),
    _with_lines(
        "a wrong digest of RECORD itself",
        "RECORD gives 'demo-1.0.dist-info/RECORD' the sha256",
        lambda raw: raw.replace(b"RECORD,,", b"RECORD,sha256=" + _DIGEST.encode() + b","),
    ),
)

WHEELS = (*_FOLDERS, *_DOCUMENT, *_LINES)
