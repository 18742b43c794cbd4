"""Source distributions: one folder named for the release, with PKG-INFO in it.

https://packaging.python.org/en/latest/specifications/source-distribution-format/
"""

from collections.abc import Iterable
from typing import BinaryIO

from wheelyard.errors import InvalidArchive
from wheelyard.protocol.filenames import Filename
from wheelyard.publish.contents import MOST_METADATA, Contents
from wheelyard.publish.folders import names_release
from wheelyard.publish.members import shown
from wheelyard.publish.tararchive import read_tar
from wheelyard.publish.ziparchive import ZipArchive


def check_sdist(file: BinaryIO, parsed: Filename) -> Contents:
    """Check a source distribution whole, unpacking it in a stream.

    Raises ``InvalidArchive`` naming the member and what would be right.
    """
    return _check_zip(file, parsed) if parsed.ending == ".zip" else _check_tar(file, parsed)


def check_egg(file: BinaryIO) -> Contents:
    """Check an egg, setuptools' older built format: a ZIP with EGG-INFO/PKG-INFO."""
    archive = ZipArchive(file)
    metadata = archive.read("EGG-INFO/PKG-INFO", MOST_METADATA)
    _verify(archive)
    return Contents(metadata, archive.members.files, "EGG-INFO")


def _check_zip(file: BinaryIO, parsed: Filename) -> Contents:
    archive = ZipArchive(file)
    root = _root(archive.members.paths(), parsed)
    metadata = archive.read(f"{root}/PKG-INFO", MOST_METADATA)
    _verify(archive)
    return Contents(metadata, archive.members.files, root)


def _check_tar(file: BinaryIO, parsed: Filename) -> Contents:
    archive = read_tar(file, parsed.ending, "PKG-INFO", MOST_METADATA)
    root = _root(archive.members.paths(), parsed)
    if archive.document is None:
        raise InvalidArchive(
            f"there is no file {shown(f'{root}/PKG-INFO')} in it: build it with a current build tool"
        )
    return Contents(archive.document, archive.members.files, root)


def _verify(archive: ZipArchive) -> None:
    for path in archive.entries:
        archive.verify(path)


def _root(paths: Iterable[str], parsed: Filename) -> str:
    tops = sorted({path.partition("/")[0] for path in paths})
    expected = f"{parsed.project.replace('-', '_')}-{parsed.version}"
    if len(tops) != 1:
        raise InvalidArchive(
            f"it has {len(tops)} top folders or files ({shown(', '.join(tops[:5]))}): a source "
            f"distribution has one folder, {expected!r}"
        )
    if not names_release(tops[0], parsed):
        raise InvalidArchive(
            f"its top folder is {shown(tops[0])}, for this filename it should be {expected!r}: build it "
            "again instead of renaming it"
        )
    return tops[0]
