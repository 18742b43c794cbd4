"""Which filenames on an upstream page are files of the project, as clients will understand them.

A page is written by somebody else, and its filenames become keys and links: whatever is not clearly a
distribution of the project is left out. No client would take it anyway.
"""

import re
from functools import lru_cache

from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidName
from wheelyard.protocol.names import ProjectName, project_name

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,239}")
_SDISTS = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")


def version_of(filename: str, project: ProjectName) -> str | None:
    """The version that a filename says, normalised; None if it is not a file of ``project``."""
    if not _ALLOWED.fullmatch(filename):
        return None
    if filename.endswith(".whl"):
        return _wheel(filename.removesuffix(".whl"), project)
    if filename.endswith(".egg"):
        return _egg(filename.removesuffix(".egg"), project)
    for ending in _SDISTS:
        if filename.endswith(ending):
            return _sdist(filename.removesuffix(ending), project)
    return None


def _wheel(stem: str, project: ProjectName) -> str | None:
    parts = stem.split("-")
    if len(parts) not in (5, 6) or not all(parts) or _normalised(parts[0]) != project:
        return None
    if len(parts) == 6 and not parts[2][0].isdigit():
        return None
    return _version(parts[1])


def _egg(stem: str, project: ProjectName) -> str | None:
    parts = stem.split("-")
    if len(parts) < 3 or not parts[2].startswith("py") or _normalised(parts[0]) != project:
        return None
    return _version(parts[1].replace("_", "-"))


def _sdist(stem: str, project: ProjectName) -> str | None:
    """Old names and versions may both have dashes, so every place to part them is tried."""
    at = stem.find("-")
    while at > 0:
        if _normalised(stem[:at]) == project and (version := _version(stem[at + 1 :])) is not None:
            return version
        at = stem.find("-", at + 1)
    return None


def _normalised(raw: str) -> ProjectName | None:
    try:
        return project_name(raw)
    except InvalidName:
        return None


@lru_cache(maxsize=4096)
def _version(raw: str) -> str | None:
    try:
        return str(Version(raw))
    except InvalidVersion:
        return None
