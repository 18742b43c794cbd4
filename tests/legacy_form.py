"""The upload form, encoded as clients encode it (the public index documentation)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from packaging.utils import parse_sdist_filename, parse_wheel_filename

from distributions import BuiltDistribution

BOUNDARY = "wheelyard-tests-boundary-7f3a"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


class LargeFile(NamedTuple):
    """A file too large for memory: its bytes in chunks, its size and sha256."""

    filename: str
    chunks: Iterable[bytes]
    size: int
    sha256: str


class Upload(NamedTuple):
    """A request body and the headers that go with it."""

    headers: Mapping[str, str]
    body: bytes | Iterator[bytes]


def upload_form(file: BuiltDistribution, **changed: str) -> Upload:
    """The form for a distribution; ``changed`` replaces fields, by names without the colon."""
    fields = form_fields(file.filename, file.sha256) | changed
    body = _before(fields, file.filename) + file.content + _AFTER
    return Upload(_headers(len(body)), body)


def streamed_form(file: LargeFile) -> Upload:
    """The form for a file that is sent in chunks, its length announced."""
    before = _before(form_fields(file.filename, file.sha256), file.filename)

    def chunks() -> Iterator[bytes]:
        yield before
        yield from file.chunks
        yield _AFTER

    return Upload(_headers(len(before) + file.size + len(_AFTER)), chunks())


def form_fields(filename: str, sha256: str) -> dict[str, str]:
    """The fields that the index looks at."""
    if filename.endswith(".whl"):
        name, version, _, _ = parse_wheel_filename(filename)
        kind, python = "bdist_wheel", "py3"
    else:
        name, version = parse_sdist_filename(filename)
        kind, python = "sdist", "source"
    return {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.4",
        "name": name,
        "version": str(version),
        "filetype": kind,
        "pyversion": python,
        "sha256_digest": sha256,
    }


_AFTER = f"\r\n--{BOUNDARY}--\r\n".encode()


def _before(fields: Mapping[str, str], filename: str) -> bytes:
    parts = [f'name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    parts.append(
        f'name="content"; filename="{filename}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    lines = [f"--{BOUNDARY}\r\nContent-Disposition: form-data; {part}" for part in parts]
    return "\r\n".join(lines).encode()


def _headers(length: int) -> dict[str, str]:
    return {"Content-Type": CONTENT_TYPE, "Content-Length": str(length)}
