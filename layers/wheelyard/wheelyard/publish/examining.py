"""A file that is in the store already: found sound, and described as an upload of it would be."""

import hashlib
from typing import NamedTuple

from wheelyard.errors import (
    FileExists,
    Forbidden,
    InvalidArchive,
    InvalidFilename,
    InvalidMetadata,
    InvalidName,
    TooLarge,
)
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.archive import inspect
from wheelyard.publish.incoming import Incoming
from wheelyard.publish.origins import Origin, find_origin
from wheelyard.storage import keys
from wheelyard.storage.seekable import open_object
from wheelyard.storage.store import Entry, Store

UNFIT = (
    FileExists,
    Forbidden,
    InvalidArchive,
    InvalidFilename,
    InvalidMetadata,
    InvalidName,
    TooLarge,
)
"""What makes a stored file one that is not listed. That the store did not answer is none of it."""


class Examined(NamedTuple):
    """A sound file, and the object that it was read from."""

    incoming: Incoming
    entry: Entry


def sha256_of(store: Store, key: str) -> str:
    """The digest of an object, in lower-case hexadecimal. Raises ``KeyNotFound``."""
    digest = hashlib.sha256()
    for chunk in store.read(key):
        digest.update(chunk)
    return digest.hexdigest()


def digests_of(store: Store, key: str, names: tuple[str, ...]) -> dict[str, str]:
    """Digests of an object, in lower-case hexadecimal, by their names in hashlib."""
    hashers = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    for chunk in store.read(key):
        for hasher in hashers.values():
            hasher.update(chunk)
    return {name: hasher.hexdigest() for name, hasher in hashers.items()}


def examine(
    store: Store,
    key: str,
    filename: str,
    project: ProjectName,
    *,
    max_size: int,
    legacy_formats: bool = False,
    sha256: str | None = None,
) -> Examined:
    """Check the object ``key``, which is to be ``filename`` of ``project``.

    ``sha256`` is its digest where that is known already. Memory is bounded whatever its size. An imported
    file may be of any size and format that an import takes. Raises what ``inspect`` raises,
    ``InvalidArchive`` for another project's file, ``TooLarge``, and ``KeyNotFound``.
    """
    while True:
        entry = store.head(key)
        origin = _origin(store, key)
        if origin is None and entry.size > max_size:
            raise TooLarge(
                f"{filename!r} has {entry.size} bytes, more than the {max_size} accepted here: raise "
                "MAX_FILE_SIZE"
            )
        with open_object(store, key) as file:
            legacy = legacy_formats or origin is not None
            distribution = inspect(file, filename, legacy_formats=legacy)
        digest = sha256 or sha256_of(store, key)
        if distribution.project != project:
            raise InvalidArchive(
                f"{filename!r} is of project {distribution.project!r}, but stands with the files of "
                f"{project!r}: put it under packages/{distribution.project}/"
            )
        # What was checked and what was hashed must be one object, should it be replaced just now.
        if store.head(key).etag == entry.etag:
            return Examined(Incoming(distribution, entry.size, digest, origin=origin), entry)


def _origin(store: Store, key: str) -> Origin | None:
    """The record of an imported file, if the object is that file."""
    if not key.startswith(keys.PACKAGES):
        return None
    origin = find_origin(store, f"{key}.origin")
    return origin if origin is not None and origin.sha256 == sha256_of(store, key) else None
