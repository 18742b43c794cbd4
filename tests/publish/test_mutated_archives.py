"""Laws that hold for any damage done to an archive."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

import rawtar
from distributions import (
    BuiltDistribution,
    build_sdist,
    build_wheel,
    core_metadata,
    pack_tar,
    pack_zip,
    sdist_members,
    wheel_members,
    with_record,
)
from wheelyard.errors import WheelyardError
from wheelyard.publish.archive import Distribution, inspect

_FILES = {"demo/__init__.py": b"x = 1\n" * 40, "demo/data": bytes(range(256))}
WHEEL = build_wheel("demo", "1.0", files=_FILES, requires=["six"])
STORED = WHEEL._replace(content=pack_zip(wheel_members("demo", "1.0"), compression=0))
ZIP_SDIST = build_sdist("demo", "1.0", files=_FILES, format="zip")
SDIST = build_sdist("demo", "1.0", files=_FILES)
_LONG_PATH = {f"demo-1.0/{'d' * 120}/x": b"1"}
TAR = gzip.decompress(pack_tar(sdist_members("demo", "1.0") | _LONG_PATH))

Mutation = Callable[[bytes], bytes]


def _flip(place: int, value: int) -> Mutation:
    return lambda data: data[: place % len(data)] + bytes([value]) + data[place % len(data) + 1 :]


def _cut(place: int, length: int) -> Mutation:
    return lambda data: data[: place % len(data)] + data[place % len(data) + length :]


def _insert(place: int, content: bytes) -> Mutation:
    return lambda data: data[: place % len(data)] + content + data[place % len(data) :]


def _copy(place: int, length: int, target: int) -> Mutation:
    def copied(data: bytes) -> bytes:
        start = place % len(data)
        return _insert(target, data[start : start + length])(data)

    return copied


_PLACES = st.integers(0, 1 << 16)
MUTATIONS = st.lists(
    st.builds(_flip, _PLACES, st.integers(0, 255))
    | st.builds(_cut, _PLACES, st.integers(1, 700))
    | st.builds(_insert, _PLACES, st.binary(max_size=40))
    | st.builds(_copy, _PLACES, st.integers(1, 1024), _PLACES),
    min_size=1,
    max_size=3,
)


def _mutated(data: bytes, mutations: list[Mutation]) -> bytes:
    for mutation in mutations:
        data = mutation(data) or b"\0"
    return data


def _inspected(built: BuiltDistribution) -> Distribution | None:
    try:
        return inspect(io.BytesIO(built.content), built.filename)
    except WheelyardError as e:
        refusal = str(e)
    assert len(refusal) < 10_000
    return None


@settings(max_examples=300)
@given(st.sampled_from([WHEEL, STORED, ZIP_SDIST, SDIST]), MUTATIONS)
def test_a_damaged_archive_is_refused_or_means_what_others_read(
    built: BuiltDistribution, mutations: list[Mutation]
) -> None:
    """Damage causes one of our errors, or leaves an archive that Python's own reader reads alike."""
    damaged = built._replace(content=_mutated(built.content, mutations))
    if found := _inspected(damaged):
        assert found.metadata_bytes == _document(damaged)


def _document(built: BuiltDistribution) -> bytes:
    """METADATA or PKG-INFO, as the standard library reads it."""
    if built.filename.endswith(".tar.gz"):
        with tarfile.open(fileobj=io.BytesIO(built.content)) as tar:
            content = tar.extractfile("demo-1.0/PKG-INFO")
            assert content
            return content.read()
    with zipfile.ZipFile(io.BytesIO(built.content)) as archive:
        assert archive.testzip() is None
        wheel = built.filename.endswith(".whl")
        return archive.read("demo-1.0.dist-info/METADATA" if wheel else "demo-1.0/PKG-INFO")


@settings(max_examples=300)
@given(MUTATIONS, st.booleans())
def test_a_damaged_tar_inside_a_good_gzip_is_refused_or_read_alike(
    mutations: list[Mutation], sign: bool
) -> None:
    """The same for the tar below the compression, also where every header's checksum is right."""
    tar = _mutated(TAR, mutations)
    blocks = [tar[place : place + 512] for place in range(0, len(tar), 512)]
    if sign:
        tar = b"".join(map(_signed, blocks))
    damaged = SDIST._replace(content=gzip.compress(tar, 1, mtime=0))
    if found := _inspected(damaged):
        assert found.metadata_bytes == _document(damaged)


def _signed(block: bytes) -> bytes:
    return rawtar.signed(block) if block[257:262] == b"ustar" else block


@given(st.binary(max_size=300), st.sampled_from(["METADATA", "WHEEL", "RECORD"]))
def test_any_document_in_a_wheel_is_read_or_refused(content: bytes, name: str) -> None:
    """Whatever stands in a wheel's own documents, the answer is a distribution or one of our errors."""
    members = wheel_members("demo", "1.0") | {f"demo-1.0.dist-info/{name}": content}
    if name != "RECORD":
        members = with_record(members, "demo-1.0.dist-info")
    _inspected(WHEEL._replace(content=pack_zip(members)))


@given(st.text(max_size=50))
def test_any_path_in_an_archive_is_accepted_or_refused(path: str) -> None:
    """A path of any characters is one that every reader reads alike, or is refused."""
    files = {path: b"x", "demo/x.py": b""}
    metadata = core_metadata("demo", "1.0")
    try:
        content = pack_zip(wheel_members("demo", "1.0", metadata=metadata, files=files))
    except UnicodeEncodeError:
        return
    if _inspected(WHEEL._replace(content=content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert path in archive.namelist()
