"""Which files of a project are meant: those of a release, or the one of a name. Pure.

Versions match by PEP 440 (``1.0`` is ``1.0.0``), filenames as parsed, however they are spelt.
"""

from collections.abc import Iterable
from typing import NamedTuple

from packaging import version

from wheelyard.errors import InvalidFilename, InvalidVersion
from wheelyard.protocol.filenames import parse_filename
from wheelyard.publish.listing import parsed


class Release(NamedTuple):
    """The files of a release."""

    version: version.Version

    def means(self, filename: str) -> bool:
        """Whether a file is one of them."""
        found = parsed(filename)
        return found is not None and found.version == self.version

    def __str__(self) -> str:
        return f"release {str(self.version)!r}"


class OneFile(NamedTuple):
    """The file of a name; one that is no distribution's can be there as well, by its very name."""

    filename: str
    canonical: str

    def means(self, filename: str) -> bool:
        """Whether a file is that one."""
        return filename == self.filename or canonical(filename) == self.canonical

    def __str__(self) -> str:
        return f"file {self.filename!r}"


Selection = Release | OneFile


def release(raw: str) -> Release:
    """The files of a version. Raises ``InvalidVersion``."""
    try:
        return Release(version.Version(raw))
    except version.InvalidVersion as error:
        raise InvalidVersion(
            f"{raw[:200]!r} is not a version: use one such as '1.0' or '2.1rc1' (PEP 440)"
        ) from error


def one_file(filename: str) -> OneFile:
    """The file of a name. Raises ``InvalidFilename`` for what cannot be one's."""
    if not filename or "/" in filename or not filename.isprintable() or len(filename) > 255:
        raise InvalidFilename(f"{filename[:255]!r} is not a filename")
    return OneFile(filename, canonical(filename))


def canonical(filename: str) -> str:
    """The spelling by which files are compared; its own for one that is no distribution's."""
    try:
        return parse_filename(filename, legacy=True).canonical
    except InvalidFilename:
        return filename


def meant(selection: Selection, filenames: Iterable[str]) -> list[str]:
    """Those of the names that are meant."""
    return [filename for filename in filenames if selection.means(filename)]
