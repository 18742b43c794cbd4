"""Reading a compressed tar once, from beginning to end, keeping its paths and one document."""

import os
import tarfile
from collections.abc import Iterator
from typing import IO, BinaryIO, NamedTuple, cast

from wheelyard.errors import InvalidArchive
from wheelyard.publish.inflate import DECOMPRESSORS, PIECE
from wheelyard.publish.links import Links
from wheelyard.publish.members import Members, shown
from wheelyard.publish.tarframing import Source, framed


class TarArchive(NamedTuple):
    """The paths of a sound tar, and the content of the document that was asked for."""

    members: Members
    document: bytes | None


def read_tar(file: BinaryIO, ending: str, document: str, most: int) -> TarArchive:
    """Read a ``.tar.gz``, ``.tar.bz2`` or ``.tar.xz`` (``ending``).

    ``document`` is the name of a file directly in the top folder, of at most ``most`` bytes.

    Raises ``InvalidArchive`` for broken or ambiguous framing, paths and links that leave their folder,
    devices and sparse files, and a decompression bomb.
    """
    members, links, content = Members(file.seek(0, os.SEEK_END)), Links(), None
    source = Source(framed(_unpacked(file, ending, members)))
    for tar, member in _walk(source):
        members.add(member.name, directory=member.isdir())
        if member.issym():
            links.add_symbolic(member.name, member.linkname)
        elif member.islnk():
            links.check_hard(member.name, member.linkname, members.files)
        elif member.isfile() and member.name.partition("/")[2] == document and content is None:
            content = _read(tar, member, most)
    members.check_folders()
    links.check()
    return TarArchive(members, content)


def _unpacked(file: BinaryIO, ending: str, members: Members) -> Iterator[bytes]:
    file.seek(0)
    for piece in DECOMPRESSORS[ending](iter(lambda: file.read(PIECE), b"")):
        members.grow(len(piece))
        yield piece


def _walk(source: Source) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    stream = cast("IO[bytes]", source)  # reading a stream ("r|") asks for nothing but read
    try:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=1) as tar:
            while (member := tar.next()) is not None:
                yield tar, member
                tar.members.clear()  # type: ignore[attr-defined]  # it would keep all
    except (tarfile.TarError, EOFError) as e:
        raise InvalidArchive(
            f"the tar cannot be read ({e}): build it again with a build tool"
        ) from e
    while source.read(PIECE):
        pass


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo, most: int) -> bytes:
    if member.size > most:
        raise InvalidArchive(f"{shown(member.name)} is longer than {most:,} bytes: shorten it")
    content = tar.extractfile(member)
    return content.read() if content else b""
