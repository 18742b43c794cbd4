"""Sending a root listing that is stored: a file's bytes, an object's, or a link to where they are."""

from collections.abc import Iterable
from itertools import chain

from wheelyard.entry.conditional import matches
from wheelyard.entry.files import redirect
from wheelyard.entry.http import FileBody, Headers, Request, Response
from wheelyard.index.oversize import Oversize
from wheelyard.mirror.manifest import StoredListing
from wheelyard.protocol.negotiation import MediaType
from wheelyard.storage import keys
from wheelyard.storage.store import Store

_REVALIDATE = ("cache-control", "max-age=0, private")


def listing_response(
    store: Store,
    listing: StoredListing,
    media: MediaType,
    request: Request,
    *,
    gzip: bool,
    index: str,
) -> Response:
    """The listing as it is stored; nothing of it is parsed or rendered.

    ``index`` is the URL of the root listing. Where the way back cannot carry it, a redirect. Raises
    ``KeyNotFound`` for a listing that is swept.
    """
    size = listing.gzip_size if gzip else listing.size
    if request.limit is not None and size > request.limit:
        link = Oversize(store).stored_listing(listing, media, index, request.method, gzip=gzip)
        if link is not None:
            return redirect(302, link)
    etag = f'"{listing.digest}-{media.tag}{"g" if gzip else ""}"'
    headers: Headers = (("etag", etag), _REVALIDATE, ("vary", "Accept, Accept-Encoding"))
    if matches(request.headers.get("if-none-match"), etag):
        return Response(304, headers)
    if gzip:
        headers = (*headers, ("content-encoding", "gzip"))
    headers = (*headers, ("content-type", media.content_type), ("content-length", str(size)))
    if request.method == "HEAD":
        return Response(200, headers)
    return Response(200, headers, _body(store, listing, media, size, gzip=gzip))


def _body(
    store: Store, listing: StoredListing, media: MediaType, size: int, *, gzip: bool
) -> FileBody | Iterable[bytes]:
    key = keys.listing(listing.digest, f"{media.form}.gz" if gzip else media.form)
    path = store.local_path(key)
    if path is not None:
        store.head(key)
        return FileBody(path, 0, size)
    chunks = iter(store.read(key))
    # Read before the headers are sent, since it may not be there.
    return chain((next(chunks, b""),), chunks)
