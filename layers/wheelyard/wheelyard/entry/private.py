"""The files of a private project, and what stands beside them."""

from hashlib import sha256
from typing import TYPE_CHECKING

from wheelyard.entry.files import SIDECARS, bytes_response, count_download, file_response
from wheelyard.entry.http import Request, Response
from wheelyard.errors import KeyNotFound, NotFound
from wheelyard.index.documents import Document
from wheelyard.protocol.names import ProjectName
from wheelyard.storage import keys
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.protocol.model import File


def private_file(
    store: Store, name: ProjectName, document: Document, filename: str, request: Request
) -> Response:
    """A file of the project, or its ``.metadata``, ``.asc`` or ``.provenance``. Raises ``NotFound``."""
    files = document.files
    if filename in files:
        if request.method == "GET":
            count_download(private=True)
        digest = files[filename].hashes.get("sha256")
        return file_response(store, keys.package(name, filename), digest, request)
    stem, dot, ending = filename.rpartition(".")
    described = files.get(stem)
    if described is None or not _has(described, ending):
        raise NotFound(f"project {name!r} has no file {filename[:200]!r}")
    body = private_sidecar(store, name, stem, dot + ending)
    # A file's bytes never change, but attestations can be added to.
    immutable = ending == "metadata"
    digest = sha256(body).hexdigest()
    return bytes_response(body, digest, request, SIDECARS[dot + ending], immutable)


def private_sidecar(store: Store, name: ProjectName, filename: str, ending: str) -> bytes:
    """What is stored beside a file. Raises ``NotFound``."""
    try:
        return store.get(keys.package(name, filename + ending)).body
    except KeyNotFound as error:
        raise NotFound(f"the {ending} of {filename!r} is gone from the store") from error


def _has(file: "File", ending: str) -> bool:
    """Whether the page promises what stands beside a file under this ending."""
    if ending == "metadata":
        return bool(file.core_metadata)
    if ending == "asc":
        return bool(file.gpg_sig)
    return ending == "provenance" and file.provenance is not None
