"""A distribution file as it arrived: checked whole, and what it says about itself.

As strict as the public index is for new files, and stricter where readers could see different things in
one file. Not for the request path.
"""

from pathlib import Path
from typing import BinaryIO, NamedTuple

from packaging.version import Version

from wheelyard.errors import InvalidArchive
from wheelyard.protocol.filenames import Filename, Kind, parse_filename
from wheelyard.protocol.metadata import CoreMetadata, parse_metadata
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.publish.contents import Contents, check_license_files
from wheelyard.publish.sdist import check_egg, check_sdist
from wheelyard.publish.wheel import check_wheel


class Distribution(NamedTuple):
    """A checked distribution file.

    ``canonical``       the filename's one spelling: files for which it is equal are the same file
    ``python_tag``      ``pyversion`` of the upload form: ``py3``, ``cp311``, ``source``
    ``metadata_bytes``  METADATA or PKG-INFO as it stands in the archive, byte for byte
    """

    filename: str
    canonical: str
    project: ProjectName
    version: Version
    kind: Kind
    python_tag: str
    metadata: CoreMetadata
    metadata_bytes: bytes


def inspect(file: Path | BinaryIO, filename: str, *, legacy_formats: bool = False) -> Distribution:
    """Check a distribution file and read its metadata, with memory bounded whatever the file claims.

    ``file`` is a path, or an open seekable file, which is left open, at any position. ``legacy_formats``
    also takes eggs, ``.tar.bz2``, ``.tar.xz``, filenames that are not normalised, and
    metadata as older tools wrote it.

    Raises ``InvalidFilename``, ``InvalidArchive`` and ``InvalidMetadata``; each names the member or the
    field, the value, and what to do.
    """
    parsed = parse_filename(filename, legacy=legacy_formats)
    contents = _check(file, filename, parsed)
    metadata = parse_metadata(contents.metadata, legacy=legacy_formats)
    _check_agreement(filename, parsed, metadata)
    check_license_files(contents, metadata.license_files)
    return Distribution(
        filename=filename,
        canonical=parsed.canonical,
        project=parsed.project,
        version=parsed.version,
        kind=parsed.kind,
        python_tag=parsed.python_tag,
        metadata=metadata,
        metadata_bytes=contents.metadata,
    )


def _check(file: Path | BinaryIO, filename: str, parsed: Filename) -> Contents:
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return _check(opened, filename, parsed)
    try:
        if parsed.kind == "wheel":
            return check_wheel(file, filename, parsed)
        return check_egg(file) if parsed.kind == "egg" else check_sdist(file, parsed)
    except InvalidArchive as e:
        raise InvalidArchive(f"{filename!r} is not a valid {parsed.kind}: {e}") from e


def _check_agreement(filename: str, parsed: Filename, metadata: CoreMetadata) -> None:
    if project_name(metadata.name) != parsed.project:
        raise InvalidArchive(
            f"{filename!r} is named for {parsed.project!r}, but its metadata says Name: "
            f"{metadata.name!r}: build it again instead of renaming it"
        )
    if Version(metadata.version) != parsed.version:
        raise InvalidArchive(
            f"{filename!r} is named for version '{parsed.version}', but its metadata says Version: "
            f"{metadata.version!r}: build it again instead of renaming it"
        )
