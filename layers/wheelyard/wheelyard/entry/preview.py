"""Staged releases as a simple index of their own, to be tested before they are published (PEP 694).

At ``/upload/-/stage/<token>/``, for whoever may read the project and has the token. It offers the files of
one session and nothing else: installers are given it beside the index itself, as ``--extra-index-url``.
"""

import re
from hashlib import sha256

from wheelyard.access.principal import Principal
from wheelyard.entry.files import SIDECARS, bytes_response, file_response, redirect
from wheelyard.entry.http import Request, Response
from wheelyard.entry.reading import page_response, query_of, quoted, wanted_media, wants_gzip
from wheelyard.entry.upload_documents import absolute, stage_path
from wheelyard.errors import InvalidName, MethodNotAllowed, NotFound
from wheelyard.index.documents import Document
from wheelyard.index.pages import compress, project_page, whole_page
from wheelyard.protocol.names import project_name
from wheelyard.protocol.simple import project_json, root_html, root_json
from wheelyard.publish.session import Session, SessionFile
from wheelyard.publish.sessions import Sessions
from wheelyard.publish.stage import staged_project, staged_session
from wheelyard.publish.staged import provenance, signature
from wheelyard.storage.store import Store, Stored

STAGE = re.compile(r"/upload/-/stage/([^/]+)(/.*)?")
"""The paths of stages: the token, and what follows it."""

# A file can be taken out of a session and another one sent under its name.
_NO_STORE = ("cache-control", "no-store")


class Preview:
    """Answers the requests below ``/upload/-/stage/``."""

    def __init__(self, store: Store, sessions: Sessions, *, legacy: bool) -> None:
        """``legacy`` is whether legacy formats are taken."""
        self._store = store
        self._sessions = sessions
        self._legacy = legacy

    def __call__(self, request: Request, principal: Principal, token: str, rest: str) -> Response:
        """Answer a request of anybody. Raises ``NotFound`` and ``MethodNotAllowed``."""
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(
                f"{request.method} is not possible here: use GET", ("GET", "HEAD")
            )
        try:
            session = staged_session(self._sessions, token)
        except InvalidName as error:
            raise NotFound("there is no such staged release") from error
        if not principal.may_read(session.name):  # to whom it must look as if it were not there
            raise NotFound("there is no such staged release")
        if rest in ("", "/"):
            return self._root(request, session) if rest else redirect(301, f"{token}/")
        name, slash, filename = rest[1:].partition("/")
        if _normalised(name) != session.name:
            raise NotFound(f"the stage is of {session.name!r} only")
        if name != session.name or not slash:
            up = "../" if slash else ""
            return redirect(301, f"{up}{session.name}/{quoted(filename)}{query_of(request)}")
        return self._file(request, session, filename) if filename else self._page(request, session)

    def _root(self, request: Request, session: Session) -> Response:
        media, gzip = wanted_media(request), wants_gzip(request)
        body = (root_json if media.form == "json" else root_html)([session.name])
        etag = f'"{sha256(body).hexdigest()[:32]}{"g" if gzip else ""}"'
        sent = compress(body) if gzip else body
        page = whole_page(sent, etag, media.content_type, gzipped=gzip)
        return page_response(page, request)

    def _page(self, request: Request, session: Session) -> Response:
        body = project_json(staged_project(self._store, session, legacy=self._legacy))
        document = Document(session.name, Stored(body, sha256(body).hexdigest()[:32]))
        page = project_page(
            document,
            wanted_media(request),
            gzip=wants_gzip(request),
            index=absolute(request, stage_path(session)),
        )
        return page_response(page, request)

    def _file(self, request: Request, session: Session, filename: str) -> Response:
        files = {file.filename: file for file in session.files if file.status == "completed"}
        if filename in files:
            file = files[filename]
            response = file_response(self._store, file.staged, file.sha256, request)
            headers = [each for each in response.headers if each[0] != _NO_STORE[0]]
            return response._replace(headers=(*headers, _NO_STORE))
        stem, dot, ending = filename.rpartition(".")
        body = self._beside(files[stem], dot + ending) if stem in files else None
        if body is None:
            raise NotFound(f"the staged release has no file {filename[:200]!r}")
        digest = sha256(body).hexdigest()
        return bytes_response(body, digest, request, SIDECARS[dot + ending], immutable=False)

    def _beside(self, file: SessionFile, ending: str) -> bytes | None:
        if ending == ".metadata":
            return self._store.get(f"{file.staged}.metadata").body
        if ending == ".asc":
            return signature(self._store, file)
        if ending == ".provenance":
            return provenance(self._store, file, file.sha256 or "")
        return None


def _normalised(name: str) -> str:
    try:
        return project_name(name)
    except InvalidName:
        return ""
