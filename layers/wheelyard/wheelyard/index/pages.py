"""Pages as they are sent: the chosen form, compressed or not, with an entity tag of its own."""

import zlib
from typing import NamedTuple

from wheelyard.index.documents import Document
from wheelyard.protocol.negotiation import MediaType
from wheelyard.protocol.simple import project_html

# Part of the tags of rendered pages: to be raised when the rendering changes.
_REVISION = "1"

# Below this, compressing saves no packet.
_WORTH_COMPRESSING = 1024
# Twice as fast as zlib's default, for pages larger by a twentieth: digests hardly compress.
_GZIP_LEVEL = 3


class Page(NamedTuple):
    """One representation of a page (RFC 9110, 3.2)."""

    body: bytes
    etag: str
    """Strong, and different for every form and encoding."""
    content_type: str
    gzipped: bool


def project_page(document: Document, media: MediaType, *, gzip: bool, links: str = "") -> Page:
    """The page of a project; ``links`` stands before relative file links, in HTML."""
    tag = document.etag.removeprefix("W/").strip('"')
    if media.form == "json":
        variant, body = "j", document.json
    else:
        variant = f"h{_REVISION}{links.count('/') or ''}"
        body = document.rendered(variant, lambda: project_html(document.project, links))
    if gzip and worth_compressing(body):
        variant += "g"
        body = document.rendered(variant, lambda: compress(body))
    return Page(body, f'"{tag}-{variant}"', media.content_type, variant.endswith("g"))


def worth_compressing(body: bytes) -> bool:
    """Whether gzip would save a packet."""
    return len(body) >= _WORTH_COMPRESSING


def compress(body: bytes) -> bytes:
    """Gzip, the same bytes for the same body."""
    return zlib.compress(body, _GZIP_LEVEL, wbits=31)
