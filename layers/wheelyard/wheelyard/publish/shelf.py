"""Where published files stand: stored first, then listed, so that nothing is ever half-visible.

The order is the whole of it. The file is created under its final key, which decides between rivals; then
what stands beside it; then the project's document is replaced, then the catalogue. Whoever dies in
between leaves a file that is stored and not listed, and the same upload sent again goes on from there.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from wheelyard.errors import FileExists, KeyExists, KeyNotFound, StorageError
from wheelyard.index.catalogue import Catalogue
from wheelyard.index.documents import stored_project
from wheelyard.protocol.model import File, Project
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.simple import project_json
from wheelyard.publish.examining import sha256_of
from wheelyard.publish.incoming import Incoming, Source
from wheelyard.publish.listing import with_file, without_files
from wheelyard.publish.origins import Origin, dump_origin, find_origin
from wheelyard.publish.rules import Rules, check_open, check_rivals, exists
from wheelyard.publish.session import is_promised
from wheelyard.publish.tombstones import Tombstone, Tombstones
from wheelyard.publish.withdrawals import Withdrawals
from wheelyard.storage import keys
from wheelyard.storage.editing import edit_object
from wheelyard.storage.store import Store, Stored

Standing = Literal["listed", "stored", "other", "absent"]
"""Where a file stands that is to be published.

