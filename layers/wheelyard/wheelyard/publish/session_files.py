"""The files of a publishing session: announced, received in one piece or in parts, found sound."""

import secrets
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wheelyard.errors import (
    Conflict,
    DigestMismatch,
    InvalidUpload,
    KeyNotFound,
    NotFound,
    TooLarge,
    UnsupportedMechanism,
)
from wheelyard.protocol.filenames import parse_filename
from wheelyard.publish.examining import UNFIT, digests_of, examine
from wheelyard.publish.form import check_signature
from wheelyard.publish.rules import Released, check_open, check_rivals
from wheelyard.publish.session import Session, SessionFile, release
from wheelyard.publish.session_records import SessionRecords, editable
from wheelyard.publish.shelf import Shelf
from wheelyard.publish.staged import ATTESTATIONS, SIGNATURE, provenance
from wheelyard.storage import keys
from wheelyard.storage.staging import StagedFile

BYTES, PARTS = "http-post-bytes", "vnd-wheelyard-multipart"
MECHANISMS = (BYTES, PARTS)

MOST_FILES = 1000

LONGEST_ATTESTATIONS = 1024 * 1024
"""Bytes of all attestations of one file."""


class Announced(NamedTuple):
    """A file as a client announces it."""

    filename: str
    size: int
    hashes: Mapping[str, str]
    mechanism: str


