"""A publishing session over HTTP, from the client's side (PEP 694)."""

import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from random import uniform
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from wheelyard.client.credentials import Credentials
from wheelyard.client.files import LocalFile, LocalRelease
from wheelyard.errors import Conflict, Forbidden, IndexRefuses, IndexUnavailable

CONTENT_TYPE = "application/vnd.pypi.upload.v2+json"
BYTES, PARTS = "http-post-bytes", "vnd-wheelyard-multipart"

SMALL = 4 * 1024 * 1024
"""A file up to this size is sent in one piece: what a Lambda function takes, with base64."""

_ATTEMPTS = 6
# Seconds to connect, and for an answer: a large file is read whole when it is completed.
_TIMEOUT = (20, 900)

Advance = Callable[[int], None]
"""Told of every so many bytes that were sent; negative for those that have to be sent again."""


class Http:
    """Requests to one index, repeated where a connection breaks or the index is out of order."""

    def __init__(self, root: str, credentials: Credentials) -> None:
        self.root = root
        self._session = requests.Session()
        pair = f"{credentials.username}:{credentials.password}".encode()
        self._authorization = "Basic " + b64encode(pair).decode()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def own(self, link: str) -> str:
        """A link of the index's, below the root that the credentials are for.

        An index behind a proxy may not know its own address, and no other host is to get the password.
        """
        parts = urlsplit(link)
        path = parts.path.removeprefix(urlsplit(self.root).path.rstrip("/"))
        _, found, rest = path.partition("/upload/")
        query = f"?{parts.query}" if parts.query else ""
        return urljoin(self.root, f"upload/{rest}{query}") if found else link

    def json(
        self, method: str, url: str, document: Mapping[str, object] | None = None
    ) -> requests.Response:
        """A request of the protocol; its answer, whatever its status below 500 is."""
        body = None
        if document is not None:
            body = {"meta": {"api-version": "2.0"}, **document}
        headers = {"Accept": CONTENT_TYPE, "Content-Type": CONTENT_TYPE}
        return self._repeated(
            lambda: self._session.request(
                method, self.own(url), json=body, headers=headers, auth=self._auth, timeout=_TIMEOUT,
                allow_redirects=False,
            )
        )  # fmt: skip

    def remove(self, url: str) -> None:
        """A DELETE; what is gone already, by one whose answer was lost, is no error."""
        answer = self.json("DELETE", url)
        if answer.status_code != 404:
            checked(answer)

    def send(
        self, method: str, url: str, body: Callable[[], Any], *, advance: Advance, secret: bool
    ) -> None:
        """Send bytes; ``secret`` is for the index itself, and not for a presigned link."""

        target = self.own(url) if secret else url

        def once() -> requests.Response:
            with closing(body()) as piece:
                try:
                    answer = self._session.request(
                        method, target, data=piece, auth=self._auth if secret else _no_auth,
                        headers={"Content-Type": "application/octet-stream"}, timeout=_TIMEOUT,
                        allow_redirects=False,
                    )  # fmt: skip
                except requests.RequestException:
                    advance(-piece.sent)
                    raise
                if not answer.ok:
                    advance(-piece.sent)
                return answer

        checked(self._repeated(once))

    def published(self, project: str) -> dict[str, str | None]:
        """The published files of a project: name to sha256. Empty for none."""
        accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
        url = urljoin(self.root, f"simple/{project}/")
        answer = self._repeated(
            lambda: self._session.get(url, headers=accept, auth=self._auth, timeout=_TIMEOUT)
        )
        if answer.status_code == 404:
            return {}
        files = checked(answer).json()["files"]
        return {file["filename"]: file["hashes"].get("sha256") for file in files}

    def _auth(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._authorization
        return request

    def _repeated(self, ask: Callable[[], requests.Response]) -> requests.Response:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = ask()
                if answer.status_code not in (429, 500, 502, 503, 504) or attempt == _ATTEMPTS:
                    return answer
            except requests.RequestException as error:
                if attempt == _ATTEMPTS:
                    raise IndexUnavailable(
                        f"{self.root} cannot be reached: {type(error).__name__}. Start the upload "
                        "again: it goes on where it was"
                    ) from error
            time.sleep(uniform(0.5, 1) * min(2**attempt, 30) / 4)  # noqa: S311
        raise AssertionError("the last attempt returns or raises")


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from looking into netrc."""
    return request


def checked(answer: requests.Response) -> requests.Response:
    """The answer, if it is a good one. Raises ``Conflict``, ``Forbidden``, ``IndexRefuses``."""
    if answer.ok and not answer.is_redirect:
        return answer
    if answer.is_redirect:
        detail = "it redirects elsewhere: give the address of the index that takes uploads"
    else:
        try:
            problem = answer.json()
            detail = str(problem.get("detail") or problem.get("title"))
        except (ValueError, AttributeError):
            detail = answer.reason or "no reason"
    message = f"{answer.status_code} {detail:.1000}"
    if answer.status_code == 409:
        raise Conflict(message, answer.headers.get("location", ""))
    if answer.status_code == 403:
        raise Forbidden(message)
    raise IndexRefuses(message)


class RemoteSession:
    """A session for one release, new or gone on with."""

    def __init__(self, http: Http, release: LocalRelease) -> None:
        """Raises ``Forbidden`` for a project that the user may not upload to."""
        self._http = http
        sent = {"name": release.project, "version": release.version}
        answer = http.json("POST", urljoin(http.root, "upload/"), sent)
        if answer.status_code in (404, 405, 501):
            raise IndexRefuses(
                f"{http.root} takes no publishing sessions: give the URL at which the index takes uploads"
            )
        if answer.status_code == 409 and "location" in answer.headers:
            answer = http.json("GET", answer.headers["location"])
        self._document = checked(answer).json()
        self._links = self._document["links"]

    @property
    def published(self) -> bool:
        """Whether somebody has finished it meanwhile."""
        return bool(self._document["status"] == "published")

    @property
    def stage(self) -> str:
        """The address of a simple index with what is in the session."""
        return self._http.own(self._links["stage"])

    def discard_others(self, filenames: set[str]) -> None:
        """Take out what an earlier attempt left and this one has not."""
        for filename, file in self._document["files"].items():
            if filename not in filenames:
                self._http.remove(file["link"])

    def upload(self, file: LocalFile, advance: Advance) -> None:
        """Send a file, or what is missing of it, and have it checked."""
        started = self._start(file)
        if started["status"] == "completed":
            advance(file.size)
            return
        mechanism = started["mechanism"]
        if mechanism["identifier"] == BYTES:
            self._http.send(
                "POST", mechanism["file_url"], lambda: Piece(file.path, 0, file.size, advance),
                advance=advance, secret=True,
            )  # fmt: skip
        else:
            self._send_parts(file, mechanism, advance)
        if file.attestations:
            self._send_small(mechanism["attestations_url"], file.attestations.encode())
        if file.signature:
            self._send_small(started["meta"]["_wheelyard"]["signature_url"], file.signature)
        checked(self._http.json("POST", started["links"]["complete"]))

    def _send_small(self, url: str, body: bytes) -> None:
        self._http.send("POST", url, lambda: _Bytes(body), advance=lambda _: None, secret=True)

    def _start(self, file: LocalFile) -> Any:
        announced = {
            "filename": file.filename,
            "size": file.size,
            "hashes": {"sha256": file.sha256},
            "mechanism": BYTES if file.size <= SMALL else PARTS,
        }
        known = self._document["files"].get(file.filename)
        if known is not None and known["status"] != "error":
            found = checked(self._http.json("GET", known["link"])).json()
            if _announced(found) == announced:  # by an attempt before this one
                return found
            self._http.remove(known["link"])
        answer = self._http.json("POST", self._links["upload"], announced)
        if answer.status_code == 409 and "location" in answer.headers:
            found = checked(self._http.json("GET", answer.headers["location"])).json()
            if _announced(found) == announced:  # by this very request, whose answer was lost
                return found
        return checked(answer).json()

    def _send_parts(self, file: LocalFile, mechanism: Any, advance: Advance) -> None:
        size = mechanism["part_size"]
        for part in self._parts(mechanism["parts_url"]):
            if part["received"]:
                advance(part["size"])
                continue
            start = (part["number"] - 1) * size
            self._send_part(file, mechanism["parts_url"], part, start, advance)

    def _send_part(
        self, file: LocalFile, parts_url: str, part: Any, start: int, advance: Advance
    ) -> None:
        def piece() -> Piece:
            return Piece(file.path, start, part["size"], advance)

        own = "X-Amz-Signature=" not in part["url"]
        try:
            self._http.send("PUT", part["url"], piece, advance=advance, secret=own)
        except Forbidden:
            # A link holds for a while only: ask for another one, once.
            [fresh] = [
                p for p in self._parts(parts_url, part["number"]) if p["number"] == part["number"]
            ]
            self._http.send("PUT", fresh["url"], piece, advance=advance, secret=own)

    def _parts(self, url: str, first: int = 1) -> Iterator[Any]:
        page: str | None = f"{url}?first={first}"
        while page is not None:
            document = checked(self._http.json("GET", page)).json()
            yield from document["parts"]
            page = document.get("next")

    def publish(self) -> None:
        """Have all files published. Raises ``Conflict`` if one cannot be: then none is."""
        checked(self._http.json("POST", self._links["publish"]))


def _announced(found: Any) -> dict[str, object]:
    """What a file of a session was announced with, as its status tells it."""
    own, mechanism = found["meta"]["_wheelyard"], found["mechanism"]["identifier"]
    return {
        "filename": own["filename"],
        "size": own["size"],
        "hashes": own["hashes"],
        "mechanism": mechanism,
    }


class Piece:
    """A part of a local file as a request's body: read as it is sent, of a length that is known."""

    def __init__(self, path: Path, start: int, size: int, advance: Advance) -> None:
        self._file = path.open("rb")
        self._file.seek(start)
        self._left = size
        self._size = size
        self._advance = advance
        self.sent = 0

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        """The next bytes, none at the end."""
        if not self._left:
            return b""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        self.sent += len(data)
        self._advance(len(data))
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Bytes(bytes):
    """A body that is in memory."""

    sent = 0

    def close(self) -> None:
        """Nothing is open."""