It is ``listed`` as it is, or ``stored`` without being listed; or there is an ``other`` one in its place,
which it may replace, or none.
"""


class Placed(NamedTuple):
    """A file that is stored, and how it is to be listed.

    ``canonical``  its name in the spelling by which files are compared
    ``etags``      of the file and its metadata as stored by whoever placed it
    ``created``    False where the very same file was there before
    """

    file: File
    canonical: str
    etags: tuple[str, str]
    created: bool


class Doomed(NamedTuple):
    """A file that is to be deleted, and its digest, None where nobody knows it any more.

    ``canonical``  its name in the spelling by which files are compared
    """

    filename: str
    canonical: str
    sha256: str | None


class Shelf:
    """The private files of a store, their documents, and the catalogue."""

    def __init__(self, store: Store, catalogue: Catalogue, rules: Rules) -> None:
        self.store = store
        self.catalogue = catalogue
        self.rules = rules
        self.tombstones = Tombstones(store)
        self.withdrawals = Withdrawals(store)

    def project(self, name: ProjectName) -> Project:
        """The project as it is now, without files if there is none. Raises ``InvalidDocument``."""
        try:
            return stored_project(name, self.store.get(keys.project(name)).body)
        except KeyNotFound:
            return Project(name)

    def check(self, incoming: Incoming) -> bool:
        """Refuse what can be refused before anything is stored; whether it is listed as it is.

        Raises ``Forbidden`` and ``FileExists``.
        """
        project = self.project(incoming.project)
        check_open(project)
        known = listed(project, incoming.filename)
        if known is not None and known.hashes.get("sha256") == incoming.sha256:
            return True
        check_rivals(project, incoming.filename, incoming.sha256, overwrite=self.rules.overwrite)
        if not self.rules.reuse_deleted:
            self.check_deleted(incoming.project, incoming.distribution.canonical)
        return False

    def standing(self, incoming: Incoming, session: str) -> Standing:
        """``check``, for a file of a session, and that no other one is stored in its place."""
        if self.check(incoming):
            return "listed"
        key = keys.package(incoming.project, incoming.filename)
        if not self.store.exists(key):
            return "absent"
        self._check_free(incoming, session)
        try:
            same = sha256_of(self.store, key) == incoming.sha256
        except KeyNotFound:  # it was taken away just now
            return "absent"
        if same:
            return "stored"
        if not self.rules.overwrite:
            raise FileExists(exists(incoming.filename))
        return "other"

    def _check_free(self, incoming: Incoming, session: str | None) -> None:
        """Refuse to share a stored file with a session that is just publishing it, or was not able to.

        The session's promise goes only after its orders are there, so they are looked for after it.
        """
        name, filename = incoming.project, incoming.filename
        if is_promised(self.store, name, filename, but=session):
            raise FileExists(
                f"File already exists: {filename!r} is just being published by a session, together with "
                "others of its release: try again in a minute, or publish that session again"
            )
        self.check_withdrawn(name, filename)

    def check_withdrawn(self, name: ProjectName, filename: str) -> None:
        """Carry out the order for a stored file, if there is one. Raises ``FileExists`` if it cannot be."""
        if self.withdrawals.stands(name, filename):
            # Who may not delete leaves it to those who may, and so does who gets no answer.
            with suppress(StorageError):
                self.take_away(name, filename)
            self.withdrawals.check(name, filename)

    def place(self, incoming: Incoming, source: Source, session: str | None = None) -> Placed:
        """Store the file and what stands beside it; ``session`` is the id of the one that it is of.

        Raises ``FileExists``.
        """
        name, filename = incoming.project, incoming.filename
        key = keys.package(name, filename)
        created = True
        # Before the file, so that whoever lists it, an event's handler perhaps, finds the record.
        if incoming.origin is not None and not self.store.exists(key):
            self._create_beside(keys.origin(name, filename), dump_origin(incoming.origin))
        try:
            source.create(self.store, key)
        except KeyExists:
            self._check_free(incoming, session)
            try:
                same = sha256_of(self.store, key) == incoming.sha256
            except KeyNotFound:  # it was taken away just now
                return self.place(incoming, source, session)
            if same:
                created = False
            elif self.rules.overwrite:
                self._replace(incoming, source)
            else:
                raise FileExists(exists(filename)) from None
        self._create_beside(keys.metadata(name, filename), incoming.distribution.metadata_bytes)
        self._create_beside(keys.signature(name, filename), incoming.signature)
        self._create_beside(keys.provenance(name, filename), incoming.provenance)
        return self.placed(incoming, created=created)

    def _replace(self, incoming: Incoming, source: Source) -> None:
        """Put the file in another one's place; nobody is shown one with what belongs to the other."""
        name, filename = incoming.project, incoming.filename
        self.unlist(name, [filename])
        self.remove_beside(name, filename)
        source.put(self.store, keys.package(name, filename))

    def _create_beside(self, key: str, body: bytes | None) -> None:
        if body is None:
            return
        try:
            self.store.create(key, body)
        except KeyExists:  # made by an upload that this one repeats, or by one that it replaces
            if self.store.get(key).body != body:
                self.store.put(key, body)

    def remove_beside(self, name: ProjectName, filename: str) -> None:
        """Delete metadata, signature, provenance and origin of a file.

        Before the file itself: once that is gone, its name is another upload's, and so are they.
        """
        for ending in keys.SIDECARS:
            self.store.delete(keys.package(name, filename + ending))

    def withdraw(
        self, name: ProjectName, filename: str, sha256: str, put_back: Callable[[], object]
    ) -> None:
        """Take back a stored file, of that digest, that is not to be listed after all.

        Another writer may have listed it: then it stays, or is ``put_back`` with what stands beside it.
        Where nothing may be deleted an order is left for those who may.
        """
        key = keys.package(name, filename)
        try:
            entry = self.store.head(key)
            ours = sha256_of(self.store, key) == sha256
        except KeyNotFound:
            return
        if not ours or listed(self.project(name), filename) is not None:
            return
        try:
            self.remove_beside(name, filename)
            self.store.delete(key)
        except StorageError:
            self.withdrawals.order(name, filename, entry)
            return
        if listed(self.project(name), filename) is not None:
            with suppress(FileExists):
                put_back()

    def take_away(self, name: ProjectName, filename: str) -> bool:
        """Carry out the order to take a stored file away; whether it is about the object that is there.

        Done again after it was interrupted, it goes on from there.
        """
        try:
            entry = self.store.head(keys.package(name, filename))
        except KeyNotFound:
            self.withdrawals.done(name, filename)
            return False
        meant = self.withdrawals.concerns(name, filename, entry)
        if meant and listed(self.project(name), filename) is None:
            self.remove_beside(name, filename)
            # What its owner put there since is another object.
            if self.withdrawals.stands(name, filename):
                self.store.delete(entry.key)
        self.withdrawals.done(name, filename)
        return meant

    def adopt(self, incoming: Incoming) -> Placed:
        """A file that another tool stored; what belongs beside it is made."""
        key = keys.metadata(incoming.project, incoming.filename)
        self._create_beside(key, incoming.distribution.metadata_bytes)
        return self.placed(incoming, created=False)

    def placed(self, incoming: Incoming, *, created: bool) -> Placed:
        """How the stored file is to be listed, by what is stored.

        Raises ``KeyNotFound``, and ``FileExists`` if it is not this file any more.
        """
        name, filename = incoming.project, incoming.filename
        stored = self.store.head(keys.package(name, filename))
        described = self.store.get(keys.metadata(name, filename))
        if self.rules.overwrite and (
            described.body != incoming.distribution.metadata_bytes
            or sha256_of(self.store, stored.key) != incoming.sha256
        ):
            raise FileExists(_overtaken(filename))
        signed = incoming.signature is not None or (
            not created and self.store.exists(keys.signature(name, filename))
        )
        attested = incoming.provenance is not None or (
            not created and self.store.exists(keys.provenance(name, filename))
        )
        if not created and incoming.origin is None:
            incoming = incoming._replace(origin=self._origin(incoming))
        file = as_listed(incoming, stored.modified, signed=signed, attested=attested)
        canonical = incoming.distribution.canonical
        return Placed(file, canonical, (stored.etag, described.etag), created)

    def _origin(self, incoming: Incoming) -> Origin | None:
        found = find_origin(self.store, keys.origin(incoming.project, incoming.filename))
        return found if found is not None and found.sha256 == incoming.sha256 else None

    def list(self, name: ProjectName, placed: Sequence[Placed]) -> None:
        """Have stored files in the project's document, all at once, and the project in the catalogue.

        Raises ``FileExists``, ``Forbidden`` and ``InvalidDocument``; then none of them is listed.
        """
        if self.rules.reuse_deleted:
            for each in placed:
                self.tombstones.remove(name, each.canonical)
        added: set[str] = set()

        def edit(project: Project) -> Project:
            nonlocal added
            changed = self._with(project, placed)
            before = {file.filename for file in project.files}
            added = {file.filename for file in changed.files} - before
            return changed

        self.edit(name, edit)
        self.catalogue.add(name)
        # Whoever deletes a file puts the tombstone first and takes it from the document then. If that
        # came between the check and the listing here, one of the two sees the other.
        for each in placed:
            try:
                self.check_deleted(name, each.canonical)
            except FileExists:
                self.unlist(name, added | {each.file.filename})
                raise

    def _with(self, project: Project, placed: Sequence[Placed]) -> Project:
        check_open(project)
        for each in placed:
            file = each.file
            sha256 = file.hashes["sha256"]
            check_rivals(project, file.filename, sha256, overwrite=self.rules.overwrite)
            known = listed(project, file.filename)
            if known is not None and known.hashes.get("sha256") == sha256:
                file = _merged(known, file)
            elif self.rules.overwrite:
                self._check_still_there(project.name, each)
            if file != known:
                project = with_file(project, file)
        return project

    def _check_still_there(self, name: ProjectName, placed: Placed) -> None:
        """Of two that replace one file at the same time, neither may list what the other stored."""
        filename = placed.file.filename
        etags = tuple(
            self.store.head(key).etag
            for key in (keys.package(name, filename), keys.metadata(name, filename))
        )
        if etags != placed.etags:
            raise FileExists(_overtaken(filename))

    def unlist(self, name: ProjectName, filenames: Collection[str]) -> None:
        """Have files no longer in the project's document; the project stays, even without any."""
        if self.store.exists(keys.project(name)):
            self.edit(name, lambda project: without_files(project, filenames))

    def relist(self, name: ProjectName, known: File, changed: File) -> None:
        """Have a file listed with other details, if it is still listed as it was known."""
        self.edit(
            name, lambda project: with_file(project, changed) if known in project.files else project
        )

    def remove(self, name: ProjectName, files: Sequence[Doomed]) -> None:
        """Delete files for good: their tombstones, then their listing at once, then what is stored.

        Done again after it was interrupted, it goes on from there: a file's own object goes last.
        """
        for each in files:
            if self.tombstones.find(name, each.canonical) is None:
                self.tombstones.put(name, each.canonical, Tombstone(each.filename, each.sha256))
        self.unlist(name, {each.filename for each in files})
        for each in files:
            self.remove_beside(name, each.filename)
            self.store.delete(keys.package(name, each.filename))

    def edit(self, name: ProjectName, change: Callable[[Project], Project]) -> bool:
        """Change the project's document; returns whether there was anything to change."""

        def edit(stored: Stored | None) -> bytes | None:
            project = Project(name) if stored is None else stored_project(name, stored.body)
            changed = change(project)
            return None if changed == project and stored else project_json(changed)

        return edit_object(self.store, keys.project(name), edit)

    def check_deleted(self, name: ProjectName, canonical: str) -> None:
        """Raises ``FileExists`` if the file has a tombstone."""
        tombstone = self.tombstones.find(name, canonical)
        if tombstone is not None:
            raise FileExists(
                f"File already exists: {tombstone.filename!r} was published and deleted, and its name "
                "is not used again: raise the version and upload that"
            )


