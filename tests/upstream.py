"""An upstream index on loopback that the test controls, and that can misbehave.

``Upstream`` serves what the test gives it (``add``, ``add_names``) in JSON or HTML as the simple
repository API has it, with entity tags, serials, ``.metadata`` and ranges, each of which can be
switched off. It records every request. ``answer`` has it say something else instead, ``hold`` has it
wait, ``stop`` and ``start`` take it down and up again on the same port.
"""

import base64
import hashlib
import io
import json
import socket
import ssl
import threading
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from distributions import BuiltDistribution

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"


class Asked(NamedTuple):
    """One request that arrived; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What is said instead of the true answer.

    ``body``            bytes, or chunks, each of which is sent when it comes
    ``content_length``  what is announced; more than the body has cuts it off, None announces none and
                        closes the connection at the end. To be given with chunks
    ``drop``            closes the connection without an answer
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_length: int | None = -1
    drop: bool = False


@dataclass
class UpstreamFile:
    """A file as the index offers it; what stands in ``listed`` is its entry on the page."""

    filename: str
    content: bytes
    metadata: bytes | None
    listed: dict[str, Any]


@dataclass
class UpstreamProject:
    """A project as the index offers it; ``extra`` goes into its document's top level."""

    name: str
    serial: int = 1
    files: dict[str, UpstreamFile] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


