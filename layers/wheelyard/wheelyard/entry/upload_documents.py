"""What Upload 2.0 says in JSON, in both directions (PEP 694)."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from wheelyard.entry.http import Headers, Request, Response
from wheelyard.errors import InvalidUpload, TooLarge
from wheelyard.publish.session import Session, SessionFile
from wheelyard.publish.session_files import BYTES, MECHANISMS, Announced
from wheelyard.storage.sizes import part_size

CONTENT_TYPE = "application/vnd.pypi.upload.v2+json"
API_VERSION = "2.0"

META = {"api-version": API_VERSION}
_LONGEST_BODY = 8 * 1024 * 1024
# Seconds. More than any session lives, and few enough to be added to a time.
_FOREVER = 10**15
_DIGEST = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
_DIGEST |= {"blake2b": 128, "blake2s": 64}
_DIGEST |= {"sha3_224": 56, "sha3_256": 64, "sha3_384": 96, "sha3_512": 128}
_SECURE = _DIGEST.keys() - {"md5", "sha1"}


# --- what clients send ---


def document(request: Request) -> dict[str, Any]:
    """The body of a request. Raises ``InvalidUpload`` and ``TooLarge``."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != CONTENT_TYPE:
        raise InvalidUpload(f"Content-Type is {content_type!r:.200}: it must be {CONTENT_TYPE!r}")
    try:
        document = json.loads(b"".join(bounded(request.body)))
    except (ValueError, RecursionError) as error:
        raise InvalidUpload(f"the body is not JSON: {error!s:.200}") from error
    if not isinstance(document, dict):
        raise InvalidUpload("the body is not a JSON object")
    meta = document.get("meta")
    version = meta.get("api-version") if isinstance(meta, dict) else None
    if version != API_VERSION:
        raise InvalidUpload(f"'meta.api-version' is {version!r:.100}: it must be {API_VERSION!r}")
    return document


def bounded(body: Iterable[bytes]) -> Iterable[bytes]:
    """The chunks of a body that is not too large. Raises ``TooLarge``."""
    left = _LONGEST_BODY
    for chunk in body:
        left -= len(chunk)
        if left < 0:
            raise TooLarge(f"the body is larger than {_LONGEST_BODY} bytes")
        yield chunk


def text(document: Mapping[str, Any], name: str) -> str:
    """A string of the document. Raises ``InvalidUpload``."""
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidUpload(f"{name!r} is {value!r:.100}: it must be a string")
    return value


def _hashes(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or _SECURE.isdisjoint(value):
        raise InvalidUpload(
            "'hashes' must be an object with 'sha256' in it, or another secure digest"
        )
    for name, digest in value.items():
        wellformed = isinstance(digest, str) and re.fullmatch(r"[0-9a-fA-F]+", digest)
        if name not in _DIGEST or not wellformed or len(digest) != _DIGEST[name]:
            raise InvalidUpload(
                f"'hashes' has {name!r:.50}: {digest!r:.150}, which is no digest in hexadecimal of one "
                f"of {', '.join(_DIGEST)}"
            )
    return {name: digest.lower() for name, digest in value.items()}


def announced(request: Request) -> Announced:
    """The file that a request announces. Raises ``InvalidUpload``."""
    sent = document(request)
    size = sent.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InvalidUpload(f"'size' is {size!r:.100}: use the file's number of bytes")
    hashes = _hashes(sent.get("hashes"))
    return Announced(text(sent, "filename"), size, hashes, text(sent, "mechanism"))


def extension(request: Request) -> int:
    """The seconds by which a session is to be extended. Raises ``InvalidUpload``."""
    seconds = document(request).get("extend-for")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= _FOREVER:
        raise InvalidUpload(f"'extend-for' is {seconds!r:.100}: use a number of seconds")
    return seconds


# --- what they are answered ---


def session_response(
    request: Request, session: Session, status: int, *, located: bool = False
) -> Response:
    """The status of a session; ``located`` also has its address as a header."""
    url = absolute(request, session_path(session))
    body = {
        "meta": META,
        "links": {
            "session": url,
            "upload": f"{url}/files",
            "publish": f"{url}/publish",
            "extend": f"{url}/extend",
            "stage": absolute(request, stage_path(session)),
        },
        "mechanisms": list(MECHANISMS),
        "session-token": session.token,
        "expires-at": _time(session.expires),
        "status": session.status,
        "files": {file.filename: _file_status(url, file) for file in session.files},
        "notices": list(session.notices),
    }
    return json_response(status, body, (("location", url),) if located else ())


def file_response(request: Request, session: Session, file: SessionFile, status: int) -> Response:
    """The status of a file, and how to send it.

    Where its signature is sent, and what it was announced with, is among the index's own metadata, for
    which the draft leaves room.
    """
    url = absolute(request, file_path(session, file.filename))
    mechanism: dict[str, Any] = {
        "identifier": file.mechanism,
        "attestations_url": f"{url}/attestations",
    }
    if file.mechanism == BYTES:
        mechanism["file_url"] = f"{url}/bytes"
    else:
        mechanism |= {"parts_url": f"{url}/parts", "part_size": part_size(file.size)}
    own = {
        "signature_url": f"{url}/signature",
        "filename": file.filename,
        "size": file.size,
        "hashes": dict(file.hashes),
    }
    body = {
        "meta": {**META, "_wheelyard": own},
        "links": {
            "file-upload-session": url,
            "complete": f"{url}/complete",
            "extend": f"{url}/extend",
        },
        "status": file.status,
        "expires-at": _time(session.expires),
        "mechanism": mechanism,
        "notices": list(file.notices),
    }
    return json_response(status, body, (("location", url), ("retry-after", "1")))


def _file_status(session_url: str, file: SessionFile) -> dict[str, Any]:
    link = f"{session_url}/files/{quote(file.filename)}"
    return {"status": file.status, "link": link, "notices": list(file.notices)}


def session_path(session: Session) -> str:
    """The path of a session."""
    return f"/upload/{session.name}/{quote(session.version)}/{session.id}"


def file_path(session: Session, filename: str) -> str:
    """The path of a file of a session."""
    return f"{session_path(session)}/files/{quote(filename)}"


def stage_path(session: Session) -> str:
    """The path of a session's preview: its token behind what is the same for all."""
    return f"/upload/-/stage/{quote(session.token)}/"


def absolute(request: Request, path: str) -> str:
    """A path as a URL, on the origin that was asked."""
    return f"{request.scheme}://{request.host}{request.base}{path}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def json_response(status: int, document: object, extra: Headers = ()) -> Response:
    """An answer in JSON."""
    body = json.dumps(document).encode()
    headers: Headers = (
        ("content-type", CONTENT_TYPE),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
        *extra,
    )
    return Response(status, headers, body)
