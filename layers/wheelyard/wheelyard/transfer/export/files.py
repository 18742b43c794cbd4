"""Which files belong to an export, and what is under each key."""

from collections.abc import Iterator
from typing import NamedTuple

from wheelyard.errors import InvalidFilename, KeyNotFound
from wheelyard.protocol.filenames import parse_filename
from wheelyard.protocol.model import File, Project
from wheelyard.storage import keys
from wheelyard.storage.store import Store
from wheelyard.transfer.places import Described

# What lies under a filename never changes, so whoever has it may keep it.
_KEPT = "public, max-age=31536000, immutable"
_TYPES = {
    ".metadata": "application/octet-stream",
    ".asc": "application/pgp-signature",
    ".provenance": "application/vnd.pypi.integrity.v1+json",
}


class Wanted(NamedTuple):
    """An object of the store that an export has under a key of its own.

    ``digest``  tells this content from another; ``sha256`` is the content's own, where it is known
    ``listed``  the key of the listed file that it is, or that it belongs to
    """

    key: str
    source: str
    digest: str
    sha256: str
    listed: str
    described: Described


class Unfit(NamedTuple):
    """A listed file that cannot be exported, and why."""

    key: str
    reason: str


def files_of(store: Store, project: Project) -> Iterator[Wanted | Unfit]:
    """What a project's page promises: its files, and what stands beside them."""
    for file in project.offered:
        try:
            yield from _with_sidecars(store, project, file)
        except InvalidFilename as error:
            yield Unfit(f"{project.name}/{file.filename[:200]}", str(error))
        except KeyNotFound:
            yield Unfit(f"{project.name}/{file.filename}", "it is listed, but gone from the store")


def _with_sidecars(store: Store, project: Project, file: File) -> Iterator[Wanted]:
    parse_filename(
        file.filename, legacy=True
    )  # or it would not be a key, if somebody edited the page
    sha256 = file.hashes.get("sha256", "")
    yield _wanted(store, project, file, "", sha256)
    if file.core_metadata:
        known = file.core_metadata
        digest = "" if isinstance(known, bool) else known.get("sha256", "")
        yield _wanted(store, project, file, ".metadata", digest)
    if file.gpg_sig:
        yield _wanted(store, project, file, ".asc", "")
    if file.provenance is not None:
        yield _wanted(store, project, file, ".provenance", "")


def _wanted(store: Store, project: Project, file: File, ending: str, sha256: str) -> Wanted:
    source = keys.package(project.name, file.filename + ending)
    return Wanted(
        key=f"{project.name}/{file.filename}{ending}",
        source=source,
        # What has no digest on the page costs a look at the store.
        digest=f"sha256:{sha256}" if sha256 else f"etag:{store.head(source).etag}",
        sha256=sha256,
        listed=f"{project.name}/{file.filename}",
        described=Described(
            _TYPES.get(ending, "application/octet-stream"),
            "max-age=0" if ending == ".provenance" else _KEPT,
        ),
    )