class Upstream:
    """The index; ``index`` is the URL of its root listing, without a slash at the end.

    ``html_only``     there is no JSON
    ``html_type``     the content type of HTML, charset included
    ``html_base``     whether pages have a ``<base>``, and links that only it makes right
    ``absolute``      whether file links are absolute
    ``etags``         whether there are entity tags, and 304
    ``serials``       whether pages and the root listing say serials, as the public index does
    ``sizes``         whether pages say sizes and upload times (api-version 1.1 and later)
    ``ranges``        whether files can be had in parts
    ``credentials``   user and password, asked for where they are set
    """

    def __init__(self, certificate: Path | None = None) -> None:
        """With ``certificate``, a file with that and its key, it speaks TLS."""
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
        self.projects: dict[str, UpstreamProject] = {}
        self.names: dict[str, int] = {}
        self.asked: list[Asked] = []
        self.html_only = False
        self.html_type = "text/html; charset=UTF-8"
        self.html_base = False
        self.absolute = False
        self.etags = True
        self.serials = False
        self.sizes = True
        self.ranges = True
        self.api_version = "1.4"
        self.credentials: tuple[str, str] | None = None
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        self._always: dict[str, Answer] = {}
        self._held: dict[str, threading.Event] = {}
        self._server: _Server | None = None
        self._lock = threading.Lock()
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """The origin."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    @property
    def index(self) -> str:
        """The simple index."""
        return f"{self.url}/simple"

    def with_credentials(self) -> str:
        """Ask for a user and a password from now on; returns the index URL with them in it."""
        self.credentials = ("mirror", "up:s@cret")
        return self.index.replace("://", "://mirror:up%3As%40cret@")

    # --- what it offers ---

    def add(
        self,
        built: BuiltDistribution,
        *,
        metadata: bytes | bool | None = None,
        project: str | None = None,
        content: bytes | None = None,
        **listed: Any,
    ) -> UpstreamFile:
        """Offer a file, and raise its project's serial.

        ``metadata`` None: no ``.metadata``; bytes: those, announced with their digest; True: the
        wheel's own. ``content`` is sent in place of the file's own. ``listed`` adds to or replaces keys of
        the file's entry on the page, with ``_`` for ``-``; None removes one.
        """
        name = project or built.filename.split("-")[0].replace("_", "-").lower()
        found = self.projects.setdefault(name, UpstreamProject(name))
        found.serial += 1
        own = _metadata_of(built) if metadata is True else (metadata or None)
        entry: dict[str, Any] = {
            "filename": built.filename,
            "hashes": {"sha256": built.sha256},
            "size": len(built.content),
            "upload-time": "2026-01-02T03:04:05.678901Z",
            "yanked": False,
        }
        if own is not None:
            digest = {"sha256": hashlib.sha256(own).hexdigest()}
            entry |= {"core-metadata": digest, "dist-info-metadata": digest}
        entry |= {key.replace("_", "-"): value for key, value in listed.items()}
        entry = {key: value for key, value in entry.items() if value is not None}
        file = UpstreamFile(built.filename, content or built.content, own or None, entry)
        found.files[built.filename] = file
        return file

    def add_names(self, names: Iterable[str]) -> None:
        """Have these in the root listing beside the projects, with serial 1."""
        self.names.update(dict.fromkeys(names, 1))

    # --- how it behaves ---

    def answer(self, path: str, *answers: Answer, always: bool = False) -> None:
        """Say these, one after the other, to requests for ``path``; the last for ever if ``always``."""
        self._answers[path] += answers[:-1] if always else answers
        if always:
            self._always[path] = answers[-1]

    def behave(self) -> None:
        """Forget every ``answer``."""
        self._answers.clear()
        self._always.clear()

    @contextmanager
    def hold(self, path: str) -> Iterator[None]:
        """Let requests for ``path`` arrive, and answer them when the block ends."""
        self._held[path] = threading.Event()
        try:
            yield
        finally:
            self._held.pop(path).set()

    def start(self) -> None:
        """Listen, on the port that it had before if there was one."""
        self._server = _Server(("127.0.0.1", self.port), _handler(self))
        self.port = self._server.server_port
        if self._tls is not None:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections, and close those that are open."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.close_connections()
            self._server = None

    # --- what it was asked ---

    def paths(self, method: str = "GET") -> list[str]:
        """The paths of the requests so far, in order."""
        return [asked.path for asked in self.asked if asked.method == method]

    def forget(self) -> None:
        """Begin the record anew."""
        self.asked.clear()

    # --- answering ---

    def respond(self, asked: Asked) -> Answer:
        """The answer to one request."""
        with self._lock:
            self.asked.append(asked)
            instead = (
                self._answers[asked.path].pop(0)
                if self._answers[asked.path]
                else self._always.get(asked.path)
            )
        if (held := self._held.get(asked.path)) is not None:
            held.wait(60)
        if instead is not None:
            return instead
        if not self._authorised(asked):
            return Answer(401, b"who are you?", {"www-authenticate": 'Basic realm="upstream"'})
        return self._true_answer(asked)

    def _authorised(self, asked: Asked) -> bool:
        if self.credentials is None:
            return True
        expected = base64.b64encode(":".join(self.credentials).encode()).decode()
        return asked.headers.get("authorization") == f"Basic {expected}"

    def _true_answer(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path).path.split("/")[1:]
        if parts == ["simple", ""]:
            return self._document(asked, self._root(asked))
        if parts[0] == "simple" and len(parts) == 3 and not parts[2]:
            project = self.projects.get(parts[1])
            if project is None:
                return Answer(404, b"not found")
            serial = {"x-pypi-last-serial": str(project.serial)} if self.serials else {}
            return self._document(asked, self._project(asked, project), serial)
        if parts[0] == "files" and len(parts) == 3 and parts[1] in self.projects:
            return self._file(asked, self.projects[parts[1]], parts[2])
        return Answer(404, b"not found")

    def _speaks_json(self, asked: Asked) -> bool:
        return not self.html_only and JSON in asked.headers.get("accept", "")

    def _document(
        self, asked: Asked, body: bytes, extra: Mapping[str, str] | None = None
    ) -> Answer:
        kind = JSON if self._speaks_json(asked) else self.html_type
        headers = {"content-type": kind, **(extra or {})}
        if self.etags:
            headers["etag"] = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
            if asked.headers.get("if-none-match") == headers["etag"]:
                return Answer(304, b"", headers)
        return Answer(200, body, headers)

    def _root(self, asked: Asked) -> bytes:
        serials = self.names | {name: found.serial for name, found in self.projects.items()}
        if not self._speaks_json(asked):
            links = "".join(
                f'    <a href="/simple/{name}/">{name}</a>\n' for name in sorted(serials)
            )
            last = f"<!--SERIAL {max(serials.values(), default=0)}-->" if self.serials else ""
            return f"<!DOCTYPE html>\n<html><body>\n{links}</body></html>{last}".encode()
        meta: dict[str, Any] = {"api-version": self.api_version}
        if self.serials:
            meta["_last-serial"] = max(serials.values(), default=0)
        projects = [
            {"_last-serial": serials[name], "name": name} if self.serials else {"name": name}
            for name in sorted(serials)
        ]
        return json.dumps({"meta": meta, "projects": projects}).encode()

    def _project(self, asked: Asked, project: UpstreamProject) -> bytes:
        if not self._speaks_json(asked):
            return self._html(project).encode(errors="xmlcharrefreplace")
        files = []
        for file in project.files.values():
            entry = {"url": self._link(project, file), **file.listed}
            for key in () if self.sizes else ("size", "upload-time"):
                entry.pop(key, None)
            files.append(entry)
        meta: dict[str, Any] = {"api-version": self.api_version}
        if self.serials:
            meta["_last-serial"] = project.serial
        document = {"meta": meta, "name": project.name, "files": files}
        if self.sizes:
            document["versions"] = sorted({name.split("-")[1] for name in project.files})
        return json.dumps(document | project.extra).encode()

    def _link(self, project: UpstreamProject, file: UpstreamFile) -> str:
        if self.absolute:
            return f"{self.url}/files/{project.name}/{file.filename}"
        return f"../../files/{project.name}/{file.filename}"

    def _html(self, project: UpstreamProject) -> str:
        base = f'<base href="/files/{project.name}/">' if self.html_base else ""
        status = project.extra.get("project-status", {})
        metas = "".join(
            f'<meta name="pypi:{name}" content="{escape(value)}">'
            for name, value in (
                ("repository-version", self.api_version),
                ("project-status", status.get("status")),
                ("project-status-reason", status.get("reason")),
            )
            if value
        )
        anchors = "\n".join(self._anchor(project, file) for file in project.files.values())
        serial = f"<!--SERIAL {project.serial}-->" if self.serials else ""
        return (
            f"<!DOCTYPE html><html><head>{metas}{base}<title>Links</title></head>"
            f"<body><h1>Links for {project.name}</h1>\n{anchors}\n</body></html>{serial}"
        )

    def _anchor(self, project: UpstreamProject, file: UpstreamFile) -> str:
        listed = file.listed
        link = file.filename if self.html_base else self._link(project, file)
        # An HTML page has room for one digest.
        digest = next((f"#{name}={value}" for name, value in listed["hashes"].items()), "")
        attributes = {"href": link + digest}
        if "requires-python" in listed:
            attributes["data-requires-python"] = listed["requires-python"]
        if metadata := listed.get("core-metadata"):
            value = (
                "true" if metadata is True else "&".join(f"{n}={d}" for n, d in metadata.items())
            )
            attributes |= {"data-core-metadata": value, "data-dist-info-metadata": value}
        if yanked := listed.get("yanked"):
            attributes["data-yanked"] = "" if yanked is True else yanked
        if "gpg-sig" in listed:
            attributes["data-gpg-sig"] = "true" if listed["gpg-sig"] else "false"
        if "provenance" in listed:
            attributes["data-provenance"] = listed["provenance"]
        text = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
        return f"<a {text}>{escape(file.filename)}</a><br/>"

    def _file(self, asked: Asked, project: UpstreamProject, filename: str) -> Answer:
        file = project.files.get(filename.removesuffix(".metadata"))
        if file is None or (filename != file.filename and file.metadata is None):
            return Answer(404, b"not found")
        if filename != file.filename:
            return Answer(200, file.metadata or b"", {"content-type": "application/octet-stream"})
        etag = f'"{hashlib.sha256(file.content).hexdigest()[:20]}"'
        headers = {"content-type": "application/octet-stream", "etag": etag}
        if self.ranges:
            headers["accept-ranges"] = "bytes"
            if wanted := asked.headers.get("range"):
                return _part(file.content, wanted, headers)
        return Answer(200, file.content, headers)


def _part(content: bytes, wanted: str, headers: dict[str, str]) -> Answer:
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    size = len(content)
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= size:
        return Answer(416, b"", {**headers, "content-range": f"bytes */{size}"})
    headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    return Answer(206, content[start:end], headers)


def _metadata_of(built: BuiltDistribution) -> bytes:
    with zipfile.ZipFile(io.BytesIO(built.content)) as archive:
        member = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return archive.read(member)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of the test's business."""


def _handler(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            answer = upstream.respond(Asked(self.command, self.path, headers, body))
            if answer.drop:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            chunks = [answer.body] if isinstance(answer.body, bytes) else answer.body
            known = len(answer.body) if isinstance(answer.body, bytes) else None
            length = known if answer.content_length == -1 else answer.content_length
            if answer.status != 304 and length is not None:
                self.send_header("content-length", str(length))
            if length is None or length != known:
                self.send_header("connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command != "HEAD":
                for chunk in chunks:
                    self.wfile.write(chunk)
                    self.wfile.flush()

        do_HEAD = do_POST = do_GET  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    """An empty index, stopped when the block ends."""
    upstream = Upstream()
    try:
        yield upstream
    finally:
        upstream.stop()
