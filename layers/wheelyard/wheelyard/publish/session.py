"""A publishing session: some files of one release, uploaded one by one and published together (PEP 694).

A session is an object of the store, changed only by replace-if-unchanged. There is one for a release at a
time, at a key that is known from the release.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from packaging.utils import canonicalize_version
from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidDocument, InvalidUpload, KeyNotFound
from wheelyard.protocol.filenames import parse_filename
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage import keys
from wheelyard.storage.store import Store

FileStatus = Literal["pending", "completed", "error"]
SessionStatus = Literal["pending", "processing", "published", "error", "canceled"]


class SessionFile(NamedTuple):
    """One file of a session.

    ``size``      bytes, as announced
    ``hashes``    digest name, as in hashlib, to hexadecimal, as announced
    ``staged``    the key of its bytes
    ``upload``    the id of its upload in parts, None where it comes in one piece
    ``sha256``    once it was found sound
    ``notices``   what to tell people about it
    """

    filename: str
    size: int
    hashes: Mapping[str, str]
    mechanism: str
    staged: str
    upload: str | None = None
    status: FileStatus = "pending"
    sha256: str | None = None
    attestations: str | None = None
    notices: tuple[str, ...] = ()


class Session(NamedTuple):
    """A session. Times are in seconds since the epoch.

    ``version`` is canonical, ``owner`` the user name of who may go on with it, ``publisher`` what the
    provenance of its files says of the uploader (PEP 740).
    """

    id: str
    owner: str
    name: ProjectName
    version: str
    created: float
    expires: float
    status: SessionStatus = "pending"
    files: tuple[SessionFile, ...] = ()
    notices: tuple[str, ...] = ()
    publisher: Mapping[str, object] | None = None

    @property
    def active(self) -> bool:
        """Whether it stands in the way of another session for the release."""
        return self.status in ("pending", "processing")

    def find(self, filename: str) -> SessionFile | None:
        """The file of this name."""
        return next((file for file in self.files if file.filename == filename), None)

    def with_file(self, file: SessionFile) -> "Session":
        """The session with ``file``, in place of one of its name."""
        others = tuple(each for each in self.files if each.filename != file.filename)
        return self._replace(files=(*others, file))

    def without(self, filename: str) -> "Session":
        """The session without the file of this name."""
        return self._replace(files=tuple(f for f in self.files if f.filename != filename))


def dump_session(session: Session) -> bytes:
    """The session as it is stored."""
    files = [{**file._asdict(), "hashes": dict(file.hashes)} for file in session.files]
    return json.dumps({**session._asdict(), "files": files}, separators=(",", ":")).encode()


def parse_session(raw: bytes) -> Session:
    """Read a stored session. Raises ``InvalidDocument``."""
    try:
        record: dict[str, Any] = json.loads(raw)
        files = tuple(
            SessionFile(**{**file, "notices": tuple(file["notices"])}) for file in record["files"]
        )
        name = project_name(record["name"])
        notices = tuple(record["notices"])
        return Session(**{**record, "files": files, "name": name, "notices": notices})
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidDocument(f"a publishing session cannot be read: {error!r:.200}") from error


def release(version: str) -> str:
    """A version in the one spelling of its release. Raises ``InvalidUpload``."""
    try:
        if len(version) > 200:
            raise InvalidVersion(f"{version[:50]!r}… is longer than 200 characters")
        return canonicalize_version(Version(version))
    except InvalidVersion as error:
        raise InvalidUpload(f"'version' is invalid: {error}") from error


def current_session(store: Store, name: ProjectName, version: str) -> Session | None:
    """The latest session of a release, by its canonical version, whatever became of it."""
    try:
        return parse_session(store.get(keys.session(name, version)).body)
    except KeyNotFound:
        return None


def is_promised(store: Store, name: ProjectName, filename: str) -> bool:
    """Whether a session is just publishing this file, and will list it together with its others.

    Raises ``InvalidFilename``.
    """
    version = release(str(parse_filename(filename, legacy=True).version))
    session = current_session(store, name, version)
    return (
        session is not None
        and session.status == "processing"
        and session.find(filename) is not None
    )
