"""Pages as they are sent: the chosen form, compressed or not, with an entity tag of its own."""

import zlib
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from wheelyard.index.documents import Document
from wheelyard.protocol.negotiation import MediaType

if TYPE_CHECKING:
    from wheelyard.protocol.model import Project

# Part of the tags of rendered pages: to be raised when the rendering changes.
_REVISION = "1"

# Twice as fast as zlib's default, for pages larger by a twentieth: digests hardly compress.
_GZIP_LEVEL = 3
# From so many bytes on ISA-L is worth its import: it packs them in a fifth of the time, and smaller.
_LARGE = 64 * 1024


class Page(NamedTuple):
    """One representation of a page (RFC 9110, 3.2), made by ``whole_page``."""

    body: bytes
    etag: str
    """Strong, and different for every form and encoding."""
    headers: tuple[tuple[str, str], ...]
    """The header fields of its answer 200."""


# A page may change at any moment, and pip (from 26.2 on) obeys any longer lifetime.
_REVALIDATED = (("cache-control", "max-age=0, private"), ("vary", "Accept, Accept-Encoding"))


def whole_page(body: bytes, etag: str, content_type: str, *, gzipped: bool) -> Page:
    """A page with the header fields that describe it."""
    headers = [
        *validators(etag),
        ("content-type", content_type),
        ("content-length", str(len(body))),
    ]
    if gzipped:
        headers.append(("content-encoding", "gzip"))
    return Page(body, etag, tuple(headers))


def validators(etag: str) -> tuple[tuple[str, str], ...]:
    """The header fields that an answer 304 has as well (RFC 9110, 15.4.5)."""
    return (("etag", etag), *_REVALIDATED)


def project_page(
    document: Document, media: MediaType, *, gzip: bool, index: str, links: str = ""
) -> Page:
    """The page of a project; ``links`` stands before relative file links, in HTML.

    ``index`` is the URL of the root listing as the client asked for it: attestations have absolute links.
    """
    if not document.attested:
        index = ""
    key = (media.content_type, gzip, index, links)
    return document.page(key, lambda: _rendered(document, media, gzip, index, links))


def _rendered(document: Document, media: MediaType, gzip: bool, index: str, links: str) -> Page:
    """The page; where ``index`` is empty it does not depend on the origin that it is asked from."""
    tag = document.etag.removeprefix("W/").strip('"')
    # Nothing of a digest's alphabet is taken for the "g" of gzip.
    origin = f".{sha256(index.encode()).hexdigest()[:12]}" if index else ""
    if media.form == "json":
        variant, body = f"j{origin}", document.json
        if origin:
            body = document.rendered(variant, lambda: _json(_seen_from(document, index)))
    else:
        variant = f"h{_REVISION}{links.count('/') or ''}{origin}"
        body = document.rendered(variant, lambda: _html(_seen_from(document, index), links))
    if gzip:
        rendered = body
        body = document.rendered(f"{variant}g", lambda: compress(rendered))
    etag = f'"{tag}-{media.tag}{variant[1:]}{"g" if gzip else ""}"'
    return whole_page(body, etag, media.content_type, gzipped=gzip)


# Most first answers of a process are a document as it is stored: nothing is imported for them that writes.


def _seen_from(document: Document, index: str) -> "Project":
    if not index:
        return document.project
    from wheelyard.index.provenance import absolute_provenance

    return absolute_provenance(document.project, f"{index}{document.project.name}/")


def _json(project: "Project") -> bytes:
    from wheelyard.protocol.simple import project_json

    return project_json(project._replace(files=project.offered))


def _html(project: "Project", links: str) -> bytes:
    from wheelyard.protocol.simple import project_html

    return project_html(project, links)


def compress(body: bytes) -> bytes:
    """Gzip: for the same body the same bytes, on the same kind of processor."""
    if len(body) >= _LARGE:
        # An answer is worth more than the milliseconds.
        with suppress(ImportError):
            from isal import isal_zlib

            return isal_zlib.compress(body, 1, wbits=31)
    return zlib.compress(body, _GZIP_LEVEL, wbits=31)
