"""Objects that were put into the store, or taken from it, by other tools than this index.

What counts is what is stored now, not what an event says of it: so events may come twice, late, in any
order or not at all, and what the index itself stores is found as it should be.
"""

import json
import logging
from typing import Literal, NamedTuple

from wheelyard.audit.event import AuditedFile, Change
from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.errors import InvalidFilename, InvalidName, KeyExists, KeyNotFound
from wheelyard.protocol.filenames import parse_filename
from wheelyard.protocol.model import File
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.publish.examining import UNFIT, examine
from wheelyard.publish.incoming import Incoming
from wheelyard.publish.session import is_promised
from wheelyard.publish.shelf import Shelf, listed, upload_time
from wheelyard.publish.tombstones import Tombstone
from wheelyard.storage import keys
from wheelyard.storage.store import Entry

_logger = logging.getLogger(__name__)

Outcome = Literal["known", "listed", "rejected", "removed", "ignored"]


class Arrival(NamedTuple):
    """What became of an object; ``reason`` says why it was rejected."""

    key: str
    outcome: Outcome
    reason: str = ""


class Arrivals:
    """Brings the listings in line with what is stored under ``packages/``."""

    def __init__(self, shelf: Shelf, record: Recorder = unrecorded) -> None:
        """``record`` has what is listed and unlisted in the audit trail."""
        self._shelf = shelf
        self._record = record
        self._store = shelf.store

    def settle(self, key: str) -> Arrival:
        """Look at one key, and list, unlist or move aside what is there, or not there any more.

        ``key`` is as the store has it. Raises ``StorageError``, after which it can be tried again.
        """
        arrival = self._settle(key)
        fields = {"key": key, "outcome": arrival.outcome}
        if arrival.outcome == "rejected":
            _logger.warning(
                "object rejected", extra={"fields": {**fields, "reason": arrival.reason}}
            )
        else:
            _logger.info("object settled", extra={"fields": fields})
        return arrival

    def _settle(self, key: str) -> Arrival:
        # Neither a file system nor the client of S3 can address keys with empty or dotted parts.
        addressable = {"", ".", ".."}.isdisjoint(key.split("/"))
        if key.startswith(keys.WITHDRAWN) and addressable:
            return self._withdraw(key)
        if not key.startswith(keys.PACKAGES) or not addressable:
            return Arrival(key, "ignored")
        folder, _, filename = key.removeprefix(keys.PACKAGES).rpartition("/")
        for ending in keys.SIDECARS:
            if filename.endswith(ending):
                return self._beside(key, folder, filename.removesuffix(ending))
        try:
            entry = self._store.head(key)
        except KeyNotFound:
            return self._gone(key, folder, filename)
        try:
            name = project_name(folder)
            if name != folder:
                raise InvalidName(f"{folder!r} is not normalised: use {keys.PACKAGES}{name}/")
            return self._there(name, filename, entry)
        except UNFIT as error:
            return self._reject(entry, folder, filename, f"{error.title}: {error}")
        except KeyNotFound:  # taken away again while it was looked at
            return self._gone(key, folder, filename)

    def _there(self, name: ProjectName, filename: str, entry: Entry) -> Arrival:
        known = listed(self._shelf.project(name), filename)
        if known is not None and _is(known, entry):
            return Arrival(entry.key, "known")
        if known is None and is_promised(self._store, name, filename):
            return Arrival(entry.key, "known")
        if known is None and self._shelf.withdrawals.concerns(name, filename, entry):
            return Arrival(entry.key, self._take_away(name, filename))
        rules = self._shelf.rules
        incoming, entry = examine(
            self._store,
            entry.key,
            filename,
            name,
            max_size=rules.max_size,
            legacy_formats=rules.legacy_formats,
        )
        if known is not None and known.hashes.get("sha256") == incoming.sha256:
            return Arrival(entry.key, "known")
        file = AuditedFile(filename, incoming.sha256)
        self._restore(incoming)
        self._shelf.check(incoming)
        with self._record(Change("upload", name, (file,), {"size": incoming.size})):
            self._shelf.list(name, [self._shelf.adopt(incoming)])
        return Arrival(entry.key, "listed")

    def _withdraw(self, key: str) -> Arrival:
        """Carry out an order to take away what was never published."""
        folder, _, filename = key.removeprefix(keys.WITHDRAWN).removesuffix(".json").rpartition("/")
        try:
            name = project_name(folder)
        except InvalidName:
            return Arrival(key, "ignored")
        if self._shelf.withdrawals.find(name, filename) is None:  # it was carried out
            return Arrival(key, "known")
        return Arrival(key, self._take_away(name, filename))

    def _take_away(self, name: ProjectName, filename: str) -> Outcome:
        return "removed" if self._shelf.take_away(name, filename) else "known"

    def _restore(self, incoming: Incoming) -> None:
        """Whoever puts the very file back that was deleted does not use its name for another one."""
        name, canonical = incoming.project, incoming.distribution.canonical
        tombstone = self._shelf.tombstones.find(name, canonical)
        if tombstone == Tombstone(incoming.filename, incoming.sha256):
            self._shelf.tombstones.remove(name, canonical)

    def _gone(self, key: str, folder: str, filename: str) -> Arrival:
        try:
            name = project_name(folder)
            canonical = parse_filename(filename, legacy=True).canonical
        except (InvalidName, InvalidFilename):
            return Arrival(key, "known")
        known = listed(self._shelf.project(name), filename)
        if known is None:
            return Arrival(key, "known")
        sha256 = known.hashes.get("sha256")
        with self._record(Change("delete", name, (AuditedFile(filename, sha256),))):
            self._shelf.tombstones.put(name, canonical, Tombstone(filename, sha256))
            self._shelf.unlist(name, [filename])
        if self._shelf.store.exists(key):  # put back meanwhile
            return self._settle(key)
        self._shelf.remove_beside(name, filename)
        return Arrival(key, "removed")

    def _beside(self, key: str, folder: str, filename: str) -> Arrival:
        """A signature or provenance that came or went is announced, or not any more."""
        try:
            name = project_name(folder)
        except InvalidName:
            return Arrival(key, "ignored")
        known = listed(self._shelf.project(name), filename)
        if known is None:
            return Arrival(key, "known")
        signed = self._shelf.store.exists(keys.signature(name, filename))
        attested = self._shelf.store.exists(keys.provenance(name, filename))
        changed = known._replace(
            gpg_sig=True if signed else None,
            provenance=f"{filename}.provenance" if attested else None,
        )
        if changed == known:
            return Arrival(key, "known")
        self._shelf.relist(name, known, changed)
        return Arrival(key, "listed")

    def _reject(self, entry: Entry, folder: str, filename: str, reason: str) -> Arrival:
        """Move an object to where nothing is listed from, with a report of why beside it."""
        aside = keys.rejected(entry.key, entry.etag)
        report = {"key": entry.key, "size": entry.size, "etag": entry.etag, "reason": reason}
        self._store.put(f"{aside}.report.json", json.dumps(report).encode())
        try:
            self._store.copy(entry.key, aside)
        except KeyExists:  # by an event that came twice
            pass
        except KeyNotFound:
            return self._gone(entry.key, folder, filename)
        # What was put there since is another object, and has an event of its own.
        if self._is_still(entry):
            self._store.delete(entry.key)
        self._gone(entry.key, folder, filename)
        return Arrival(entry.key, "rejected", reason)

    def _is_still(self, entry: Entry) -> bool:
        try:
            return self._store.head(entry.key).etag == entry.etag
        except KeyNotFound:
            return False


def _is(known: File, entry: Entry) -> bool:
    """Whether a listed file is this object, as far as can be told without reading it."""
    return known.size == entry.size and known.upload_time == upload_time(entry.modified)
