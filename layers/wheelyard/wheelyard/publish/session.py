"""A publishing session: some files of one release, uploaded one by one and published together (PEP 694).

A session is an object of the store, changed only by replace-if-unchanged. There is one for a release at a
time, at a key that is known from the release. It takes files while it is ``open``, or in ``error``, which
differs only in that a publication failed when nobody was there to be told of it. Of one that is long over
an object without content is left.
"""

import json
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

from packaging.utils import canonicalize_version
from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidDocument, InvalidName, InvalidUpload, KeyNotFound
from wheelyard.protocol.filenames import parse_filename
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage import keys
from wheelyard.storage.store import Store, Stored

_logger = logging.getLogger(__name__)

FileStatus = Literal["pending", "completed", "error"]
SessionStatus = Literal["open", "processing", "published", "error", "canceled"]


class SessionFile(NamedTuple):
    """One file of a session.

    ``size``      bytes, as announced
    ``hashes``    digest name, as in hashlib, to hexadecimal, as announced
    ``staged``    the key of its bytes
    ``upload``    the id of its upload in parts, None where it comes in one piece
    ``sha256``    once it was found sound
    ``beside``    the keys of what came beside it, by its ending: ``.asc``, ``.attestations``
    ``publisher`` what its provenance says of who attested it (PEP 740)
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
    beside: Mapping[str, str] = MappingProxyType({})
    publisher: Mapping[str, object] | None = None
    notices: tuple[str, ...] = ()


class Session(NamedTuple):
    """A session. Times are in seconds since the epoch.

    ``version`` is canonical, ``owner`` the user name of who opened it. ``placing`` are the files that its
    publication stores where there is none, and takes back if it fails.
    """

    id: str
    owner: str
    name: ProjectName
    version: str
    created: float
    expires: float
    status: SessionStatus = "open"
    files: tuple[SessionFile, ...] = ()
    notices: tuple[str, ...] = ()
    placing: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """Whether it stands in the way of another session for the release."""
        return self.status in ("open", "processing", "error")

    @property
    def token(self) -> str:
        """What its preview is found by, which nobody can guess; none of the three has an underscore."""
        return f"{self.name}_{self.version}_{self.id}"

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
    files = [
        {**file._asdict(), "hashes": dict(file.hashes), "beside": dict(file.beside)}
        for file in session.files
    ]
    return json.dumps({**session._asdict(), "files": files}, separators=(",", ":")).encode()


def parse_session(raw: bytes) -> Session:
    """Read a stored session. Raises ``InvalidDocument``."""
    try:
        record: dict[str, Any] = json.loads(raw)
        files = tuple(
            SessionFile(**{**file, "notices": tuple(file["notices"])}) for file in record["files"]
        )
        name = project_name(record["name"])
        lists = {field: tuple(record[field]) for field in ("notices", "placing")}
        return _checked(Session(**{**record, "files": files, "name": name, **lists}))
    except (ValueError, TypeError, KeyError, AttributeError, InvalidName) as error:
        raise InvalidDocument(f"a publishing session cannot be read: {error!r:.200}") from error


def _checked(session: Session) -> Session:
    """The session, if its fields are of their types. Raises ``TypeError``."""
    texts: list[object] = [session.id, session.owner, session.version, *session.placing]
    numbers: list[object] = [session.created, session.expires]
    mappings: list[object] = []
    for file in session.files:
        texts += (file.filename, file.mechanism, file.staged)
        numbers.append(file.size)
        mappings += (file.hashes, file.beside)
    sound = (
        session.status in get_args(SessionStatus)
        and all(isinstance(each, str) for each in texts)
        and all(isinstance(each, int | float) for each in numbers)
        and all(isinstance(each, Mapping) for each in mappings)
    )
    if not sound:
        raise TypeError("one of its fields is of another type than it should be")
    return session


def read_session(key: str, stored: Stored | None) -> Session | None:
    """The session that is stored under ``key``.

    One that cannot be read counts as none: it is warned of, and stands in nobody's way.
    """
    if stored is None or not stored.body:
        return None
    try:
        return parse_session(stored.body)
    except InvalidDocument as error:
        _logger.warning("%s counts as no session: %s", key, error)
        return None


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
    key = keys.session(name, version)
    try:
        return read_session(key, store.get(key))
    except KeyNotFound:
        return None


def is_promised(store: Store, name: ProjectName, filename: str, but: str | None = None) -> bool:
    """Whether a session is just publishing this file, and will list it together with its others.

    ``but`` is the id of a session that does not count. Raises ``InvalidFilename``.
    """
    parsed = parse_filename(filename, legacy=True)
    try:
        version = release(str(parsed.version))
    except InvalidUpload:  # longer than any that a session can be of
        return False
    session = current_session(store, name, version)
    return (
        session is not None
        and session.status == "processing"
        and session.id != but
        and session.find(filename) is not None
    )
