"""The stored sessions: read, changed if unchanged, and what waits in them thrown away."""

from collections.abc import Callable

from wheelyard.errors import Conflict, NotFound
from wheelyard.publish.session import Session, SessionFile, dump_session, read_session
from wheelyard.storage import keys
from wheelyard.storage.editing import edit_object
from wheelyard.storage.multipart import Multipart
from wheelyard.storage.store import Store, Stored


class SessionRecords:
    """The sessions of a store, and the files that wait in them."""

    def __init__(self, store: Store, parts: Multipart) -> None:
        self.store = store
        self.parts = parts

    def edit(self, session: Session, change: Callable[[Session], Session]) -> Session:
        """Change a session as it is now; returns it. Raises ``NotFound`` if it is gone."""
        after, key = session, keys.session(session.name, session.version)

        def edit(stored: Stored | None) -> bytes | None:
            nonlocal after
            before = read_session(key, stored)
            if before is None or before.id != session.id:
                raise NotFound("there is no such session any more")
            after = change(before)
            return None if after == before else dump_session(after)

        edit_object(self.store, key, edit)
        return after

    def discard(self, session: Session) -> None:
        """Delete what waited to be published."""
        for file in session.files:
            if file.upload is not None:
                self.parts.abort(file.staged, file.upload)
        for entry in list(self.store.list(f"{keys.UPLOADED}{session.id}/")):
            self.store.delete(entry.key)

    def forget(self, file: SessionFile) -> None:
        """Delete what waited of one file."""
        if file.upload is not None:
            self.parts.abort(file.staged, file.upload)
        for key in (file.staged, f"{file.staged}.metadata", *file.beside.values()):
            self.store.delete(key)


def editable(session: Session) -> Session:
    """The session, if files can still come. Raises ``Conflict``."""
    if session.status not in ("open", "error"):
        raise Conflict(f"the session is {session.status}: open another one")
    return session
