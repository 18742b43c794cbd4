"""Pages that the way back cannot carry: stored, and fetched from the store by a presigned link.

Lambda's answers end at 6 MB. A page read from elsewhere cannot have relative links, so the stored one
has absolute ones, formed from the request's own origin.
"""

from hashlib import sha256

from wheelyard.protocol.model import Project
from wheelyard.protocol.negotiation import MediaType
from wheelyard.protocol.simple import project_html, project_json, root_html, root_json
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

    def _store_page(self, body: bytes, media: MediaType, method: str) -> str | None:
        key = keys.oversize(sha256(body).hexdigest(), media.form)
        if self._store.download_url(key, method) is None:
            return None
        self._store.put(key, body, media.content_type)
        return self._store.download_url(key, method)
