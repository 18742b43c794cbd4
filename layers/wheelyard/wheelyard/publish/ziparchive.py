"""The contents of a ZIP file whose framing was checked, read in small pieces."""

import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from wheelyard.errors import InvalidArchive
from wheelyard.publish.inflate import PIECE, deflated
from wheelyard.publish.members import Members, shown
from wheelyard.publish.zipframing import DEFLATED, Entry, read_entries


class ZipArchive:
    """A ZIP file of plain files and folders.

    ``members``  its paths
    ``entries``  file path → entry, in the order of their bytes
    """

    def __init__(self, file: BinaryIO) -> None:
        """Check framing and paths.

        Raises ``InvalidArchive`` for what is not exactly what a build tool writes, for paths that leave
        their folder, and for a decompression bomb.
        """
        self._file = file
        self.entries: dict[str, Entry] = {}
        self.members = Members(file.seek(0, os.SEEK_END))
        for entry in read_entries(file):
            self.members.add(entry.path, directory=entry.directory)
            self.members.grow(entry.size)
            if not entry.directory:
                self.entries[entry.path] = entry
        self.members.check_folders()

    def stream(self, path: str) -> Iterator[bytes]:
        """The bytes of a file of the archive.

        Raises ``InvalidArchive`` if they are not as many as announced, or not those of the checksum.
        """
        entry = self.entries[path]
        pieces = self._compressed(entry)
        size = crc = 0
        for piece in deflated(pieces) if entry.method == DEFLATED else pieces:
            size, crc = size + len(piece), zlib.crc32(piece, crc)
            if size > entry.size:
                break
            yield piece
        if size != entry.size or crc != entry.crc:
            raise InvalidArchive(
                f"{shown(path)} does not have the size and checksum that the ZIP gives: "
                "build or upload the file again"
            )

    def read(self, path: str, most: int) -> bytes:
        """A whole small file. Raises ``InvalidArchive`` if it is not there, or longer than ``most``."""
        if path not in self.entries:
            raise InvalidArchive(
                f"there is no {shown(path)} in it: build it with a current build tool"
            )
        if self.entries[path].size > most:
            raise InvalidArchive(f"{shown(path)} is longer than {most:,} bytes: shorten it")
        return b"".join(self.stream(path))

    def verify(self, path: str) -> None:
        """Raises ``InvalidArchive`` unless the file can be unpacked whole."""
        for _ in self.stream(path):
            pass

    def _compressed(self, entry: Entry) -> Iterator[bytes]:
        position, end = entry.data, entry.data + entry.compressed
        while position < end:
            self._file.seek(position)
            piece = self._file.read(min(PIECE, end - position))
            if not piece:
                raise InvalidArchive(f"{shown(entry.path)} is cut off: upload the file again")
            position += len(piece)
            yield piece
