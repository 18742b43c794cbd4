"""Files as they are sent: a redirect to where they are, or their bytes with ranges."""

import time

from wheelyard.entry.conditional import byte_range, matches
from wheelyard.entry.http import FileBody, Headers, Request, Response
from wheelyard.errors import KeyNotFound, NotFound
from wheelyard.metrics import count
from wheelyard.storage.store import Store

# What lies under a filename never changes, so whoever has it may keep it.
IMMUTABLE = ("cache-control", "private, max-age=31536000, immutable")
_REVALIDATE = ("cache-control", "max-age=0, private")
FILE_TYPE = ("content-type", "application/octet-stream")

SIDECARS = {
    ".metadata": "application/octet-stream",
    ".asc": "application/pgp-signature",
    # the "Integrity API" of the public index
    ".provenance": "application/vnd.pypi.integrity.v1+json",
}
"""The content types of what stands beside a file."""


def count_download(*, private: bool, fetched: bool = False) -> None:
    """Count a GET of a file: a private one, or a mirrored one, which may have been ``fetched`` for it."""
    names: tuple[str, ...] = ("Downloads",)
    if not private:
        names = (*names, "MirrorMisses" if fetched else "MirrorHits")
    kind = "private file" if private else "mirrored file"
    count(names, time.time(), "kind", {"kind": kind})


def file_response(store: Store, key: str, digest: str | None, request: Request) -> Response:
    """The file under ``key``; ``digest`` is its sha256, where that is known.

    Raises ``NotFound`` if the file is listed, but gone from the store.
    """
    location = store.download_url(key, request.method)
    if location is not None:
        return redirect(302, location)
    try:
        found = store.head(key)
    except KeyNotFound as error:
        raise NotFound("this file is listed, but its content is gone from the store") from error
    etag = f'"{digest}"' if digest else found.etag
    headers: Headers = (("etag", etag), IMMUTABLE, ("accept-ranges", "bytes"))
    if matches(request.headers.get("if-none-match"), etag):
        return Response(304, headers)
    condition = request.headers.get("if-range")
    wanted = request.headers.get("range") if condition in (None, etag) else None
    span = byte_range(wanted, found.size) if request.method == "GET" else None
    if span is None:
        return _part(store, key, 200, headers, 0, found.size)
    if span.start == span.end:
        return Response(416, (*headers, ("content-range", f"bytes */{found.size}"), _EMPTY))
    content_range = ("content-range", f"bytes {span.start}-{span.end - 1}/{found.size}")
    return _part(store, key, 206, (*headers, content_range), span.start, span.end)


_EMPTY = ("content-length", "0")


def _part(store: Store, key: str, status: int, headers: Headers, start: int, end: int) -> Response:
    headers = (*headers, FILE_TYPE, ("content-length", str(end - start)))
    path = store.local_path(key)
    if path is not None:
        return Response(status, headers, FileBody(path, start, end))
    return Response(status, headers, store.read(key, start, end))


def bytes_response(
    body: bytes,
    digest: str,
    request: Request,
    content_type: str = FILE_TYPE[1],
    immutable: bool = True,
) -> Response:
    """A small file, such as a ``.metadata``, from memory."""
    etag = f'"{digest}"'
    headers: Headers = (("etag", etag), IMMUTABLE if immutable else _REVALIDATE)
    if matches(request.headers.get("if-none-match"), etag):
        return Response(304, headers)
    headers = (*headers, ("content-type", content_type), ("content-length", str(len(body))))
    return Response(200, headers, body)


def redirect(status: int, location: str) -> Response:
    """A redirect; one that is not permanent is not to be stored, since signed links run out."""
    caching = "max-age=3600, private" if status == 301 else "no-store"
    return Response(status, (("location", location), ("cache-control", caching), _EMPTY))
