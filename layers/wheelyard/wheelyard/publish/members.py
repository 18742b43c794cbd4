"""What the members of every archive have in common: paths, and bounds on their number and size."""

import re
from collections.abc import Iterator
from typing import Final

from wheelyard.errors import InvalidArchive

MOST_MEMBERS: Final = 100_000
MOST_EXPANSION: Final = 50
"""How many times the archive's own size its contents may be, …"""
EXPANSION_FREE: Final = 10_000_000
"""… once they are more bytes than this."""
LONGEST_PATH: Final = 1024
DEEPEST_PATH: Final = 64
MOST_PATH_BYTES: Final = 16 * 1024 * 1024
"""All paths of an archive together, which is what checking one keeps in memory."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")


class Members:
    """The paths of one archive, as they are met, and how much it has unpacked to."""

    def __init__(self, archive_size: int) -> None:
        self.files: set[str] = set()
        self.directories: set[str] = set()
        self._path_bytes = 0
        self._limit = max(EXPANSION_FREE, MOST_EXPANSION * archive_size)
        self._unpacked = 0

    def grow(self, size: int) -> None:
        """Count unpacked bytes. Raises ``InvalidArchive`` for a decompression bomb."""
        self._unpacked += size
        if self._unpacked > self._limit:
            raise InvalidArchive(
                f"it unpacks to more than {self._limit:,} bytes ({MOST_EXPANSION} times its own size): "
                "leave out what compresses so well"
            )

    def add(self, path: str, *, directory: bool) -> None:
        """Take the next path, without a trailing slash.

        Raises ``InvalidArchive`` for a path that could be written outside its folder, one that is there
        twice, and for too many of them.
        """
        check_path(path)
        if path in self.files or path in self.directories:
            raise InvalidArchive(
                f"{shown(path)} is there twice: build it again, with each path once"
            )
        (self.directories if directory else self.files).add(path)
        self._path_bytes += len(path)
        if len(self.files) + len(self.directories) > MOST_MEMBERS:
            raise InvalidArchive(f"it has more than {MOST_MEMBERS:,} members: leave some out")
        if self._path_bytes > MOST_PATH_BYTES:
            raise InvalidArchive(f"its paths are more than {MOST_PATH_BYTES:,} bytes: shorten them")

    def paths(self) -> Iterator[str]:
        """All paths, of files and of folders."""
        yield from self.files
        yield from self.directories

    def check_folders(self) -> None:
        """Raises ``InvalidArchive`` if a file is also the folder of another member."""
        for path in self.paths():
            if folder := next((parent for parent in parents(path) if parent in self.files), None):
                raise InvalidArchive(
                    f"{shown(folder)} is a file, and also the folder of {shown(path)}: rename one of them"
                )


def check_path(path: str) -> None:
    """Raises ``InvalidArchive`` unless the path is a plain one below its folder on every system."""
    try:
        size = len(path.encode())
    except UnicodeEncodeError as e:
        raise InvalidArchive(f"The path {shown(path)} is not UTF-8: rename the file") from e
    if size > LONGEST_PATH or path.count("/") >= DEEPEST_PATH:
        raise InvalidArchive(
            f"The path {shown(path)} is too long: use at most {LONGEST_PATH} bytes "
            f"in {DEEPEST_PATH} folders"
        )
    parts = path.split("/")
    if (
        _CONTROL.search(path)
        or "\\" in path
        or _DRIVE.match(path)
        or not {"", ".", ".."}.isdisjoint(parts)
    ):
        raise InvalidArchive(
            f"The path {shown(path)} is not one that can be unpacked safely: use relative paths with "
            "'/', without '.', '..', backslashes and control characters"
        )


def parents(path: str) -> list[str]:
    """The folders of a path, the innermost first: ``a/b``, ``a`` for ``a/b/c``."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def shown(path: str) -> str:
    """A path as an error message gives it."""
    return repr(path if len(path) <= 120 else path[:120] + "…")
