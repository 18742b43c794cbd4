"""One file on its way into the store: fetched, checked as an upload is, and put in its place."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from wheelyard.errors import DigestMismatch, TooLarge, UpstreamUnavailable
from wheelyard.publish.archive import inspect
from wheelyard.publish.incoming import Incoming, LocalFile
from wheelyard.publish.origins import Origin
from wheelyard.publish.shelf import Placed, Shelf
from wheelyard.storage.staging import StagedFile
from wheelyard.transfer.importing.beside import take_beside
from wheelyard.transfer.importing.offers import Candidate, OtherIndex

_ATTEMPTS = 3


class _Fetched(NamedTuple):
    """Bytes that are in a file of this machine."""

    size: int
    digests: Mapping[str, str]
    changed: str | None


class Taken(NamedTuple):
    """A file that is stored, ready to be listed, and what could not be taken along with it.

    ``placed`` is None if the very same file is listed already.
    """

    placed: Placed | None
    note: str = ""


def take(shelf: Shelf, index: OtherIndex, candidate: Candidate) -> Taken:
    """Store a file.

    Raises ``WheelyardError`` that says why it cannot be taken.
    """
    with StagedFile(shelf.store.staging()) as staged:
        fetched = _fetch(index, candidate, staged, shelf.rules.max_size)
        _check_digests(candidate, fetched.digests)
        distribution = inspect(
            staged.path, candidate.filename, legacy_formats=shelf.rules.legacy_formats
        )
        sha256 = fetched.digests["sha256"]
        record = Origin(
            sha256=sha256,
            upload_time=candidate.upload_time or fetched.changed,
            requires_python=candidate.requires_python,
            source=index.identity(candidate),
            etag=candidate.etag,
        )
        incoming = Incoming(distribution, fetched.size, sha256, origin=record)
        if shelf.check(incoming):
            shelf.catalogue.add(incoming.project)
            return Taken(None)
        beside = take_beside(index, candidate, sha256)
        incoming = incoming._replace(signature=beside.signature, provenance=beside.provenance)
        placed = shelf.place(incoming, index.source(candidate, LocalFile(staged.path)))
    placed = placed._replace(file=placed.file._replace(yanked=candidate.yanked))
    return Taken(placed, "; ".join(beside.notes))


def _fetch(index: OtherIndex, candidate: Candidate, staged: StagedFile, max_size: int) -> _Fetched:
    for attempt in range(1, _ATTEMPTS + 1):
        staged.file.seek(0)
        staged.file.truncate()
        sink = _Sink(staged, {"sha256", *candidate.hashes}, max_size)
        try:
            changed = index.fetch(candidate, sink.write)
        except UpstreamUnavailable:  # it may have broken off in the middle
            if attempt == _ATTEMPTS:
                raise
            continue
        staged.file.flush()
        return _Fetched(sink.size, sink.digests(), changed)
    raise AssertionError("every attempt returns or raises")


class _Sink:
    """Writes and hashes."""

    def __init__(self, staged: StagedFile, names: set[str], max_size: int) -> None:
        self.size = 0
        self._staged = staged
        self._max_size = max_size
        self._hashers = {name: hashlib.new(name, usedforsecurity=False) for name in names}

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self._max_size:
            raise TooLarge(
                f"it has more than the {self._max_size} bytes accepted here: raise MAX_FILE_SIZE"
            )
        for hasher in self._hashers.values():
            hasher.update(chunk)
        self._staged.file.write(chunk)

    def digests(self) -> dict[str, str]:
        return {name: hasher.hexdigest() for name, hasher in self._hashers.items()}


def _check_digests(candidate: Candidate, found: Mapping[str, str]) -> None:
    for name, digest in candidate.hashes.items():
        if found[name] != digest:
            raise DigestMismatch(
                f"its page says {name} {digest}, but the file has {found[name]}: it was changed or damaged"
            )
