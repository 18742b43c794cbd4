"""Pages as they are sent: the chosen form, compressed or not, with an entity tag of its own."""

import zlib
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from wheelyard.index.documents import Document
from wheelyard.index.provenance import absolute_provenance
from wheelyard.protocol.model import Project
from wheelyard.protocol.negotiation import MediaType
from wheelyard.protocol.simple import project_html, project_json

# Part of the tags of rendered pages: to be raised when the rendering changes.
_REVISION = "1"

# Twice as fast as zlib's default, for pages larger by a twentieth: digests hardly compress.
_GZIP_LEVEL = 3


class Page(NamedTuple):
    """One representation of a page (RFC 9110, 3.2)."""

    body: bytes
    etag: str
    """Strong, and different for every form and encoding."""
    content_type: str
    gzipped: bool


def project_page(
    document: Document, media: MediaType, *, gzip: bool, index: str, links: str = ""
) -> Page:
    """The page of a project; ``links`` stands before relative file links, in HTML.

    ``index`` is the URL of the root listing as the client asked for it: attestations have absolute links.
    """
    tag = document.etag.removeprefix("W/").strip('"')
    origin, project = _origin(document, index)
    if media.form == "json":
        variant, body = f"j{origin}", document.json
        if origin:
            body = document.rendered(variant, lambda: project_json(_offered(project())))
    else:
        variant = f"h{_REVISION}{links.count('/') or ''}{origin}"
        body = document.rendered(variant, lambda: project_html(project(), links))
    if gzip:
        rendered = body
        body = document.rendered(f"{variant}g", lambda: compress(rendered))
    etag = f'"{tag}-{media.tag}{variant[1:]}{"g" if gzip else ""}"'
    return Page(body, etag, media.content_type, gzip)


def _origin(document: Document, index: str) -> tuple[str, Callable[[], Project]]:
    """What tells the pages for one origin from those for another, and the project as seen from there."""
    if not document.attested:
        return "", lambda: document.project
    # Nothing of a digest's alphabet is taken for the "g" of gzip.
    origin = f".{sha256(index.encode()).hexdigest()[:12]}"
    page = f"{index}{document.project.name}/"
    return origin, lambda: absolute_provenance(document.project, page)


def _offered(project: Project) -> Project:
    return project._replace(files=project.offered)


def compress(body: bytes) -> bytes:
    """Gzip, the same bytes for the same body."""
    return zlib.compress(body, _GZIP_LEVEL, wbits=31)
