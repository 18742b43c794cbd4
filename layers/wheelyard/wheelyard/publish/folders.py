"""Folder names of the form ``name-version``, in wheels and in source distributions."""

from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidName
from wheelyard.protocol.filenames import Filename
from wheelyard.protocol.names import project_name


def names_release(folder: str, release: Filename) -> bool:
    """Whether a folder is named for this release, in whatever spelling of name and version."""
    name, _, version = folder.rpartition("-")
    try:
        return project_name(name) == release.project and Version(version) == release.version
    except (InvalidName, InvalidVersion):
        return False