class SessionFiles:
    """Takes files into sessions."""

    def __init__(self, shelf: Shelf, records: SessionRecords) -> None:
        self._shelf = shelf
        self._store = shelf.store
        self._records = records

    def start(self, session: Session, announced: Announced) -> SessionFile:
        """Begin with a file.

        Raises what is wrong with the announcement: ``InvalidUpload``, ``InvalidFilename``, ``TooLarge``,
        ``UnsupportedMechanism``, ``FileExists``, and ``Conflict`` for one that is in the session already.
        """
        self._check(session, announced)
        staged = keys.uploaded(session.id, secrets.token_hex(16))
        upload = self._records.parts.begin(staged) if announced.mechanism == PARTS else None
        file = SessionFile(*announced, staged, upload)

        def place(session: Session) -> Session:
            _check_new(session, file.filename)
            return editable(session).with_file(file)

        try:
            self._records.edit(session, place)
        except Conflict:
            self._records.forget(file)
            raise
        return file

    def _check(self, session: Session, announced: Announced) -> None:
        rules = self._shelf.rules
        parsed = parse_filename(announced.filename, legacy=rules.legacy_formats)
        if parsed.project != session.name or release(str(parsed.version)) != session.version:
            raise InvalidUpload(
                f"{announced.filename!r} is not of release {session.version} of {session.name!r}, which "
                "the session is for"
            )
        if announced.mechanism not in MECHANISMS:
            raise UnsupportedMechanism(
                f"'mechanism' is {announced.mechanism!r:.100}: use one of {', '.join(MECHANISMS)}"
            )
        if announced.size > rules.max_size:
            raise TooLarge(
                f"{announced.filename!r} has {announced.size} bytes, more than the {rules.max_size} "
                "accepted here (MAX_FILE_SIZE)"
            )
        _check_new(session, announced.filename)
        if len(session.files) >= MOST_FILES:
            raise Conflict(f"the session has {MOST_FILES} files, the most that it can have")
        project = self._shelf.project(session.name)
        check_open(project)
        sha256 = announced.hashes.get("sha256", "")
        check_rivals(project, announced.filename, sha256, overwrite=rules.overwrite)

    def receive(self, session: Session, filename: str, body: Iterable[bytes]) -> None:
        """Take a whole file. Raises ``Conflict`` once it is completed, and ``InvalidUpload``."""
        file = _unfinished(session, filename)
        staged = keys.uploaded(session.id, secrets.token_hex(16))
        with StagedFile(self._store.staging()) as local:
            received = 0
            for chunk in body:
                received += len(chunk)
                if received > file.size:
                    break
                local.file.write(chunk)
            if received != file.size:
                raise InvalidUpload(
                    f"{filename!r} was announced with {file.size} bytes, and "
                    f"{'more' if received > file.size else received} arrived: send it again"
                )
            local.file.flush()
            self._store.put_from(staged, local.path)

        def place(session: Session) -> Session:
            return editable(session).with_file(
                _unfinished(session, filename)._replace(staged=staged)
            )

        self._records.edit(session, place)

    def attest(
        self,
        session: Session,
        filename: str,
        attestations: bytes,
        publisher: Mapping[str, object] | None = None,
    ) -> None:
        """Take the attestations of a file, a JSON array; they are checked when it is completed.

        ``publisher`` is what its provenance says of who sends them (PEP 740). Raises ``TooLarge``.
        """
        if len(attestations) > LONGEST_ATTESTATIONS:
            raise TooLarge(
                f"the attestations of {filename!r:.200} are longer than {LONGEST_ATTESTATIONS} bytes: "
                "send those of this file only"
            )
        self._put_beside(session, filename, ATTESTATIONS, attestations, publisher)

    def sign(self, session: Session, filename: str, signature: bytes) -> None:
        """Take the detached signature of a file, ASCII-armoured. Raises ``InvalidUpload``."""
        check_signature(signature)
        self._put_beside(session, filename, SIGNATURE, signature)

    def _put_beside(
        self,
        session: Session,
        filename: str,
        ending: str,
        body: bytes,
        publisher: Mapping[str, object] | None = None,
    ) -> None:
        before = _unfinished(session, filename).beside.get(ending)
        key = keys.uploaded(session.id, secrets.token_hex(16) + ending)
        self._store.put(key, body)

        def place(session: Session) -> Session:
            file = _unfinished(session, filename)
            file = file._replace(
                beside={**file.beside, ending: key}, publisher=publisher or file.publisher
            )
            return editable(session).with_file(file)

        self._records.edit(session, place)
        if before is not None:
            self._store.delete(before)

    def complete(self, session: Session, filename: str) -> SessionFile:
        """Check a file that has arrived; it is ready to be published then.

        Raises what ``examine`` raises, ``DigestMismatch``, ``FileExists`` and ``InvalidUpload``; the file
        is then in error, and can be announced anew. Raises ``Conflict`` where it has not arrived yet.
        """
        file = session.find(filename)
        if file is None:
            raise NotFound(f"there is no file {filename!r:.200} in the session")
        if file.status == "completed":
            return file
        file = _unfinished(session, filename)
        try:
            sha256 = self._examine(session, file)
        except KeyNotFound as error:
            raise Conflict(f"{filename!r} has not arrived: send it first") from error
        except (*UNFIT, InvalidUpload, DigestMismatch) as error:
            failed = file._replace(status="error", notices=(str(error),))
            self._records.edit(session, lambda s: s.with_file(failed))
            self._records.forget(file)
            raise
        completed = file._replace(status="completed", sha256=sha256)

        def place(session: Session) -> Session:
            now = session.find(filename)
            if now == completed:  # by another request
                return session
            if now != file:
                raise Conflict(f"{filename!r} was sent again meanwhile: complete it again")
            return editable(session).with_file(completed)

        self._records.edit(session, place)
        return completed

    def _join(self, file: SessionFile, upload: str) -> None:
        received = self._records.parts.received(file.staged, upload)
        if sum(received.values()) != file.size:
            raise Conflict(
                f"{sum(received.values())} of the {file.size} bytes of {file.filename!r} have "
                "arrived: send the parts that are missing"
            )
        self._records.parts.complete(file.staged, upload)

    def _examine(self, session: Session, file: SessionFile) -> str:
        if file.upload is not None and not self._store.exists(file.staged):
            try:
                self._join(file, file.upload)
            except (KeyNotFound, Conflict):
                if not self._store.exists(file.staged):  # else another request was faster
                    raise
        if (size := self._store.head(file.staged).size) != file.size:
            raise InvalidUpload(f"{file.filename!r} has {size} bytes, {file.size} were announced")
        actual = digests_of(self._store, file.staged, (*file.hashes, "sha256"))
        for name, value in file.hashes.items():
            if actual[name] != value.lower():
                raise DigestMismatch(
                    f"{file.filename!r} arrived with {name} {actual[name]}, but {value!r:.200} was "
                    "announced: build or send the file again"
                )
        rules = self._shelf.rules
        incoming = examine(
            self._store,
            file.staged,
            file.filename,
            session.name,
            max_size=rules.max_size,
            legacy_formats=rules.legacy_formats,
            sha256=actual["sha256"],
        ).incoming
        provenance(self._store, file, incoming.sha256)
        self._shelf.check(incoming)
        released = Released()
        for name in [f.filename for f in session.files if f.status == "completed"] + [
            file.filename
        ]:
            released.claim(name)
        self._store.put(f"{file.staged}.metadata", incoming.distribution.metadata_bytes)
        return incoming.sha256

    def remove(self, session: Session, filename: str) -> None:
        """Take a file out of the session again. Raises ``NotFound``."""
        file = session.find(filename)
        if file is None:
            raise NotFound(f"there is no file {filename!r:.200} in the session")
        self._records.edit(session, lambda s: editable(s).without(filename))
        self._records.forget(file)

    def part_urls(self, file: SessionFile, numbers: Iterable[int]) -> dict[int, str | None]:
        """Where parts of a file are sent; None is to the index."""
        upload = file.upload or ""
        return {number: self._records.parts.url(file.staged, upload, number) for number in numbers}

    def received(self, file: SessionFile) -> dict[int, int]:
        """The parts of a file that have arrived: number to size."""
        try:
            return self._records.parts.received(file.staged, file.upload or "")
        except KeyNotFound:  # they are one object already
            return {}

    def receive_part(
        self, file: SessionFile, number: int, body: Iterable[bytes], size: int
    ) -> None:
        """Take one part of a file."""
        self._records.parts.receive(file.staged, file.upload or "", number, body, size)


def _check_new(session: Session, filename: str) -> None:
    """Raises ``Conflict`` for a file that is in the session, and is not known to be unfit."""
    known = session.find(filename)
    if known is not None and known.status != "error":
        raise Conflict(
            f"{filename!r} is in the session, and {known.status}: go on with it, or delete it first"
        )


def _unfinished(session: Session, filename: str) -> SessionFile:
    file = session.find(filename)
    if file is None:
        raise NotFound(f"there is no file {filename!r:.200} in the session")
    if file.status != "pending":
        raise Conflict(f"{filename!r} is {file.status}: announce it anew to send it again")
    return file
