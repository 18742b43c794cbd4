"""Upload 2.0 as HTTP: publishing sessions, their files, and the two mechanisms (PEP 694).

Below ``/upload/``. The draft followed is that of July 2026. The mechanism ``vnd-wheelyard-multipart`` is
for files of any size: its ``parts_url`` gives the parts by number, each with its size, whether it has
arrived, and where to PUT it, which with S3 is a presigned link.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from wheelyard.access.principal import Principal
from wheelyard.audit.event import Actor
from wheelyard.audit.recorder import Recorder
from wheelyard.entry.http import Request, Response
from wheelyard.entry.preview import STAGE, Preview
from wheelyard.entry.problems import problem
from wheelyard.entry.upload_documents import (
    META,
    absolute,
    announced,
    bounded,
    document,
    extension,
    file_path,
    file_response,
    json_response,
    session_path,
    session_response,
    text,
)
from wheelyard.errors import (
    Conflict,
    FileExists,
    InvalidDocument,
    InvalidName,
    InvalidUpload,
    MethodNotAllowed,
    NotFound,
    StorageError,
    WheelyardError,
)
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.publish.session import Session, SessionFile, release
from wheelyard.publish.session_files import PARTS, SessionFiles
from wheelyard.publish.sessions import Sessions
from wheelyard.storage.sizes import part_size

_MOST_PARTS_A_PAGE = 100
_SESSION = re.compile(r"/upload/([^/]+)/([^/]+)/([0-9a-f]{32})(?:/(publish|extend|files))?")
_FILE = re.compile(
    r"/upload/([^/]+)/([^/]+)/([0-9a-f]{32})/files/([^/]+)"
    r"(?:/(complete|extend|bytes|attestations|signature|parts|parts/[1-9][0-9]{0,4}))?"
)


class Uploading:
    """Answers the requests below ``/upload/``."""

    def __init__(
        self,
        sessions: Sessions,
        files: SessionFiles,
        preview: Preview,
        recorder: Callable[[Actor], Recorder],
    ) -> None:
        """``recorder`` gives what has somebody's changes in the audit trail."""
        self._sessions = sessions
        self._files = files
        self._preview = preview
        self._recorder = recorder

    def __call__(self, request: Request, principal: Principal, actor: Actor) -> Response:
        """Answer a request. Raises what is no fault of the request's."""
        if match := STAGE.fullmatch(request.path):
            return self._preview(request, principal, match[1], match[2] or "")
        try:
            principal.require_upload()
            return self._answer(request, principal, actor)
        except (StorageError, InvalidDocument):
            raise
        except FileExists as error:
            return _problem(request, Conflict(str(error)), error.title)
        except WheelyardError as error:
            return _problem(request, error, error.title)

    def _answer(self, request: Request, principal: Principal, actor: Actor) -> Response:
        if request.path in ("/upload", "/upload/"):
            _allow(request, "POST")
            return self._create(request, principal)
        if match := _SESSION.fullmatch(request.path):
            session = self._session(match, principal)
            return self._on_session(request, session, match[4] or "", actor)
        if match := _FILE.fullmatch(request.path):
            session = self._session(match, principal)
            return self._on_file(request, session, match[4], match[5] or "", principal)
        raise NotFound(f"there is nothing at {request.path[:200]!r}")

    def _session(self, match: re.Match[str], principal: Principal) -> Session:
        try:
            name = project_name(match[1])
        except InvalidName as error:
            raise NotFound(str(error)) from error
        principal.require_upload(name)
        return self._sessions.find(name, match[2], match[3])

    # --- sessions ---

    def _create(self, request: Request, principal: Principal) -> Response:
        sent = document(request)
        try:
            name = project_name(text(sent, "name"))
        except InvalidName as error:
            raise InvalidUpload(f"'name' is invalid: {error}") from error
        principal.require_upload(name)
        version = text(sent, "version")
        try:
            session = self._sessions.create(name, version, principal.username)
        except Conflict as error:
            raise Conflict(str(error), self._location(name, version)) from error
        return session_response(request, session, 201, located=True)

    def _location(self, name: ProjectName, version: str) -> str:
        session = self._sessions.current(name, release(version))
        return "" if session is None else session_path(session)

    def _on_session(self, request: Request, session: Session, what: str, actor: Actor) -> Response:
        if what == "":
            _allow(request, "GET", "HEAD", "DELETE")
            if request.method == "DELETE":
                self._sessions.cancel(session)
                return Response(204, (("cache-control", "no-store"),))
            return session_response(request, session, 200)
        _allow(request, "POST")
        if what == "publish":
            published = self._sessions.publish(session, self._recorder(actor))
            return session_response(request, published, 201, located=True)
        if what == "extend":
            extended = self._sessions.extend(session, extension(request))
            return session_response(request, extended, 200)
        return self._start(request, session)

    def _start(self, request: Request, session: Session) -> Response:
        wanted = announced(request)
        try:
            file = self._files.start(session, wanted)
        except Conflict as error:
            known = session.find(wanted.filename)
            location = "" if known is None else file_path(session, known.filename)
            raise Conflict(str(error), location) from error
        return file_response(request, session, file, 202)

    # --- files ---

    def _on_file(
        self, request: Request, session: Session, filename: str, what: str, principal: Principal
    ) -> Response:
        if what == "":
            _allow(request, "GET", "HEAD", "DELETE")
            if request.method == "DELETE":
                self._files.remove(session, filename)
                return Response(204, (("cache-control", "no-store"),))
            return file_response(request, session, _find(session, filename), 200)
        if what.startswith("parts"):
            return self._on_parts(request, session, _find(session, filename), what)
        _allow(request, "POST")
        if what == "bytes":
            self._files.receive(session, filename, request.body)
        elif what == "attestations":
            body = b"".join(bounded(request.body))
            self._files.attest(session, filename, body, principal.publisher)
        elif what == "signature":
            self._files.sign(session, filename, b"".join(bounded(request.body)))
        elif what == "complete":
            file = self._files.complete(session, filename)
            return file_response(request, session, file, 201)
        else:  # a file lives as long as its session
            session = self._sessions.extend(session, extension(request))
            return file_response(request, session, _find(session, filename), 200)
        return Response(204, (("cache-control", "no-store"),))

    def _on_parts(
        self, request: Request, session: Session, file: SessionFile, what: str
    ) -> Response:
        if file.mechanism != PARTS:
            raise NotFound(f"{file.filename!r} does not come in parts")
        size = part_size(file.size)
        count = max(1, -(-file.size // size))
        if what != "parts":
            _allow(request, "PUT")
            number = int(what.rpartition("/")[2])
            if number > count or file.status != "pending":
                raise NotFound(f"{file.filename!r} has no part {number} to be sent")
            self._files.receive_part(file, number, request.body, _size(file, number))
            return Response(204, (("cache-control", "no-store"),))
        _allow(request, "GET", "HEAD")
        first = _first(request)
        numbers = range(first, min(first + _MOST_PARTS_A_PAGE, count + 1))
        received = self._files.received(file)
        base = f"{absolute(request, file_path(session, file.filename))}/parts"
        urls = self._files.part_urls(file, numbers)
        parts = [
            {
                "number": number,
                "size": _size(file, number),
                "received": received.get(number) == _size(file, number),
                "url": urls[number] or f"{base}/{number}",
            }
            for number in numbers
        ]
        body: dict[str, Any] = {"meta": META, "parts": parts}
        if numbers.stop <= count:
            body["next"] = f"{base}?first={numbers.stop}"
        return json_response(200, body)


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise MethodNotAllowed(
            f"{request.method} is not possible here: use {' or '.join(methods)}", methods
        )


def _size(file: SessionFile, number: int) -> int:
    size = part_size(file.size)
    return min(size, file.size - (number - 1) * size)


def _find(session: Session, filename: str) -> SessionFile:
    file = session.find(filename)
    if file is None:
        raise NotFound(f"there is no file {filename!r:.200} in the session")
    return file


def _first(request: Request) -> int:
    value = (parse_qs(request.query).get("first") or ["1"])[-1]
    if not re.fullmatch(r"[1-9][0-9]{0,4}", value):
        raise InvalidUpload(f"'first' is {value!r:.50}: use the number of a part")
    return int(value)


def _problem(request: Request, error: WheelyardError, source: str) -> Response:
    """An error with the members that the draft asks for."""
    errors = [{"source": source, "message": str(error)}]
    response = problem(error, request.id, meta=META, errors=errors)
    if isinstance(error, Conflict) and error.location:
        location = ("location", absolute(request, error.location))
        response = response._replace(headers=(*response.headers, location))
    return response
