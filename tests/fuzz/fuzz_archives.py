"""A coverage-guided fuzz target for everything that reads an uploaded file.

    PYTHONPATH=layers/wheelyard:tests python tests/fuzz/fuzz_archives.py -max_total_time=60

The options are libFuzzer's. It needs ``atheris``, which exists for some versions of Python only. Anything
but an answer or a ``WheelyardError`` is a crash, whose input is left in the current folder; so is more
than 512 MB of memory, or 10 seconds for one input.
"""

import gzip
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

import rawtar
from distributions import build_sdist, build_wheel, core_metadata, pack_zip, wheel_members

with atheris.instrument_imports(include=["wheelyard", "packaging", "tarfile", "csv", "email"]):
    from wheelyard.errors import WheelyardError
    from wheelyard.protocol.filenames import parse_filename
    from wheelyard.protocol.metadata import parse_metadata, read_metadata
    from wheelyard.publish.archive import inspect

LIMITS = ("-rss_limit_mb=512", "-timeout=10", "-max_len=8192")


def wheel(data: bytes) -> None:
    """The bytes as a wheel."""
    inspect(io.BytesIO(data), "demo-1.0-py3-none-any.whl")


def zipped_sdist(data: bytes) -> None:
    """The bytes as a zipped source distribution."""
    inspect(io.BytesIO(data), "demo-1.0.zip")


def sdist(data: bytes) -> None:
    """The bytes as a compressed source distribution."""
    for ending in ("gz", "bz2", "xz"):
        try:
            inspect(io.BytesIO(data), f"demo-1.0.tar.{ending}", legacy_formats=True)
        except WheelyardError:
            continue


def tar(data: bytes) -> None:
    """The bytes as a tar in a good gzip file, the headers' checksums put right."""
    blocks = (data[place : place + 512] for place in range(0, len(data), 512))
    signed = b"".join(
        rawtar.signed(block) if block[257:262] == b"ustar" else block for block in blocks
    )
    inspect(io.BytesIO(gzip.compress(signed, 0, mtime=0)), "demo-1.0.tar.gz")


def record(data: bytes) -> None:
    """The bytes as a RECORD in a good ZIP."""
    members = wheel_members("demo", "1.0") | {"demo-1.0.dist-info/RECORD": data}
    inspect(io.BytesIO(pack_zip(members, compression=0)), "demo-1.0-py3-none-any.whl")


def metadata(data: bytes) -> None:
    """The bytes as core metadata."""
    read_metadata(data)
    parse_metadata(data)


def filename(data: bytes) -> None:
    """The bytes as a filename."""
    parse_filename(data.decode("utf-8", "replace"), legacy=True)


TARGETS: tuple[Callable[[bytes], None], ...] = (
    wheel,
    zipped_sdist,
    sdist,
    tar,
    record,
    metadata,
    filename,
)


def one_input(data: bytes) -> None:
    """The first byte says what the others are taken for."""
    if not data:
        return
    try:
        TARGETS[data[0] % len(TARGETS)](data[1:])
    except WheelyardError:
        return


def seeds() -> dict[Callable[[bytes], None], list[bytes]]:
    """Good inputs to begin with."""
    plain = wheel_members("demo", "1.0")
    gzipped = build_sdist("demo", "1.0").content
    document = core_metadata(
        "demo", "1.0", ">=3.9", ["six>1; python_version<'3'"], "License-Expression: MIT\n"
    )
    return {
        wheel: [build_wheel("demo", "1.0").content, pack_zip(plain, compression=0)],
        zipped_sdist: [build_sdist("demo", "1.0", format="zip").content],
        sdist: [build_sdist("demo", "1.0", format=f).content for f in ("gztar", "bztar", "xztar")],
        tar: [gzip.decompress(gzipped)],
        record: [plain["demo-1.0.dist-info/RECORD"]],
        metadata: [document, core_metadata("demo", "1.0")],
        filename: [b"demo-1.0-1-py2.py3-none-any.whl", b"demo-1.0.tar.gz", b"demo-1.0-py3.egg"],
    }


def main() -> None:
    """Run libFuzzer on a corpus of its own, in a temporary folder."""
    with tempfile.TemporaryDirectory() as corpus:
        for target, inputs in seeds().items():
            for number, data in enumerate(inputs):
                path = Path(corpus, f"{target.__name__}-{number}")
                path.write_bytes(bytes([TARGETS.index(target)]) + data)
        atheris.Setup([sys.argv[0], *LIMITS, *sys.argv[1:], corpus], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
