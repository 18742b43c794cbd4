"""What a reader can ask for: the root listing, a project's page, its files, the JSON API."""

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

from wheelyard.access.projects import EVERYTHING, ProjectSet
from wheelyard.entry.conditional import matches
from wheelyard.entry.files import redirect
from wheelyard.entry.http import Request, Response
from wheelyard.entry.private import private_file, private_sidecar
from wheelyard.errors import InvalidName, NotFound
from wheelyard.index.documents import Document
from wheelyard.index.pages import Page, compress, project_page, validators, whole_page
from wheelyard.index.resolver import Elsewhere, Resolver
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.protocol.negotiation import MediaType, accepts_gzip, media_type
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.index.listing import Listing
    from wheelyard.mirror.manifest import StoredListing
    from wheelyard.mirror.mirror import MirroredProject

_HTML = MediaType("html", "text/html; charset=utf-8")


class Reader:
    """Answers the GET and HEAD requests below ``/simple/`` and ``/pypi/``.

    Every method raises ``NotFound`` for what is not there, ``NotAcceptable``, and ``UpstreamError``.
    """

    def __init__(self, store: Store, resolver: Resolver, listing: "Callable[[], Listing]") -> None:
        """``listing`` gives the root listing, which few of a process's first requests are for."""
        self._store = store
        self._resolver = resolver
        self._listing = listing

    def root(self, request: Request, visible: ProjectSet = EVERYTHING) -> Response:
        """``/simple/``, with those projects that are visible to who asks."""
        media, gzip, index = wanted_media(request), wants_gzip(request), _index_url(request)
        listing = self._listing()

        def send(stored: "StoredListing") -> Response:
            from wheelyard.entry.roots import listing_response

            return listing_response(self._store, stored, media, request, gzip=gzip, index=index)

        answer = listing.stored(media, send) if visible.everything else None
        if answer is not None:
            return answer
        page = listing.page(media, gzip=gzip, visible=visible)
        if _too_large(page, request):
            from wheelyard.index.oversize import Oversize

            names = listing.names(visible)
            link = Oversize(self._store).root(names, media, index, request.method)
            if link is not None:
                return redirect(302, link)
        return page_response(page, request)

    def project(self, request: Request, raw_name: str, slash: str) -> Response:
        """``/simple/<project>/``; without the slash, or by another spelling, a redirect there."""
        name = _name(raw_name)
        if name != raw_name or not slash:
            up = "../" if slash else ""
            return redirect(301, f"{up}{name}/{query_of(request)}")
        found = self._resolver.find(name)
        if isinstance(found, Elsewhere):
            return redirect(302, found.url + query_of(request))
        document = found if isinstance(found, Document) else found.document()
        media = wanted_media(request)
        page = project_page(document, media, gzip=wants_gzip(request), index=_index_url(request))
        return self._project_response(page, document, media, request)

    def _project_response(
        self, page: Page, document: Document, media: MediaType, request: Request
    ) -> Response:
        if _too_large(page, request):
            from wheelyard.index.oversize import Oversize
            from wheelyard.index.provenance import absolute_provenance

            index = _index_url(request)
            absolute = absolute_provenance(document.project, f"{index}{document.project.name}/")
            link = Oversize(self._store).project(absolute, media, index, request.method)
            if link is not None:
                return redirect(302, link)
        return page_response(page, request)

    def existing(self, request: Request, raw_name: str) -> Response:
        """``/+simple/<project>/``, below any path that takes uploads: always HTML, as hatch reads it.

        What upstream has under this name was not uploaded here.
        """
        document = self._resolver.private(_name(raw_name))
        up = "../" * (request.path.rstrip("/").count("/"))
        links = f"{up}simple/{document.project.name}/"
        index = _index_url(request)
        page = project_page(document, _HTML, gzip=wants_gzip(request), index=index, links=links)
        return self._project_response(page, document, _HTML, request)

    def file(self, request: Request, raw_name: str, filename: str) -> Response:
        """``/simple/<project>/<filename>``, and what stands beside it, such as ``.metadata``."""
        name = _name(raw_name)
        if name != raw_name:
            return redirect(301, f"../{name}/{quoted(filename)}{query_of(request)}")
        found = self._resolver.find(name)
        if isinstance(found, Document):
            return private_file(self._store, name, found, filename, request)
        if isinstance(found, Elsewhere):
            raise NotFound(f"the files of {name!r} are not here")
        from wheelyard.entry.mirrored import mirrored_file

        return mirrored_file(self._store, found, filename, request)

    def json_api(self, request: Request, raw_name: str, version: str | None) -> Response:
        """``/pypi/<project>/json`` and ``/pypi/<project>/<version>/json``."""
        # The packaging library is needed for this alone.
        from wheelyard.index.release_json import release_json

        name = _name(raw_name)
        if name != raw_name:
            rest = f"{quoted(version)}/json" if version else "json"
            up = "../../" if version else "../"
            return redirect(301, f"{up}{name}/{rest}{query_of(request)}")
        found = self._resolver.find(name)
        if isinstance(found, Elsewhere):
            raise NotFound(f"the releases of {name!r} are not here")
        document, read = self._described(name, found)
        body = document.rendered(
            f"api {version or ''}", lambda: release_json(document.project, version, read)
        )
        gzip = wants_gzip(request)
        etag = f'"{sha256(body).hexdigest()[:32]}{"g" if gzip else ""}"'
        sent = compress(body) if gzip else body
        page = whole_page(sent, etag, "application/json", gzipped=gzip)
        return page_response(page, request)

    def _described(
        self, name: ProjectName, found: "Document | MirroredProject"
    ) -> tuple[Document, Callable[[str], bytes]]:
        """The document, and what reads the core metadata of one of its files."""
        if isinstance(found, Document):
            return found, lambda filename: private_sidecar(self._store, name, filename, ".metadata")
        return found.document(), lambda filename: found.sidecar(filename, ".metadata")


def _name(raw: str) -> ProjectName:
    try:
        return project_name(raw)
    except InvalidName as error:
        raise NotFound(str(error)) from error


def quoted(segment: str) -> str:
    """A segment of a path, as a location has it."""
    from urllib.parse import quote

    return quote(segment, safe="+!")


def wanted_media(request: Request) -> MediaType:
    """The form that a page is to have. Raises ``NotAcceptable``."""
    return media_type(request.headers.get("accept"), _requested_format(request.query))


def _requested_format(query: str) -> str | None:
    if not query:
        return None
    # Slow to import, and no installer sends a query.
    from urllib.parse import parse_qs

    formats = parse_qs(query).get("format")
    return formats[-1] if formats else None


def wants_gzip(request: Request) -> bool:
    """Whether a page may be compressed."""
    return accepts_gzip(request.headers.get("accept-encoding"))


def query_of(request: Request) -> str:
    """The query that a redirect takes along, with its ``?``."""
    return f"?{request.query}" if request.query else ""


def _index_url(request: Request) -> str:
    return f"{request.scheme}://{request.host}{request.base}/simple/"


def _too_large(page: Page, request: Request) -> bool:
    return request.limit is not None and len(page.body) > request.limit


def page_response(page: Page, request: Request) -> Response:
    """A page as it is sent, or that it is the one that the client has."""
    if matches(request.headers.get("if-none-match"), page.etag):
        return Response(304, validators(page.etag))
    return Response(200, page.headers, page.body)
