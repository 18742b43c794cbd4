"""Distribution files: what is accepted and read from them, and what is refused with which words."""

import bz2
import gzip
import io
import lzma
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from packaging.version import Version

import rawtar
import rawzip
from distributions import (
    BuiltDistribution,
    build_sdist,
    build_wheel,
    core_metadata,
    dist_info,
    pack_tar,
    pack_zip,
    record_row,
    sdist_members,
    wheel_filename,
    wheel_members,
    with_record,
    zip_entry,
)
from hostile import EVERY, Hostile
from rawtar import member, pax
from rawzip import extra, raw_zip, zip64_end, zip64_locator
from wheelyard.errors import InvalidArchive
from wheelyard.publish.archive import Distribution, inspect


def inspected(built: BuiltDistribution, *, legacy: bool = False) -> Distribution:
    return inspect(io.BytesIO(built.content), built.filename, legacy_formats=legacy)


@pytest.mark.parametrize("hostile", [pytest.param(case, id=case.what) for case in EVERY])
def test_what_is_wrong_with_a_file_is_said(hostile: Hostile) -> None:
    """A hostile or broken file is refused for its own reason, in one line that names it."""
    with pytest.raises(hostile.error) as refusal:
        inspect(io.BytesIO(hostile.content), hostile.filename)
    message = str(refusal.value)
    assert hostile.says in message
    assert "\n" not in message
    assert len(message) < 2000


def test_a_wheel_says_what_it_is(tmp_path: Path) -> None:
    """A wheel gives project, version, tag and metadata, and the bytes of its METADATA as they stand."""
    built = build_wheel(
        "Acme.Tools",
        "1.0.post1+local.7",
        requires_python=">=3.11",
        requires=["requests[socks]>=2; os_name == 'nt'", "lib @ https://host.example/lib.zip"],
        extra_metadata="License-Expression: MIT\nProject-URL: Home, https://home.example\n",
        tag="py2.py3-none-any",
    )
    path = tmp_path / "upload"
    path.write_bytes(built.content)
    found = inspect(path, built.filename)
    assert (found.project, found.version) == ("acme-tools", Version("1.0.post1+local.7"))
    assert (found.kind, found.python_tag) == ("wheel", "py2.py3")
    assert found.metadata.name == "Acme.Tools"
    assert found.metadata.requires_python == ">=3.11"
    assert found.metadata.requires_dist[1] == "lib @ https://host.example/lib.zip"
    assert found.metadata.project_urls == {"Home": "https://home.example"}
    assert found.metadata_bytes.startswith(b"Metadata-Version: 2.4\nName: Acme.Tools\n")


@pytest.mark.parametrize("format", ["gztar", "zip"])
def test_an_sdist_says_what_it_is(format: str) -> None:  # noqa: A002
    """A source distribution gives the same, read from its PKG-INFO."""
    built = build_sdist("acme", "2.0", requires_python=">=3.9", format=format)  # type: ignore[arg-type]
    found = inspected(built)
    assert (found.project, found.version, found.kind) == ("acme", Version("2.0"), "sdist")
    assert found.python_tag == "source"
    assert found.metadata_bytes == core_metadata("acme", "2.0", ">=3.9")


def test_legacy_formats_are_taken_where_they_are_allowed() -> None:
    """Eggs, bzip2 and xz are read, and old filenames and metadata accepted, if asked for."""
    for ending in ("bztar", "xztar"):
        assert inspected(build_sdist("acme", "1", format=ending), legacy=True).kind == "sdist"
    egg = pack_zip({"EGG-INFO/PKG-INFO": core_metadata("acme", "1.0"), "acme.py": b""})
    found = inspected(BuiltDistribution("Acme-1.0-py2.7.egg", egg), legacy=True)
    assert (found.kind, found.python_tag) == ("egg", "2.7")
    old = core_metadata("Acme", "1.0", metadata_version="2.0")
    wheel = pack_zip(wheel_members("Acme", "1.0", metadata=old))
    found = inspected(BuiltDistribution("Acme-1.0-py3-none-any.whl", wheel), legacy=True)
    assert found.metadata.metadata_version == "2.0"


def _wheel(what: str, content: bytes, filename: str = "demo-1.0-py3-none-any.whl") -> object:
    return pytest.param(BuiltDistribution(filename, content), id=what)


def _sdist(what: str, content: bytes) -> object:
    return pytest.param(BuiltDistribution("demo-1.0.tar.gz", content), id=what)


def _tar(what: str, blocks: bytes) -> object:
    plain = rawtar.plain(sdist_members("demo", "1.0"))
    return _sdist(what, gzip.compress(plain + blocks + rawtar.END, mtime=0))


_INFO = dist_info("demo", "1.0")
_GOOD = wheel_members("demo", "1.0")
_RAW = rawzip.members(_GOOD)
_FIRST = _RAW[0]
_SIZES = (len(_FIRST.content)).to_bytes(8, "little") * 2
_LONG = {"size": 0xFFFFFFFF, "compressed": 0xFFFFFFFF}


