"""Uploading straight into the store, for who may write to it."""

import getpass
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from wheelyard.audit.event import Actor
from wheelyard.audit.recorder import Recorder
from wheelyard.audit.trail import Trail
from wheelyard.client.files import Existing, LocalFile, LocalRelease, Uploaded, releases, wanted
from wheelyard.client.session import Advance
from wheelyard.errors import Conflict, NotFound, StorageError, WheelyardError
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.rules import Rules
from wheelyard.publish.session import Session
from wheelyard.publish.session_files import BYTES, Announced, SessionFiles
from wheelyard.publish.session_records import SessionRecords
from wheelyard.publish.sessions import Sessions
from wheelyard.publish.shelf import Shelf
from wheelyard.storage.multipart import StoredParts
from wheelyard.storage.sizes import LARGEST_OBJECT
from wheelyard.storage.store import CHUNK, Store


def upload_to_store(
    paths: Iterable[str | Path],
    store: Store,
    *,
    existing: Existing = Existing.SAME,
    legacy_formats: bool = False,
    progress: Callable[[int], Advance] = lambda _total: lambda _sent: None,
) -> list[Uploaded]:
    """Publish distribution files in a store, each release at once or not at all.

    They are checked as an index checks them. For a bucket, ``wheelyard.client.bucket.s3_store`` makes the
    store, with settings of S3's for the files: storage class, tags and the like.

    Raises ``InvalidFilename``, ``InvalidUpload``, ``InvalidArchive``, ``InvalidMetadata``, ``FileExists``,
    ``Conflict``, ``Forbidden`` and ``StorageError``.
    """
    rules = Rules(LARGEST_OBJECT, existing is Existing.FORCE, legacy_formats=legacy_formats)
    shelf = Shelf(store, Catalogue(store), rules)
    found = releases(paths)
    chosen = []
    for release in found:
        files = wanted(release.files, _published(shelf, release.project), existing)
        chosen.append(release._replace(files=tuple(files)))
    advance = progress(sum(file.size for release in chosen for file in release.files))
    for release in chosen:
        if release.files:
            _publish(shelf, release, advance)
    return [
        Uploaded(release.project, file.filename, file in sent.files)
        for release, sent in zip(found, chosen, strict=True)
        for file in release.files
    ]


def _published(shelf: Shelf, name: ProjectName) -> dict[str, str | None]:
    return {file.filename: file.hashes.get("sha256") for file in shelf.project(name).files}


def _publish(shelf: Shelf, release: LocalRelease, advance: Advance) -> None:
    records = SessionRecords(shelf.store, StoredParts(shelf.store))
    trail, user = Trail(shelf.store, time.time), getpass.getuser()
    # Other releases' sessions are not for the rules of this upload, which may be to overwrite.
    sessions = Sessions(
        shelf, records, time.time, lambda owner: trail.by(Actor(owner, "session")), sweeps=False
    )
    files, record = SessionFiles(shelf, records), trail.by(Actor(user, "command line"))
    session = _opened(sessions, release, f"command line: {user}", record)
    try:
        for file in release.files:
            _send(sessions, files, session, file, advance)
        sessions.publish(session, record)
    except WheelyardError:
        # One that is being published stays, and is gone on with; any other would only be in the way.
        with suppress(Conflict, NotFound, StorageError):
            sessions.cancel(session)
        raise


def _send(
    sessions: Sessions, files: SessionFiles, session: Session, file: LocalFile, advance: Advance
) -> None:
    def current() -> Session:
        return sessions.find(session.name, session.version, session.id)

    hashes = {"sha256": file.sha256}
    files.start(current(), Announced(file.filename, file.size, hashes, BYTES))
    files.receive(current(), file.filename, _chunks(file, advance))
    if file.attestations:
        files.attest(current(), file.filename, file.attestations.encode())
    if file.signature:
        files.sign(current(), file.filename, file.signature)
    files.complete(current(), file.filename)


def _opened(sessions: Sessions, release: LocalRelease, owner: str, record: Recorder) -> Session:
    """A new session; one that was left by this user's own upload, which was cut off, is given up.

    Others' are left alone: who writes to the store need not be who may upload to the index.
    """
    try:
        return sessions.create(release.project, release.version, owner)
    except Conflict:
        from wheelyard.publish.session import release as canonical

        left = sessions.current(release.project, canonical(release.version))
        if left is None or left.owner != owner:
            raise
        if left.status == "processing":
            sessions.publish(left, record)
        else:
            sessions.cancel(left)
        return sessions.create(release.project, release.version, owner)


def _chunks(file: LocalFile, advance: Advance) -> Iterator[bytes]:
    with file.path.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk
            advance(len(chunk))
