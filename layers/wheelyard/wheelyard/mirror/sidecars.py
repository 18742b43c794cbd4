"""What stands beside an upstream file: ``.metadata``, ``.asc``, ``.provenance``.

Every wheel has a ``.metadata`` here: upstream's where upstream has one, and otherwise the wheel's own
METADATA, read from the wheel by range requests.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from wheelyard.errors import (
    InvalidArchive,
    KeyExists,
    KeyNotFound,
    NotFound,
    TooLarge,
    UpstreamError,
    UpstreamInvalid,
    UpstreamMismatch,
    UpstreamUnavailable,
)
from wheelyard.mirror.deadline import Deadline
from wheelyard.mirror.files import Files
from wheelyard.mirror.flights import Flights
from wheelyard.mirror.state import MirroredFile
from wheelyard.mirror.stored import StoredProjects
from wheelyard.protocol.names import ProjectName
from wheelyard.storage import keys
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.mirror.upstream import Upstream

_logger = logging.getLogger(__name__)

_MOST = 16 * 1024 * 1024


class Sidecars:
    """The small files beside the files of mirrored projects."""

    def __init__(
        self,
        store: Store,
        projects: StoredProjects,
        files: Files,
        upstream: "Callable[[], Upstream]",
    ) -> None:
        self._store = store
        self._projects = projects
        self._files = files
        self._upstream = upstream
        self._flights: Flights[bytes] = Flights()

    def find(
        self, name: ProjectName, filename: str, file: MirroredFile, ending: str, deadline: Deadline
    ) -> bytes:
        """The bytes of ``<filename><ending>``; ``ending`` is ``.metadata``, ``.asc`` or ``.provenance``.

        Raises ``NotFound``, and ``UpstreamError`` where upstream fails and nothing is stored.
        """
        if not _is_promised(filename, file, ending):
            raise NotFound(f"project {name!r} has no {ending} of {filename[:200]!r}")
        key = keys.mirror_file(name, filename + ending)
        digests = _digests(file, ending)
        stored = self._stored(key)
        if stored is not None and _mismatch(stored, digests) is None:
            return stored

        def work() -> bytes:
            if ending == ".metadata":
                body = self._metadata(name, filename, file, deadline)
            else:
                url = file.provenance if ending == ".provenance" else beside(file.url, ending)
                body = self._fetch(url or "", deadline)
            self._keep(key, body, stored)
            return body

        return self._flights.join(key, work)

    def _stored(self, key: str) -> bytes | None:
        try:
            return self._store.get(key).body
        except KeyNotFound:
            return None

    def _keep(self, key: str, body: bytes, stored: bytes | None) -> None:
        if stored is not None:  # but not what the page promises
            self._store.put(key, body)
            return
        try:
            self._store.create(key, body)
        except KeyExists:
            return

    def _fetch(self, url: str, deadline: Deadline) -> bytes:
        """Raises ``NotFound`` where upstream says so."""
        from wheelyard.mirror.upstream import require

        with self._upstream().get(url, {}, deadline) as answer:
            if answer.status in (404, 410):
                raise NotFound("upstream announces it and does not have it")
            try:
                return require(answer, 200).body(_MOST)
            except TooLarge as error:
                raise UpstreamInvalid("upstream's answer is too large") from error

    # --- metadata ---

    def _metadata(
        self, name: ProjectName, filename: str, file: MirroredFile, deadline: Deadline
    ) -> bytes:
        if file.metadata:
            found = self._announced(filename, file, deadline)
            if found is not None:
                return found
        if not filename.endswith(".whl"):
            raise UpstreamInvalid(f"upstream's metadata of {filename!r} is not what it announces")
        try:
            body = self._from_wheel(name, filename, file, deadline)
        except InvalidArchive as error:
            _logger.warning("%s is served without metadata: %s", filename, error)
            self._projects.amend(name, filename, lambda known: known._replace(unreadable=True))
            raise NotFound(f"{filename!r} has no metadata that can be read") from error
        _require(body, _digests(file, ".metadata"), f"{filename}.metadata")
        return body

    def _announced(self, filename: str, file: MirroredFile, deadline: Deadline) -> bytes | None:
        """Upstream's own, None where it is not there or not the one that is announced."""
        try:
            body = self._fetch(beside(file.url, ".metadata"), deadline)
            _require(body, _digests(file, ".metadata"), f"{filename}.metadata")
        except UpstreamUnavailable:
            raise
        except (NotFound, UpstreamError) as error:
            _logger.warning("the metadata of %s is read from the wheel: %s", filename, error)
            return None
        return body

    def _from_wheel(
        self, name: ProjectName, filename: str, file: MirroredFile, deadline: Deadline
    ) -> bytes:
        from wheelyard.mirror.ranges import RangesRefused, StoredParts, UpstreamParts
        from wheelyard.mirror.wheel_metadata import wheel_metadata

        key = keys.mirror_file(name, filename)
        try:
            return wheel_metadata(StoredParts(self._store, key), filename)
        except KeyNotFound:
            pass
        try:
            parts = UpstreamParts(self._upstream(), file.url, deadline)
            return wheel_metadata(parts, filename)
        except RangesRefused:
            self._files.obtain(name, filename, file, deadline)
            return wheel_metadata(StoredParts(self._store, key), filename)


def beside(url: str, ending: str) -> str:
    """The URL of what stands beside a file (PEP 658), any query kept at its end."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path + ending))


def _is_promised(filename: str, file: MirroredFile, ending: str) -> bool:
    if ending == ".metadata":
        return not file.unreadable and (filename.endswith(".whl") or bool(file.metadata))
    return file.signed if ending == ".asc" else file.provenance is not None


def _digests(file: MirroredFile, ending: str) -> Mapping[str, str]:
    if ending == ".metadata" and isinstance(file.metadata, Mapping):
        return file.metadata
    return {}


def _mismatch(body: bytes, digests: Mapping[str, str]) -> tuple[str, str] | None:
    """The name and value of the first digest that the bytes do not have."""
    for name, promised in digests.items():
        found = hashlib.new(name, body).hexdigest()
        if found != promised:
            return name, found
    return None


def _require(body: bytes, digests: Mapping[str, str], filename: str) -> None:
    mismatch = _mismatch(body, digests)
    if mismatch is not None:
        name, found = mismatch
        raise UpstreamMismatch(
            f"{filename!r} has the {name} {found} at upstream, but its page there promises "
            f"{digests[name]}: nothing was stored"
        )
