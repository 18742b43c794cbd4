"""The METADATA of a wheel that is somewhere else."""

import struct
import zipfile
import zlib

from wheelyard.errors import InvalidArchive
from wheelyard.mirror.ranges import PartialFile, Parts

_MOST_METADATA = 16 * 1024 * 1024

# What zipfile and the decompressors raise for archives that are none.
_BROKEN = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    OSError,
    struct.error,
    zlib.error,
)


def wheel_metadata(parts: Parts, filename: str) -> bytes:
    """The METADATA, byte for byte as in the wheel (PEP 658).

    Raises ``InvalidArchive`` where there is none that can be read, and what the parts raise.
    """
    file = PartialFile(parts)
    try:
        with zipfile.ZipFile(file) as archive, archive.open(_member(archive)) as member:
            raw = member.read(_MOST_METADATA + 1)
    except _BROKEN as error:
        raise InvalidArchive(f"the METADATA of {filename!r} cannot be read: {error}") from error
    if len(raw) > _MOST_METADATA:
        raise InvalidArchive(f"the METADATA of {filename!r} is too large")
    return raw


def _member(archive: zipfile.ZipFile) -> str:
    """The one METADATA of the one ``.dist-info`` at the top."""
    found = [
        name
        for name in archive.namelist()
        if name.endswith(".dist-info/METADATA") and name.count("/") == 1
    ]
    if len(found) != 1:
        raise ValueError(f"it has {len(found)} .dist-info/METADATA")
    return found[0]
