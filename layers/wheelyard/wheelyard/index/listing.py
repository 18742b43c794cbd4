"""The root listing: the names of every project that the index offers."""

from hashlib import sha256
from threading import Lock

from wheelyard.access.projects import EVERYTHING, ProjectSet
from wheelyard.index.catalogue import Catalogue
from wheelyard.index.pages import Page, compress, worth_compressing
from wheelyard.protocol.negotiation import MediaType
from wheelyard.protocol.simple import root_html, root_json


class Listing:
    """Renders the root listing, once for each set of names."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._rendered: dict[tuple[str, bool], Page] = {}
        self._digest = ""
        self._lock = Lock()

    def names(self) -> list[str]:
        """Every name on offer, sorted."""
        return list(self._catalogue.names())

    def page(self, media: MediaType, *, gzip: bool, visible: ProjectSet = EVERYTHING) -> Page:
        """The listing in one form, with those projects that are visible to who asks."""
        names = self.names()
        if not visible.everything:
            # Rendered each time: it is short, and many such would push the whole one out.
            names = visible.among(names)
            return _rendered(names, _digest(names), media, gzip=gzip)
        digest = _digest(names)
        with self._lock:
            if digest != self._digest:
                self._digest = digest
                self._rendered = {}
            key = (media.content_type, gzip)
            if key not in self._rendered:
                self._rendered[key] = _rendered(names, digest, media, gzip=gzip)
            return self._rendered[key]


def _digest(names: list[str]) -> str:
    return sha256("\n".join(names).encode()).hexdigest()[:32]


def _rendered(names: list[str], digest: str, media: MediaType, *, gzip: bool) -> Page:
    body = root_json(names) if media.form == "json" else root_html(names)
    gzipped = gzip and worth_compressing(body)
    etag = f'"{digest}-{media.form[0]}{"g" if gzipped else ""}"'
    return Page(compress(body) if gzipped else body, etag, media.content_type, gzipped)
