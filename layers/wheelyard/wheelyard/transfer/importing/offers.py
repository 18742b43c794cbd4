"""What another index has on offer, however it keeps it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from wheelyard.protocol.model import Status
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.incoming import Source as Bytes


class Candidate(NamedTuple):
    """A file that could be taken.

    ``place``            where it is there: a key, or a URL
    ``hashes``           what its page says, by name of the digest; may be empty
    ``size``             bytes, where that is known before it is fetched
    ``etag``             tells this object from another one there; empty where nothing does
    ``upload_time``      as a page has it (PEP 700), where that is known
    ``requires_python``  as its page has it
    ``signature``        where its detached PGP signature is, and ``provenance``: its attestations
    """

    project: ProjectName
    filename: str
    place: str
    hashes: Mapping[str, str]
    size: int | None = None
    etag: str = ""
    upload_time: str | None = None
    requires_python: str | None = None
    yanked: bool | str | None = None
    signature: str | None = None
    provenance: str | None = None


class Marker(NamedTuple):
    """A project's status there (PEP 792)."""

    status: Status
    reason: str | None


class Left(NamedTuple):
    """Something that is left where it is, and why."""

    place: str
    reason: str


class Offer(NamedTuple):
    """Everything that an index has.

    ``left``        what is not meant to be taken: pages, other people's files
    ``unreadable``  what should have been read, and could not be
    ``users``       places of user records, by the digest of the username
    ``cached``      files of its own upstream, that it kept
    """

    files: tuple[Candidate, ...] = ()
    left: tuple[Left, ...] = ()
    unreadable: tuple[Left, ...] = ()
    markers: Mapping[ProjectName, Marker] = {}
    users: Mapping[str, str] = {}
    cached: tuple[Candidate, ...] = ()


class OtherIndex(ABC):
    """Another index. ``location`` is what to call it, without credentials."""

    location: str

    @abstractmethod
    def offer(self, wanted: Collection[ProjectName]) -> Offer:
        """What it has, of the projects that are ``wanted``, or of all if there are none of these.

        Raises ``StorageError``, ``UpstreamError`` and ``SourceUnclear``.
        """

    @abstractmethod
    def fetch(self, candidate: Candidate, write: Callable[[bytes], object]) -> str | None:
        """Give all bytes of a file to ``write``; returns when it was last changed, if that is said.

        Raises ``StorageError`` and ``UpstreamError``.
        """

    @abstractmethod
    def read(self, place: str) -> bytes:
        """A small object whole: a signature, a user's record. Raises as ``fetch`` does."""

    def source(self, candidate: Candidate, local: Bytes) -> Bytes:
        """Where the store is best given the bytes from; ``local`` are those that were checked."""
        del candidate
        return local

    def identity(self, candidate: Candidate) -> str:
        """The file's place, for its record."""
        return f"{self.location}{candidate.place}"
