"""The files of an upstream project, and what stands beside them."""

from hashlib import sha256

from wheelyard.entry.files import (
    FILE_TYPE,
    IMMUTABLE,
    SIDECARS,
    bytes_response,
    count_download,
    file_response,
    redirect,
)
from wheelyard.entry.http import Headers, Request, Response
from wheelyard.errors import NotFound
from wheelyard.mirror.files import FileElsewhere, StoredFile
from wheelyard.mirror.mirror import MirroredProject
from wheelyard.storage.store import Store


def mirrored_file(
    store: Store, project: MirroredProject, filename: str, request: Request
) -> Response:
    """A file of the project, or its ``.metadata``, ``.asc`` or ``.provenance``.

    Raises ``NotFound`` and ``UpstreamError``.
    """
    if project.has(filename):
        return _file(store, project, filename, request)
    stem, dot, ending = filename.rpartition(".")
    if not project.has(stem) or dot + ending not in SIDECARS:
        raise NotFound(f"project {project.name!r} has no file {filename[:200]!r}")
    body = project.sidecar(stem, dot + ending)
    digest = sha256(body).hexdigest()
    return bytes_response(body, digest, request, SIDECARS[dot + ending], ending == "metadata")


def _file(store: Store, project: MirroredProject, filename: str, request: Request) -> Response:
    found = project.file(filename)
    if request.method == "GET":
        is_hit = isinstance(found, StoredFile) and not found.fetched
        count_download(private=False, fetched=not is_hit)
    if isinstance(found, StoredFile):
        return file_response(store, found.key, found.sha256, request)
    if isinstance(found, FileElsewhere):
        return redirect(302, found.url)
    # It arrives too slowly to be waited for in silence. No ranges yet: they are the client's wish only.
    headers: Headers = (IMMUTABLE, FILE_TYPE, ("content-length", str(found.total)))
    return Response(200, headers, found.follow())
