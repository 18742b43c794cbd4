"""Pages that the way back cannot carry: stored, and fetched from the store by a presigned link.

Lambda's answers end at 6 MB. A page read from elsewhere cannot have relative links, so the stored one
has absolute ones, formed from the request's own origin.
"""

from hashlib import sha256

from wheelyard.index.pages import compress
from wheelyard.mirror.manifest import StoredListing
from wheelyard.protocol.model import Project
from wheelyard.protocol.negotiation import MediaType
from wheelyard.protocol.simple import project_html, project_json, root_html, root_json, with_base
from wheelyard.storage import keys
from wheelyard.storage.store import Store


class Oversize:
    """Offers large pages by way of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def project(self, project: Project, media: MediaType, index: str, method: str) -> str | None:
        """A link to the project's page; ``index`` is the URL of the root listing.

        None where the store cannot give links.
        """
        absolute = project._replace(
            files=tuple(
                file
                if "://" in file.url
                else file._replace(url=f"{index}{project.name}/{file.url}")
                for file in project.offered
            )
        )
        body = project_json(absolute) if media.form == "json" else project_html(absolute)
        return self._store_page(body, media, method)

    def root(self, names: list[str], media: MediaType, index: str, method: str) -> str | None:
        """A link to the root listing."""
        body = root_json(names) if media.form == "json" else root_html(names, index)
        return self._store_page(body, media, method)

    def stored_listing(
        self, listing: StoredListing, media: MediaType, index: str, method: str, *, gzip: bool
    ) -> str | None:
        """A link to a snapshot's root listing, which is not made again for it.

        JSON has no links in it and is offered as it is. HTML gets a base in front of its links, once for
        each origin and snapshot. Raises ``KeyNotFound`` for a listing that is swept.
        """
        ending = f"{media.form}.gz" if gzip else media.form
        if media.form == "json":
            key = keys.listing(listing.digest, ending)
            link = self._store.download_url(key, method)
            if link is not None:
                self._store.head(key)
            return link
        key = keys.oversize(sha256(f"{listing.digest} {index}".encode()).hexdigest(), ending)
        link = self._store.download_url(key, method)
        if link is not None and not self._store.exists(key):
            page = self._store.get(keys.listing(listing.digest, media.form)).body
            page = with_base(page, index)
            self._store.put(
                key,
                compress(page) if gzip else page,
                media.content_type,
                "gzip" if gzip else None,
            )
        return link

    def _store_page(self, body: bytes, media: MediaType, method: str) -> str | None:
        key = keys.oversize(sha256(body).hexdigest(), media.form)
        link = self._store.download_url(key, method)
        if link is not None:
            self._store.put(key, body, media.content_type)
        return link
