"""Publishing sessions: uploaded file by file, published all at once or not at all (PEP 694).

A file waits under ``uploads/<session>/`` and is found sound there. To publish, the session first becomes
``processing``, which is its promise: from then on whoever comes by, the client's retry or the sweeper, goes
on until all files are listed, by one replacement of the project's document, or none is. Until then no event
and no rebuild lists one of them, and no other upload can have its name. Where one cannot be listed, those
that were stored are taken back before the promise is, and the session can be changed again.
"""

import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf
from random import sample

from wheelyard.audit.event import AuditedFile, Change
from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.errors import (
    Conflict,
    InvalidDocument,
    InvalidUpload,
    KeyChanged,
    KeyNotFound,
    NotFound,
    StorageError,
)
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.examining import UNFIT
from wheelyard.publish.incoming import Incoming, StagedObject
from wheelyard.publish.rules import check_open
from wheelyard.publish.session import (
    Session,
    SessionFile,
    SessionStatus,
    current_session,
    dump_session,
    read_session,
    release,
)
from wheelyard.publish.session_records import SessionRecords, editable
from wheelyard.publish.shelf import Placed, Shelf
from wheelyard.publish.staged import staged_incoming
from wheelyard.storage import keys
from wheelyard.storage.editing import edit_object
from wheelyard.storage.store import Stored

_logger = logging.getLogger(__name__)

LIFETIME = 24 * 3600
"""Seconds that a session lives, …"""
LONGEST_LIFETIME = 47 * 3600
"""… and that it can be made to; S3 is told to forget unfinished uploads after two days."""


SWEEP_EVERY = 3600
"""Seconds between sweeps in one process, …"""
MOST_SWEPT = 100
"""… and how many records each looks at."""

_GONE = "a file of the session is gone from the store: delete it and send it again"

_UNFIT = (*UNFIT, InvalidUpload)
"""What rules a publication out for good."""


