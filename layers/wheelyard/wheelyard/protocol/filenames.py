"""Distribution filenames: what a file says about itself before it is opened.

The specifications:
https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
https://packaging.python.org/en/latest/specifications/source-distribution-format/ (PEP 625)

Not for the request path: the packaging library costs a cold start 33 ms.
"""

import re
from typing import Literal, NamedTuple

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_version,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidFilename, InvalidName
from wheelyard.protocol.names import ProjectName, project_name

Kind = Literal["wheel", "sdist", "egg"]

SDIST_ENDINGS = (".tar.gz", ".zip")
LEGACY_SDIST_ENDINGS = (".tar.bz2", ".tar.xz")

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")
# Stores keep "<filename>.provenance" beside a file, and a directory's names end at 255 bytes.
_LONGEST = 240


class Filename(NamedTuple):
    """A distribution filename, taken apart.

    ``canonical``    one spelling for all filenames that mean the same file: ``foo-1.tar.gz`` for
                     ``Foo-1.0.0.tar.gz``. Compare it; do not serve it
    ``python_tag``   what ``pyversion`` is in an upload form: a wheel's first tag, ``source`` for an sdist
    ``ending``       ``.whl``, ``.tar.gz`` …
    """

    project: ProjectName
    version: Version
    kind: Kind
    python_tag: str
    ending: str
    canonical: str


def parse_filename(filename: str, *, legacy: bool = False) -> Filename:
    """Take a distribution filename apart.

    As the public index does for new files, a project name must stand in it normalised with ``_``, and an
    sdist's version in its canonical form. ``legacy`` also takes other spellings, and eggs, ``.tar.bz2``
    and ``.tar.xz``.

    Raises ``InvalidFilename``, naming the filename that would be right where there is one.
    """
    if not _ALLOWED.fullmatch(filename) or len(filename) > _LONGEST:
        raise InvalidFilename(
            f"{filename[:_LONGEST]!r} is not a distribution filename: use ASCII letters, digits and "
            f"'.', '_', '-', '+', '!', at most {_LONGEST} of them"
        )
    parsed, expected = _parse(filename, legacy)
    if filename != expected and not legacy:
        raise InvalidFilename(
            f"Filename {filename!r} is not normalised: it should be {expected!r}. "
            "Build it with a current tool, or rename it"
        )
    return parsed


class _Parsed(NamedTuple):
    filename: Filename
    expected: str


def _parse(filename: str, legacy: bool) -> _Parsed:
    if filename.endswith(".whl"):
        return _wheel(filename)
    if filename.endswith(SDIST_ENDINGS):
        return _sdist(filename)
    if legacy and filename.endswith(LEGACY_SDIST_ENDINGS):
        return _sdist(filename)
    if legacy and filename.endswith(".egg"):
        return _egg(filename)
    allowed = ".whl, .tar.gz or .zip" + (", .tar.bz2, .tar.xz or .egg" if legacy else "")
    raise InvalidFilename(
        f"Filename {filename!r} is not a distribution's: it should end in {allowed}"
    )


def _wheel(filename: str) -> _Parsed:
    try:
        name, version, build, _ = parse_wheel_filename(filename)
        project = project_name(name)
    except (InvalidWheelFilename, InvalidName) as e:
        raise InvalidFilename(
            f"Filename {filename!r} is not a wheel's: it should be "
            f"'name-version-python-abi-platform.whl' ({e})"
        ) from e
    stem = filename.removesuffix(".whl")
    tags = [_sorted_tags(part) for part in stem.split("-")[-3:]]
    number = [f"{build[0]}{build[1]}"] if build else []
    canonical = (
        "-".join([_escaped(project), canonicalize_version(version), *number, *tags]) + ".whl"
    )
    expected = f"{_escaped(project)}-{filename.partition('-')[2]}"
    python_tag = stem.split("-")[-3]
    return _Parsed(Filename(project, version, "wheel", python_tag, ".whl", canonical), expected)


def _sorted_tags(part: str) -> str:
    return ".".join(sorted(set(part.lower().split("."))))


def _sdist(filename: str) -> _Parsed:
    endings = SDIST_ENDINGS + LEGACY_SDIST_ENDINGS
    ending = next(ending for ending in endings if filename.endswith(ending))
    try:
        # packaging knows the two endings that PEP 625 and its predecessors have.
        name, version = parse_sdist_filename(filename.removesuffix(ending) + ".tar.gz")
        project = project_name(name)
    except (InvalidSdistFilename, InvalidName) as e:
        raise InvalidFilename(
            f"Filename {filename!r} is not a source distribution's: it should be "
            f"'name-version{ending}' ({e})"
        ) from e
    canonical = f"{_escaped(project)}-{canonicalize_version(version)}{ending}"
    expected = f"{_escaped(project)}-{version}{ending}"
    return _Parsed(Filename(project, version, "sdist", "source", ending, canonical), expected)


# https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html#filename-embedded-metadata
_EGG = re.compile(r"([^-]+)-([^-]+)-py(\d+(?:\.\d+)?)(-[^-]+(?:-[^-]+)*)?\.egg")


def _egg(filename: str) -> _Parsed:
    match = _EGG.fullmatch(filename)
    if not match:
        raise InvalidFilename(
            f"Filename {filename!r} is not an egg's: it should be 'name-version-pyX.Y.egg'"
        )
    try:
        project, version = project_name(match[1]), Version(match[2].replace("_", "-"))
    except (InvalidName, InvalidVersion) as e:
        raise InvalidFilename(f"Filename {filename!r} is not an egg's: {e}") from e
    rest = f"py{match[3]}{match[4] or ''}.egg"
    canonical = f"{_escaped(project)}-{canonicalize_version(version)}-{rest}"
    return _Parsed(Filename(project, version, "egg", match[3], ".egg", canonical), filename)


def _escaped(project: ProjectName) -> str:
    return project.replace("-", "_")