def _sha512_wheel() -> bytes:
    hashed = {path: data for path, data in _GOOD.items() if not path.endswith("RECORD")}
    rows = "".join(record_row(path, data, "sha512") for path, data in hashed.items())
    return pack_zip(_GOOD | {f"{_INFO}/RECORD": rows.encode()})


def _zip64_wheel() -> bytes:
    plain = raw_zip(_RAW)
    length, offset = (int.from_bytes(plain[n : n + 4], "little") for n in (-10, -6))
    tail = zip64_end(len(_RAW), length, offset) + zip64_locator(length + offset)
    return raw_zip(_RAW, before_end=tail, end={"here": 0xFFFF, "count": 0xFFFF})


ACCEPTED = (
    _wheel("files that are not compressed", pack_zip(_GOOD, compression=0)),
    _wheel("SHA-512 in RECORD", _sha512_wheel()),
    _wheel(
        "a RECORD that leaves out itself, sizes, and has CRLF",
        pack_zip(
            _GOOD
            | {
                f"{_INFO}/RECORD": b"".join(
                    record_row(path, data).rpartition(",")[0].encode() + b",\r\n"
                    for path, data in _GOOD.items()
                    if not path.endswith("RECORD")
                )
            }
        ),
    ),
    _wheel(
        "signatures beside RECORD",
        pack_zip(_GOOD | {f"{_INFO}/RECORD.jws": b"{}", f"{_INFO}/RECORD.p7s": b"x"}),
    ),
    _wheel("folders as entries", pack_zip([("demo/", b""), (f"{_INFO}/", b""), *_GOOD.items()])),
    _wheel(
        "paths with commas, spaces and other letters",
        pack_zip(with_record(_GOOD | {"demo/ä, b.txt": b"x", "demo/\U0001f600": b""}, _INFO)),
    ),
    _wheel(
        "the .dist-info of another package inside",
        pack_zip(with_record(_GOOD | {"demo/_vendor/x-1.dist-info/METADATA": b""}, _INFO)),
    ),
    _wheel("an executable file", pack_zip([(zip_entry(p, 0o100755), d) for p, d in _GOOD.items()])),
    _wheel("a version spelt in another way", pack_zip(wheel_members("demo", "1.0.0"))),
    _wheel(
        "an old wheel that was renamed",
        pack_zip(
            with_record(
                {
                    path.replace("demo-", "Demo-"): data
                    for path, data in _GOOD.items()
                    if not path.endswith("RECORD")
                },
                "Demo-1.0.dist-info",
            )
        ),
    ),
    _wheel(
        "linux renamed to manylinux",
        pack_zip(wheel_members("demo", "1.0", tag="cp311-cp311-linux_x86_64")),
        "demo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    ),
    _wheel(
        "a build number",
        build_wheel("demo", "1.0", build="2").content,
        wheel_filename("demo", "1.0", build="2"),
    ),
    _wheel(
        "a licence file where PEP 639 has it",
        pack_zip(
            wheel_members(
                "demo",
                "1.0",
                metadata=core_metadata("demo", "1.0", extra="License-File: LICENSE\n"),
                files={f"{_INFO}/licenses/LICENSE": b"MIT"},
            )
        ),
    ),
    _wheel("ZIP64 ends", _zip64_wheel()),
    _wheel(
        "ZIP64 sizes",
        raw_zip(
            [
                _FIRST._replace(
                    local=_LONG,
                    central=_LONG,
                    local_extra=extra(1, _SIZES),
                    central_extra=extra(1, _SIZES),
                ),
                *_RAW[1:],
            ]
        ),
    ),
    _wheel(
        "ZIP64 sizes that nobody needs",
        raw_zip([_FIRST._replace(local_extra=extra(1, _SIZES)), *_RAW[1:]]),
    ),
    _wheel(
        "time stamps in extra fields",
        raw_zip([_FIRST._replace(local_extra=extra(0x5455, bytes(9))), *_RAW[1:]]),
    ),
    _wheel(
        "the same path as an extra field",
        raw_zip([_FIRST._replace(central_extra=extra(0x7075, bytes(5) + _FIRST.name)), *_RAW[1:]]),
    ),
    _wheel("a directory in another order", raw_zip(_RAW[::-1])),
    _wheel("a file marked as UTF-8", raw_zip([_FIRST._replace(both={"flags": 0x800}), *_RAW[1:]])),
    _tar("a link within the folder", rawtar.header("demo-1.0/a/l", kind=b"2", link="../PKG-INFO")),
    _tar("a link to nothing", rawtar.header("demo-1.0/l", kind=b"2", link="absent")),
    _tar("a hard link", rawtar.header("demo-1.0/l", kind=b"1", link="demo-1.0/PKG-INFO")),
    _tar("folders", rawtar.header("demo-1.0/d/", kind=b"5") + member("demo-1.0/d/x", b"1")),
    _tar("an old folder", rawtar.header("demo-1.0/d/", kind=b"\0")),
    _tar("a long path", pax(("path", "demo-1.0/" + "x" * 300)) + member("demo-1.0/x")),
    _tar(
        "a long path cut off after a slash",
        pax(("path", "demo-1.0/" + "x" * 90 + "/y")) + member("demo-1.0/" + "x" * 90 + "/", b"1"),
    ),
    _tar(
        "a long GNU path",
        member("././@LongLink", b"demo-1.0/" + b"x" * 200 + b"\0", b"L") + member("demo-1.0/x"),
    ),
    _tar(
        "a global comment, as git writes it",
        pax(("comment", "abc"), kind=b"g") + member("demo-1.0/x"),
    ),
    _tar("blocks of zeros to the end", bytes(8192)),
    _tar("an empty file", member("demo-1.0/empty")),
    _sdist(
        "the folder's old spelling",
        pack_tar({"Demo-1.0.0/PKG-INFO": core_metadata("Demo", "1.0.0")}),
    ),
)


@pytest.mark.parametrize("built", ACCEPTED)
def test_what_build_tools_write_is_accepted(built: BuiltDistribution) -> None:
    """Whatever the formats allow and real tools have written is accepted."""
    assert inspected(built).project == "demo"


@contextmanager
def within(most: int) -> Iterator[None]:
    """What happens inside takes at most so many bytes of memory at a time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def test_a_large_wheel_takes_little_memory(tmp_path: Path) -> None:
    """A wheel of 40 MB is checked within 2 MB."""
    path = tmp_path / "upload"
    path.write_bytes(
        pack_zip(wheel_members("demo", "1.0", files={"data": bytes(40_000_000)}), compression=0)
    )
    with within(2_000_000):
        inspect(path, "demo-1.0-py3-none-any.whl")


def test_a_large_sdist_takes_little_memory(tmp_path: Path) -> None:
    """An sdist of 20 MB is checked within 2 MB."""
    path = tmp_path / "upload"
    noise = random.Random(0).randbytes(20_000_000)  # noqa: S311
    plain = rawtar.plain(sdist_members("demo", "1.0", files={"data": noise}))
    path.write_bytes(gzip.compress(plain + rawtar.END, 0))
    with within(2_000_000):
        inspect(path, "demo-1.0.tar.gz")


@pytest.mark.parametrize("bomb", [case for case in EVERY if "bomb" in case.what])
def test_a_bomb_takes_little_memory(bomb: Hostile, tmp_path: Path) -> None:
    """A decompression bomb is refused within 2 MB."""
    path = tmp_path / "upload"
    path.write_bytes(bomb.content)
    with within(2_000_000), pytest.raises(InvalidArchive, match="unpacks to more"):
        inspect(path, bomb.filename)


_BOMB = member("demo-1.0/zeros", bytes(20_000_000))


@pytest.mark.parametrize(
    ("ending", "content", "says"),
    [
        ("bz2", b"BZh9 not really", "the compressed data is broken"),
        ("bz2", bz2.compress(rawtar.END)[:-4], "is cut off"),
        ("bz2", bz2.compress(rawtar.END) * 2, "bytes after the end of the compressed data"),
        ("xz", b"\xfd7zXZ\0 not really", "the compressed data is broken"),
        ("xz", lzma.compress(rawtar.END)[:-4], "is cut off"),
        ("xz", lzma.compress(rawtar.END) * 2, "bytes after the end of the compressed data"),
        ("xz", lzma.compress(_BOMB), "unpacks to more"),
        ("bz2", bz2.compress(_BOMB), "unpacks to more"),
    ],
)
def test_legacy_compression_is_checked_alike(ending: str, content: bytes, says: str) -> None:
    """What is wrong with bzip2 and xz is said as it is for gzip."""
    with pytest.raises(InvalidArchive, match=says):
        inspect(io.BytesIO(content), f"demo-1.0.tar.{ending}", legacy_formats=True)


@pytest.mark.parametrize(
    ("bound", "says"),
    [
        ("members.MOST_MEMBERS", "it has more than 3 members"),
        ("members.MOST_PATH_BYTES", "its paths are more than 3 bytes"),
        ("links._MOST_LINKS", "it has more than 3 symbolic links"),
    ],
)
def test_what_is_kept_in_memory_has_bounds(
    bound: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Members, their paths and links are bounded in number, here lowered to 3."""
    links = [rawtar.header(f"demo-1.0/{n}", kind=b"2", link="x") for n in range(4)]
    tar = rawtar.plain(sdist_members("demo", "1.0")) + b"".join(links) + rawtar.END
    monkeypatch.setattr(f"wheelyard.publish.{bound}", 3)
    with pytest.raises(InvalidArchive, match=says):
        inspect(io.BytesIO(gzip.compress(tar)), "demo-1.0.tar.gz")


def test_an_open_file_stays_open() -> None:
    """A file that the caller opened is the caller's to close."""
    built = build_wheel("demo", "1.0")
    file = io.BytesIO(built.content)
    inspect(file, built.filename)
    assert not file.closed
