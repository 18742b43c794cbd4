"""A project's document with one file more: pure, and the same whatever order files arrived in."""

from collections.abc import Collection
from functools import lru_cache

from packaging.version import Version

from wheelyard.errors import InvalidFilename
from wheelyard.protocol.filenames import Filename, parse_filename
from wheelyard.protocol.model import File, Project

_LOWEST = Version("0.dev0")


@lru_cache(maxsize=8192)
def parsed(filename: str) -> Filename | None:
    """The filename taken apart, or None for one that somebody else put into a document."""
    try:
        return parse_filename(filename, legacy=True)
    except InvalidFilename:
        return None


def with_file(project: Project, file: File) -> Project:
    """``project`` with ``file``, which replaces one of the same name."""
    others = [known for known in project.files if known.filename != file.filename]
    return with_files(project, [*others, file])


def without_files(project: Project, filenames: Collection[str]) -> Project:
    """``project`` without the files of these names; the same if it has none of them."""
    left = [known for known in project.files if known.filename not in filenames]
    return project if len(left) == len(project.files) else with_files(project, left)


def with_files(project: Project, files: list[File]) -> Project:
    """``project`` with exactly these files, in the order of versions and names.

    ``versions`` names every release once; ``1.0`` and ``1.0.0`` are one (PEP 440), spelt as its first
    file spells it.
    """
    ordered = sorted(files, key=lambda file: (_version(file), file.filename))
    spellings: dict[Version, str] = {}
    for file in ordered:
        name = parsed(file.filename)
        if name is not None:
            spellings.setdefault(name.version, str(name.version))
    return project._replace(files=tuple(ordered), versions=tuple(spellings.values()))


def same_file(project: Project, filename: Filename) -> File | None:
    """The listed file whose name means the same as ``filename``, however it is spelt."""
    for file in project.files:
        name = parsed(file.filename)
        if name is not None and name.canonical == filename.canonical:
            return file
    return None


def other_sdist(project: Project, filename: Filename) -> File | None:
    """The source distribution that the release of ``filename`` already has under another name."""
    for file in project.files:
        name = parsed(file.filename)
        if (
            name is not None
            and name.kind == "sdist"
            and name.version == filename.version
            and name.canonical != filename.canonical
        ):
            return file
    return None


def _version(file: File) -> Version:
    name = parsed(file.filename)
    return name.version if name else _LOWEST
