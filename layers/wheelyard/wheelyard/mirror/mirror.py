"""The upstream index as this index offers it: pages, files, and what stands beside them."""

import time
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from wheelyard.errors import NotFound
from wheelyard.index.documents import Document
from wheelyard.mirror.deadline import Deadline
from wheelyard.mirror.downloads import Download
from wheelyard.mirror.files import FileElsewhere, FileLimits, Files, HandOver, StoredFile
from wheelyard.mirror.location import Locator, without_credentials
from wheelyard.mirror.once import Once
from wheelyard.mirror.pages import Pages
from wheelyard.mirror.sidecars import Sidecars
from wheelyard.mirror.snapshots import Snapshot, SnapshotEntry, Snapshots
from wheelyard.mirror.state import MirroredFile, State
from wheelyard.protocol.names import ProjectName
from wheelyard.settings import Settings
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.mirror.upstream import Upstream


class MirroredProject:
    """One upstream project, for the length of one request."""

    def __init__(
        self,
        mirror: "Mirror",
        name: ProjectName,
        state: State,
        serial: int | None,
        deadline: Deadline,
    ) -> None:
        self.name = name
        self._mirror = mirror
        self._state = state
        self._serial = serial
        self._deadline = deadline

    def document(self) -> Document:
        """The page. Raises ``UpstreamError``."""
        return self._mirror.pages.document(self.name, self._state, self._serial, self._deadline)

    def has(self, filename: str) -> bool:
        """Whether upstream lists a file of this name."""
        return filename in self._state.files

    def file(self, filename: str) -> StoredFile | FileElsewhere | Download:
        """Where a client gets a file. Raises ``NotFound`` and ``UpstreamError``."""
        return self._mirror.files.find(self.name, filename, self._listed(filename), self._deadline)

    def sidecar(self, filename: str, ending: str) -> bytes:
        """What stands beside a file, such as ``.metadata``. Raises ``NotFound`` and ``UpstreamError``."""
        file = self._listed(filename)
        return self._mirror.sidecars.find(self.name, filename, file, ending, self._deadline)

    def obtain(self, filename: str) -> None:
        """Have a file in the store. Raises ``NotFound`` and ``UpstreamError``."""
        file = self._listed(filename)
        self._mirror.files.obtain(self.name, filename, file, self._deadline)

    def _listed(self, filename: str) -> MirroredFile:
        try:
            return self._state.files[filename]
        except KeyError:
            raise NotFound(f"project {self.name!r} has no file {filename[:200]!r}") from None


class Mirror:
    """The upstream index, by way of the store.

    It knows nothing of private projects and reserved names: ``index.resolver`` asks it for no such name.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        snapshots: Snapshots,
        hand_over: HandOver | None,
        patience: float,
    ) -> None:
        """``hand_over`` is for a process that ends with its request; see ``Files``. ``patience`` is how
        many seconds one request waits for upstream in all.
        """
        chosen = settings.upstream
        self._snapshots = snapshots
        self._asks_unknown = chosen.unknown == "ask"
        self._patience = patience
        client = Once(lambda: _client(chosen.location, chosen.timeout))
        source = _source_id(chosen.location)
        # Where the address is in a secret, only asking it would tell.
        self._source = "" if chosen.location.startswith("arn:") else source
        self.pages = Pages(store, client, source, chosen.page_lifetime)
        limits = FileLimits(settings.max_file_size, chosen.redirect_size)
        projects = self.pages.stored
        self.files = Files(store, projects, client, limits, hand_over)
        self.sidecars = Sidecars(store, projects, self.files, client)

    def find(self, name: ProjectName) -> MirroredProject | None:
        """The upstream project of this name, None if there is none.

        Raises ``UpstreamError``, and ``StorageError`` where the snapshot cannot be read.
        """
        known = self._snapshots.ask(lambda snapshot: self._known(snapshot, name))
        if known is not None and known.entry is None and not self._asks_unknown:
            return None
        serial = known.entry.serial if known and known.entry else None
        deadline = Deadline(self._patience)
        state = self.pages.find(name, serial, deadline)
        return None if state is None else MirroredProject(self, name, state, serial, deadline)

    def _known(self, snapshot: Snapshot, name: ProjectName) -> "_Known | None":
        """What the snapshot says, if it is of this upstream: another one's names say nothing of it."""
        source = snapshot.manifest.source_id
        if source and self._source and source != self._source:
            return None
        return _Known(snapshot.find(name))


class _Known(NamedTuple):
    """``entry`` is None for a name that upstream does not have."""

    entry: SnapshotEntry | None


def _source_id(location: str) -> str:
    """What tells an index from another one; manifests have the same of theirs."""
    url = without_credentials(location).rstrip("/") + "/"
    return sha256(url.encode()).hexdigest()[:32]


def _client(location: str, timeout: float) -> "Upstream":
    # What this imports is slow, and a request for something stored needs none of it.
    from wheelyard.mirror.upstream import Upstream

    return Upstream(Locator(location, time.monotonic).find, timeout)
