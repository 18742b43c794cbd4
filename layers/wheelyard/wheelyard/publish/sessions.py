"""Publishing sessions: uploaded file by file, published all at once or not at all (PEP 694).

A file waits under ``uploads/<session>/`` and is found sound there. To publish, the session first becomes
``processing``, which is its promise: from then on whoever comes by, the client's retry or the sweeper, goes
on until all files are listed, by one replacement of the project's document, or none is. Until then no event
and no rebuild lists one of them.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress

from wheelyard.audit.event import AuditedFile, Change
from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.errors import (
    Conflict,
    KeyNotFound,
    NotFound,
    StorageError,
)
from wheelyard.protocol.filenames import parse_filename
from wheelyard.protocol.metadata import parse_metadata
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.archive import Distribution
from wheelyard.publish.attestations import read_provenance
from wheelyard.publish.examining import UNFIT
from wheelyard.publish.incoming import Incoming, StagedObject
from wheelyard.publish.rules import check_open
from wheelyard.publish.session import (
    Session,
    SessionFile,
    current_session,
    dump_session,
    parse_session,
    release,
)
from wheelyard.publish.session_records import SessionRecords, pending
from wheelyard.publish.shelf import Shelf
from wheelyard.storage import keys
from wheelyard.storage.editing import edit_object
from wheelyard.storage.store import Stored

_logger = logging.getLogger(__name__)

LIFETIME = 24 * 3600
"""Seconds that a session lives, …"""
LONGEST_LIFETIME = 47 * 3600
"""… and that it can be made to; S3 is told to forget unfinished uploads after two days."""


SWEEP_EVERY = 3600
"""Seconds between sweeps in one process."""


class Sessions:
    """The publishing sessions of a store."""

    def __init__(
        self,
        shelf: Shelf,
        records: SessionRecords,
        clock: Callable[[], float],
        recorder: Callable[[str], Recorder] = lambda _: unrecorded,
    ) -> None:
        """``clock`` gives seconds since the epoch.

        ``recorder`` has in the audit trail what is published for an owner who is not there any more.
        """
        self._shelf = shelf
        self._store = shelf.store
        self._records = records
        self._clock = clock
        self._recorder = recorder
        self._swept = clock()

    def create(
        self,
        name: ProjectName,
        version: str,
        owner: str,
        publisher: Mapping[str, object] | None = None,
    ) -> Session:
        """Open a session for a release; now and then, sweep the expired ones.

        Raises ``Conflict`` if there is one, ``Forbidden`` for a project that takes no uploads, and
        ``InvalidUpload`` for what is no version.
        """
        version = release(version)
        check_open(self._shelf.project(name))
        now = self._clock()
        if now - self._swept > SWEEP_EVERY:
            self._swept = now
            self.sweep()
        session = Session(
            secrets.token_hex(16), owner, name, version, now, now + LIFETIME, publisher=publisher
        )
        stale = self.current(name, version)
        if stale is not None and stale.expires <= now:
            with suppress(Conflict, *UNFIT):  # which is told to whoever asks for that session
                self._finish(stale, self._recorder(stale.owner))

        def edit(stored: Stored | None) -> bytes:
            nonlocal stale
            known = parse_session(stored.body) if stored else None
            if known is not None and known.active and known.expires > now:
                raise Conflict(
                    f"there is a session for {name} {version} already: go on with that, or cancel it",
                    known.id,
                )
            stale = known
            return dump_session(session)

        edit_object(self._store, keys.session(name, version), edit)
        if stale is not None:
            self._records.discard(stale)
        return session

    def find(self, name: ProjectName, version: str, id_: str) -> Session:
        """A session that has not expired. Raises ``NotFound``."""
        session = self.current(name, version)
        if session is None or session.id != id_ or session.expires <= self._clock():
            raise NotFound("there is no such session: it was never there, or it has expired")
        return session

    def current(self, name: ProjectName, version: str) -> Session | None:
        """The latest session of a release, whatever became of it."""
        return current_session(self._store, name, version)

    def extend(self, session: Session, seconds: int) -> Session:
        """Have it live longer: ``seconds`` from now, as far as the longest lifetime allows."""
        until = min(self._clock() + seconds, session.created + LONGEST_LIFETIME)
        return self._records.edit(session, lambda s: s._replace(expires=max(s.expires, until)))

    def cancel(self, session: Session) -> None:
        """Give it up, with all its files. Raises ``Conflict`` if it is published, or is just being."""

        def canceled(session: Session) -> Session:
            if session.status in ("processing", "published"):
                raise Conflict(f"the session is {session.status}: it cannot be canceled any more")
            return session._replace(status="canceled")

        self._records.discard(self._records.edit(session, canceled))

    def publish(self, session: Session, record: Recorder = unrecorded) -> Session:
        """Publish all files of the session, at once; ``record`` has it in the audit trail.

        Can be called again after whatever happened. Raises ``Conflict`` for a session that has no files,
        or unfinished ones, and ``FileExists`` or ``Forbidden`` where the project rules it out: then none
        of its files is published.
        """
        return self._finish(self._records.edit(session, _processing), record)

    def sweep(self) -> int:
        """Bring expired sessions to their end: publish what was being published, discard the others.

        Returns how many.
        """
        now, swept = self._clock(), 0
        for entry in list(self._store.list(keys.SESSIONS)):
            try:
                session = parse_session(self._store.get(entry.key).body)
            except KeyNotFound:
                continue
            if not session.active or session.expires > now:
                continue
            if session.status == "processing":
                with suppress(Conflict, *UNFIT):
                    self._finish(session, self._recorder(session.owner))
            else:
                self._records.discard(
                    self._records.edit(session, lambda s: s._replace(status="canceled"))
                )
            swept += 1
        return swept

    def _finish(self, session: Session, record: Recorder) -> Session:
        """Go on with publishing, from wherever it was left; the session is ``processing``."""
        if session.status != "processing":
            return session
        try:
            ready = [(file, self._incoming(session, file)) for file in session.files]
            # All is looked at before anything is placed: to take back what was is the exception.
            absent = [
                (file, incoming) for file, incoming in ready if not self._shelf.check_free(incoming)
            ]
            placed = [
                self._shelf.place(incoming, StagedObject(file.staged)) for file, incoming in absent
            ]
            with record(_change(session)):
                self._shelf.list(session.name, placed)
        except KeyNotFound as error:
            gone = "a file of the session is gone from the store: upload it all again"
            self._withdraw(session, gone)
            raise Conflict(gone) from error
        except UNFIT as error:
            self._withdraw(session, str(error))
            raise
        published = self._records.edit(session, lambda s: s._replace(status="published"))
        self._records.discard(published)
        return published

    def _withdraw(self, session: Session, reason: str) -> None:
        for file in session.files:
            source = StagedObject(file.staged)
            try:
                self._shelf.withdraw(session.name, file.filename, file.sha256 or "", source)
            except StorageError:  # such as for a function that may not delete
                _logger.exception("%s could not be taken back", file.filename)
        failed = self._records.edit(
            session, lambda s: s._replace(status="error", notices=(reason,))
        )
        self._records.discard(failed)

    def _incoming(self, session: Session, file: SessionFile) -> Incoming:
        """A file as it was found sound when it was completed."""
        parsed = parse_filename(file.filename, legacy=self._shelf.rules.legacy_formats)
        metadata = self._store.get(f"{file.staged}.metadata").body
        distribution = Distribution(
            filename=file.filename,
            canonical=parsed.canonical,
            project=session.name,
            version=parsed.version,
            kind=parsed.kind,
            python_tag=parsed.python_tag,
            metadata=parse_metadata(metadata),
            metadata_bytes=metadata,
        )
        sha256 = file.sha256 or ""
        provenance = None
        if file.attestations:
            named = {} if session.publisher is None else {"publisher": session.publisher}
            provenance = read_provenance(file.attestations, file.filename, sha256, **named)
        return Incoming(distribution, file.size, sha256, provenance=provenance)


def _processing(session: Session) -> Session:
    if session.status in ("processing", "published"):
        return session
    pending(session)
    unfinished = [file.filename for file in session.files if file.status != "completed"]
    if unfinished or not session.files:
        raise Conflict(
            f"the session cannot be published: {', '.join(unfinished) or 'it has no files'}"
            + (" must be completed or deleted first" if unfinished else "")
        )
    return session._replace(status="processing")


def _change(session: Session) -> Change:
    files = tuple(AuditedFile(file.filename, file.sha256) for file in session.files)
    return Change(
        "upload", session.name, files, {"version": session.version, "session": session.id}
    )