class Sessions:
    """The publishing sessions of a store."""

    def __init__(
        self,
        shelf: Shelf,
        records: SessionRecords,
        clock: Callable[[], float],
        recorder: Callable[[str], Recorder] = lambda _: unrecorded,
        *,
        sweeps: bool = True,
    ) -> None:
        """``clock`` gives seconds since the epoch.

        ``recorder`` has in the audit trail what is published for an owner who is not there any more.
        ``sweeps`` is whether to look after other sessions than those that are asked for.
        """
        self._shelf = shelf
        self._store = shelf.store
        self._records = records
        self._clock = clock
        self._recorder = recorder
        self._next_sweep = -inf if sweeps else inf

    def create(self, name: ProjectName, version: str, owner: str) -> Session:
        """Open a session for a release; the first time, and every hour, sweep the expired ones.

        Raises ``Conflict`` if there is one, ``Forbidden`` for a project that takes no uploads, and
        ``InvalidUpload`` for what is no version.
        """
        version = release(version)
        check_open(self._shelf.project(name))
        now = self._clock()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_EVERY
            self._try_to_sweep()
        key = keys.session(name, version)
        session = Session(secrets.token_hex(16), owner, name, version, now, now + LIFETIME)
        stale = self.current(name, version)
        if stale is not None and stale.expires <= now:
            with suppress(Conflict, NotFound, *_UNFIT):
                self._finish(stale, self._recorder(stale.owner), "error")

        def edit(stored: Stored | None) -> bytes:
            nonlocal stale
            known = read_session(key, stored)
            # One that is being published is never replaced: its files would lose their promise.
            going = known is not None and known.active and known.expires > now
            if known is not None and (going or known.status == "processing"):
                raise Conflict(
                    f"there is a session for {name} {version} already: go on with that, or cancel it",
                    known.id,
                )
            stale = known
            return dump_session(session)

        edit_object(self._store, key, edit)
        if stale is not None:
            self._records.discard(stale)
        return session

    def find(self, name: ProjectName, version: str, id_: str) -> Session:
        """A session that is neither expired nor canceled, whatever ``version`` is. Raises ``NotFound``.

        One that is being published does not expire: to publish it again is what helps.
        """
        session = self.current(name, version) if _is_canonical(version) else None
        if session is None or session.id != id_ or self._is_over(session):
            raise NotFound("there is no such session: it was never there, or it has expired")
        if session.status == "canceled":
            raise NotFound("there is no such session any more: it was canceled")
        return session

    def _is_over(self, session: Session) -> bool:
        return session.expires <= self._clock() and session.status != "processing"

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

        One without files makes its project, if there is none. Can be called again after whatever happened.
        Raises ``Conflict`` for a session that has unfinished files, and ``FileExists`` or ``Forbidden``
        where the project rules it out: then none of its files is published, and the session is open.
        """
        session = self._records.edit(session, lambda s: s)
        if session.status not in ("processing", "published"):
            try:
                session = self._promise(session)
            except KeyNotFound as error:
                session = self._records.edit(session, lambda s: s)
                if session.status != "published":  # as another request may have it by now
                    raise Conflict(_GONE) from error
        return self._finish(session, record, "open")

    def _promise(self, session: Session) -> Session:
        """Have it ``processing``, unless something is in the way already."""
        _check_complete(session)
        standings = [
            (file.filename, self._shelf.standing(self._incoming(session, file), session.id))
            for file in session.files
        ]
        placing = tuple(filename for filename, standing in standings if standing == "absent")

        def promise(now: Session) -> Session:
            if now.status in ("processing", "published"):  # by another request
                return now
            _check_complete(now)
            if now.files != session.files:
                raise Conflict("the files of the session were changed meanwhile: publish it again")
            return now._replace(status="processing", placing=placing, notices=())

        return self._records.edit(session, promise)

    def sweep(self) -> int:
        """Bring expired sessions to their end: publish what was being published, discard the others.

        Returns how many. Of those that came to it before, the records are emptied, so that a listing shows
        which ones need not be read any more.
        """
        now, swept = self._clock(), 0
        found = [entry.key for entry in self._store.list(keys.SESSIONS) if entry.size]
        # Some of them, whichever: so that none waits for ever behind those that cannot be read.
        for key in sample(found, min(len(found), MOST_SWEPT)):
            try:
                swept += self._end(key, now)
            except (InvalidDocument, NotFound) as error:
                _logger.warning("%s is left as it is: %s", key, error)
        return swept

    def _try_to_sweep(self) -> None:
        """``sweep``, for somebody who came for something else."""
        try:
            self.sweep()
        except StorageError as error:
            _logger.warning("expired publishing sessions are not swept: %s", error)

    def _end(self, key: str, now: float) -> bool:
        """Bring the session under ``key`` to its end; returns whether there was one to be."""
        try:
            stored = self._store.get(key)
        except KeyNotFound:
            return False
        session = read_session(key, stored)
        if session is None or session.expires > now:
            return False
        if not session.active:
            self._records.discard(session)
            # Not deleted: that could hit another one, which was just opened in its place.
            with suppress(KeyChanged):
                self._store.replace(key, b"", stored.etag)
            return False
        ended = self._records.edit(session, _expired)
        if ended.status == "canceled":
            self._records.discard(ended)
        with suppress(Conflict, *_UNFIT):
            self._finish(ended, self._recorder(ended.owner), "error")
        return True

    def _finish(self, session: Session, record: Recorder, failed: SessionStatus) -> Session:
        """Go on with publishing, from wherever it was left; ``failed`` is its state if it cannot be."""
        if session.status != "processing":
            return session
        try:
            self._list(session, record)
        except (KeyNotFound, *_UNFIT) as error:
            now = self._records.edit(session, lambda s: s)
            if now.status == "published":  # by another request, which threw away what waited
                return now
            gone = isinstance(error, KeyNotFound)
            if now.status == "processing":
                self._fail(session, _GONE if gone else str(error), failed)
            if gone:
                raise Conflict(_GONE) from error
            raise
        published = self._records.edit(session, _published)
        if published.status != "published":
            raise Conflict(
                "another request found that the session cannot be published, and it is "
                f"{published.status} again: publish it again"
            )
        self._records.discard(published)
        return published

    def _list(self, session: Session, record: Recorder) -> None:
        ready = [(file, self._incoming(session, file)) for file in session.files]
        # All is looked at before anything is placed: to take back what was is the exception.
        looked_at = [
            (self._shelf.standing(incoming, session.id), file, incoming) for file, incoming in ready
        ]
        others = [each for each in looked_at if each[0] == "other"]
        for _, file, _ in others:
            self._store.head(file.staged)
        # What replaces another one, which cannot be put back, comes after all that may fail.
        free = [each for each in looked_at if each[0] in ("stored", "absent")]
        placed = [self._place(session, file, incoming) for _, file, incoming in (*free, *others)]
        with record(_change(session)):
            self._shelf.list(session.name, placed)

    def _place(
        self, session: Session, file: SessionFile, incoming: Incoming | None = None
    ) -> Placed:
        incoming = incoming or self._incoming(session, file)
        return self._shelf.place(incoming, StagedObject(file.staged), session.id)

    def _fail(self, session: Session, reason: str, failed: SessionStatus) -> None:
        """Take back what was stored, and only then the promise that nobody else lists it."""
        for file in session.files:
            if file.filename in session.placing:
                put_back = partial(self._place, session, file)
                self._shelf.withdraw(session.name, file.filename, file.sha256 or "", put_back)

        def fail(now: Session) -> Session:
            if now.status != "processing":
                return now
            return now._replace(status=failed, placing=(), notices=(reason,))

        self._records.edit(session, fail)

    def _incoming(self, session: Session, file: SessionFile) -> Incoming:
        return staged_incoming(self._store, session, file, legacy=self._shelf.rules.legacy_formats)


def _is_canonical(version: str) -> bool:
    """Whether a session can be of it: what comes in a URL need not even be a part of a key."""
    try:
        return release(version) == version
    except InvalidUpload:
        return False


def _expired(session: Session) -> Session:
    """What becomes of an expired session, which may have been published in the last moment."""
    if session.status in ("processing", "published"):
        return session
    return session._replace(status="canceled")


def _published(session: Session) -> Session:
    return session._replace(status="published") if session.status == "processing" else session


def _check_complete(session: Session) -> None:
    editable(session)
    unfinished = [file.filename for file in session.files if file.status != "completed"]
    if unfinished:
        raise Conflict(
            f"the session cannot be published: {', '.join(unfinished)} must be completed or deleted first"
        )


def _change(session: Session) -> Change:
    files = tuple(AuditedFile(file.filename, file.sha256) for file in session.files)
    return Change(
        "upload", session.name, files, {"version": session.version, "session": session.id}
    )
