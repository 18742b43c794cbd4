"""What an archive of any kind yields once it was found sound."""

from collections.abc import Set
from typing import Final, NamedTuple

from wheelyard.errors import InvalidArchive
from wheelyard.publish.members import shown

MOST_METADATA: Final = 4 * 1024 * 1024
"""The longest METADATA or PKG-INFO in bytes."""


class Contents(NamedTuple):
    """The metadata document's own bytes, the paths of all files, and where licence files stand."""

    metadata: bytes
    files: Set[str]
    licenses: str


def check_license_files(contents: Contents, names: tuple[str, ...]) -> None:
    """Raises ``InvalidArchive`` if a License-File of the metadata is not in the archive (PEP 639)."""
    for name in names:
        if f"{contents.licenses}/{name}" not in contents.files:
            raise InvalidArchive(
                f"its License-File {shown(name)} is not at {shown(f'{contents.licenses}/{name}')}: "
                "add the file, or remove the field"
            )