def as_listed(incoming: Incoming, modified: datetime, *, signed: bool, attested: bool) -> File:
    """The file as its project's document has it.

    The upload time is the store's own, or that of an imported file's first index, so that what is stored
    gives the same document again.
    """
    distribution, origin = incoming.distribution, incoming.origin or Origin(incoming.sha256)
    metadata = hashlib.sha256(distribution.metadata_bytes).hexdigest()
    return File(
        filename=incoming.filename,
        url=incoming.filename,
        hashes={"sha256": incoming.sha256},
        requires_python=distribution.metadata.requires_python or origin.requires_python,
        # An sdist's may be dynamic, and clients would take it for the wheel's to be (PEP 658).
        core_metadata={"sha256": metadata} if distribution.kind == "wheel" else None,
        size=incoming.size,
        upload_time=origin.upload_time or upload_time(modified),
        gpg_sig=True if signed else None,
        provenance=f"{incoming.filename}.provenance" if attested else None,
    )


def _overtaken(filename: str) -> str:
    return (
        f"File already exists: {filename!r} was replaced by another upload at the same time: upload it "
        "again if yours is to stay"
    )


def upload_time(modified: datetime) -> str:
    """A time as a document has it (PEP 700)."""
    return modified.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def listed(project: Project, filename: str) -> File | None:
    """The file of exactly this name."""
    return next((file for file in project.files if file.filename == filename), None)


def _merged(known: File, file: File) -> File:
    """The listed record of a file, with what was stored beside the file since."""
    return known._replace(
        core_metadata=known.core_metadata or file.core_metadata,
        gpg_sig=known.gpg_sig or file.gpg_sig,
        provenance=known.provenance or file.provenance,
    )
