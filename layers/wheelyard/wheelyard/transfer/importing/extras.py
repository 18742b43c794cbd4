"""What else a kin's bucket has: its users, and the files of its upstream that it kept."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from wheelyard.access.passwords import verify
from wheelyard.access.users import parse_user
from wheelyard.audit.event import Change
from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.errors import (
    DigestMismatch,
    FileExists,
    KeyExists,
    WheelyardError,
)
from wheelyard.index.catalogue import Catalogue
from wheelyard.storage import keys
from wheelyard.storage.staging import StagedFile
from wheelyard.storage.store import Store
from wheelyard.transfer.importing.offers import Candidate, Offer, OtherIndex


class Extra(NamedTuple):
    """What became of a user's record or a kept file: ``taken``, ``there``, or ``cannot`` with a reason."""

    place: str
    outcome: str
    reason: str = ""


def take_users(
    store: Store, index: OtherIndex, offer: Offer, record: Recorder = unrecorded
) -> Iterator[Extra]:
    """Copy the records of users who are not there, under the digests of their names."""
    for digest, place in offer.users.items():
        try:
            raw = index.read(place)
            user = parse_user(raw, place)
            verify("", user.hash)  # reads the hash, or says why it cannot
            key = f"{keys.USERS}{digest}.json"
            if store.exists(key):
                yield Extra(place, "there")
                continue
            details = {"subject": user.name or key, **user.rights.as_record()}
            with record(Change("put-user", details=details)):
                store.create(key, raw)
            yield Extra(place, "taken")
        except KeyExists:
            yield Extra(place, "there")
        except WheelyardError as error:
            yield Extra(place, "cannot", str(error))


def take_cached(store: Store, index: OtherIndex, offer: Offer) -> Iterator[Extra]:
    """Copy upstream's files to where the mirror keeps its own, if their recorded digests are right."""
    private = set(Catalogue(store).names())
    for candidate in offer.cached:
        try:
            if candidate.project in private:
                raise FileExists(f"{candidate.project!r} is a private project here")
            yield Extra(candidate.place, _take_cached(store, index, candidate))
        except WheelyardError as error:
            yield Extra(candidate.place, "cannot", str(error))


def _take_cached(store: Store, index: OtherIndex, candidate: Candidate) -> str:
    expected = candidate.hashes.get("sha256")
    if expected is None:
        raise DigestMismatch("no sha256 was recorded with it, by which it could be checked")
    hasher = hashlib.sha256()
    with StagedFile(store.staging()) as staged:

        def write(chunk: bytes) -> None:
            hasher.update(chunk)
            staged.file.write(chunk)

        index.fetch(candidate, write)
        staged.file.flush()
        if hasher.hexdigest() != expected:
            raise DigestMismatch(f"it was recorded with sha256 {expected}, but has another one")
        try:
            store.create_from(keys.mirror_file(candidate.project, candidate.filename), staged.path)
        except KeyExists:
            return "there"
    return "taken"
