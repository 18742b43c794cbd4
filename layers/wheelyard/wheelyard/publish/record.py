"""RECORD: what a wheel says its files are.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
"""

import base64
import binascii
import csv
import hashlib
import hmac
import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from wheelyard.errors import InvalidArchive
from wheelyard.publish.members import shown

# "sha256 or better", by the wheel format.
_ALGORITHMS = ("sha256", "sha384", "sha512")
_MOST_DIGITS = 15


class Line(NamedTuple):
    """One line: ``size`` is None where it was left empty."""

    algorithm: str
    digest: bytes
    size: int | None


def parse_record(raw: bytes, unhashed: Iterable[str]) -> dict[str, Line | None]:
    """A RECORD's lines by path; None for those of ``unhashed`` that have no digest.

    Raises ``InvalidArchive`` for a line that is malformed, is there twice, or has no good digest.
    """
    lines: dict[str, Line | None] = {}
    exempt = set(unhashed)
    for row in _rows(raw):
        if len(row) != 3:
            raise InvalidArchive(
                f"RECORD: {shown(','.join(row))} should be 'path,sha256=digest,size'"
            )
        path, digest, size = row
        if path in lines:
            raise InvalidArchive(f"RECORD lists {shown(path)} twice: list each file once")
        lines[path] = None if path in exempt and not digest else _line(path, digest, size)
    return lines


def check_content(path: str, pieces: Iterable[bytes], line: Line) -> None:
    """Raises ``InvalidArchive`` unless the content is what its line says."""
    digest, size = hashlib.new(line.algorithm), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    if line.size is not None and line.size != size:
        raise InvalidArchive(
            f"RECORD gives {shown(path)} {line.size} bytes, it has {size}: build the wheel again"
        )
    if not hmac.compare_digest(digest.digest(), line.digest):
        raise InvalidArchive(
            f"RECORD gives {shown(path)} the {line.algorithm} {line.digest.hex()!r}, it has "
            f"{digest.hexdigest()!r}: build the wheel again"
        )


def _rows(raw: bytes) -> Iterator[list[str]]:
    try:
        yield from csv.reader((line.decode() for line in io.BytesIO(raw)), strict=True)
    except (UnicodeDecodeError, csv.Error) as e:
        raise InvalidArchive(f"RECORD is not CSV in UTF-8 ({e}): build the wheel again") from e


def _line(path: str, digest: str, size: str) -> Line:
    algorithm, _, encoded = digest.partition("=")
    if algorithm not in _ALGORITHMS:
        raise InvalidArchive(
            f"RECORD gives {shown(path)} the digest {shown(digest)}: use sha256, sha384 or sha512"
        )
    if size and not (size.isascii() and size.isdigit() and len(size) <= _MOST_DIGITS):
        raise InvalidArchive(
            f"RECORD gives {shown(path)} the size {shown(size)}: use decimal digits"
        )
    return Line(algorithm, _decoded(path, algorithm, encoded), int(size) if size else None)


def _decoded(path: str, algorithm: str, encoded: str) -> bytes:
    """The digest, from URL-safe base64 without padding, as the wheel format demands."""
    try:
        padded = encoded.rstrip("=").encode("ascii") + b"=" * (-len(encoded.rstrip("=")) % 4)
        decoded = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as e:
        raise _not_a_digest(path, algorithm, encoded) from e
    if len(decoded) != hashlib.new(algorithm).digest_size:
        raise _not_a_digest(path, algorithm, encoded)
    return decoded


def _not_a_digest(path: str, algorithm: str, encoded: str) -> InvalidArchive:
    return InvalidArchive(
        f"RECORD gives {shown(path)} the {algorithm} {shown(encoded)}: that is no such digest in "
        "URL-safe base64 without padding"
    )
