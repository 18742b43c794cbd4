"""A release as it would look, before it is published (PEP 694, staged previews)."""

from datetime import UTC, datetime

from wheelyard.errors import NotFound
from wheelyard.protocol.model import Project
from wheelyard.protocol.names import project_name
from wheelyard.publish.listing import with_files
from wheelyard.publish.session import Session
from wheelyard.publish.sessions import Sessions
from wheelyard.publish.shelf import as_listed
from wheelyard.publish.staged import staged_incoming
from wheelyard.storage.store import Store


def staged_session(sessions: Sessions, token: str) -> Session:
    """The session that a token is of, while it is not published. Raises ``NotFound``."""
    name, version, id_ = (*token.split("_"), "", "")[:3]
    session = sessions.find(project_name(name), version, id_) if id_ else None
    if session is None or session.token != token or not session.active:
        raise NotFound(
            "there is no such staged release: it was published, canceled, or has expired"
        )
    return session


def staged_project(store: Store, session: Session, *, legacy: bool) -> Project:
    """The project with the completed files of the session, and no others."""
    files = []
    for file in session.files:
        if file.status == "completed":
            incoming = staged_incoming(store, session, file, legacy=legacy)
            signed, attested = incoming.signature is not None, incoming.provenance is not None
            opened = datetime.fromtimestamp(session.created, UTC)
            files.append(as_listed(incoming, opened, signed=signed, attested=attested))
    return with_files(Project(session.name), files)
