"""Upstream files as they are served here: from the store, where the first who asks has them put."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from wheelyard.errors import TooLarge, UpstreamInvalid, UpstreamUnavailable
from wheelyard.mirror.deadline import Deadline
from wheelyard.mirror.downloads import Download, Downloads, Order
from wheelyard.mirror.state import MirroredFile
from wheelyard.mirror.stored import StoredProjects
from wheelyard.protocol.names import ProjectName
from wheelyard.storage import keys
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.mirror.upstream import Upstream

HandOver = Callable[[ProjectName, str], None]
"""Has a project's file fetched by somebody with more time."""

# Seconds that one download may take in all where nobody's patience ends it.
_LONGEST_DOWNLOAD = 6 * 3600.0
# Seconds in which the same file is not handed over again.
_HANDED_OVER = 120.0
# Seconds after which a client may ask again for a file that was handed over.
_SOON = 10


class StoredFile(NamedTuple):
    """The file is in the store; ``sha256`` where it is known.

    ``fetched`` says that it was not there before it was asked for.
    """

    key: str
    sha256: str | None
    fetched: bool = False


class FileElsewhere(NamedTuple):
    """The file is best had from upstream directly, this time."""

    url: str


class FileLimits(NamedTuple):
    """How much and how long.

    ``most``      bytes that are accepted
    ``redirect``  bytes above which a process that ends with its request sends clients to upstream at
                  first, 0 for never
    ``silence``   seconds before a client gets the bytes as they arrive: after 15 clients give up
    """

    most: int
    redirect: int
    silence: float = 5.0

    @property
    def inline(self) -> int:
        """Bytes of the largest file that is fetched while a client waits."""
        return min(self.redirect or self.most, self.most)


class Files:
    """The files of mirrored projects."""

    def __init__(
        self,
        store: Store,
        projects: StoredProjects,
        upstream: "Callable[[], Upstream]",
        limits: FileLimits,
        hand_over: HandOver | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without ``hand_over`` this process lives on after a request, and fetches by itself."""
        self._store = store
        self._projects = projects
        self._upstream = upstream
        self._limits = limits
        self._hand_over = hand_over
        self._monotonic = monotonic
        self._downloads = Downloads(store, upstream)
        self._handed_over: dict[str, float] = {}

    def find(
        self, name: ProjectName, filename: str, file: MirroredFile, deadline: Deadline
    ) -> StoredFile | FileElsewhere | Download:
        """Where a client gets the file: the store, upstream, or a download that takes its time.

        Raises ``UpstreamError``.
        """
        key = keys.mirror_file(name, filename)
        if self._store.exists(key):
            return StoredFile(key, file.hashes.get("sha256"))
        if self._hand_over is not None:
            return self._in_time(name, filename, file, deadline, self._hand_over)
        download = self._start(name, filename, file, Deadline(_LONGEST_DOWNLOAD), self._limits.most)
        if not _over(download, self._limits.silence):
            if download.total is not None:
                return download
            # Nobody knows how long it is, so nobody could tell a whole file from a part.
            if not _over(download, deadline.remaining()):
                raise _on_its_way(filename)
        return StoredFile(key, download.sha256, fetched=True)

    def obtain(
        self, name: ProjectName, filename: str, file: MirroredFile, deadline: Deadline
    ) -> str:
        """The key of the file, once it is stored. Raises ``UpstreamError``."""
        key = keys.mirror_file(name, filename)
        if not self._store.exists(key):
            # Where the process lives on, the download does, and is there for the next who asks.
            until = Deadline(_LONGEST_DOWNLOAD) if self._hand_over is None else deadline
            download = self._start(name, filename, file, until, self._limits.most)
            if not _over(download, deadline.remaining()):
                raise _on_its_way(filename)
        return key

    def _in_time(
        self,
        name: ProjectName,
        filename: str,
        file: MirroredFile,
        deadline: Deadline,
        hand_over: HandOver,
    ) -> StoredFile | FileElsewhere:
        """Within one request, what this process can fetch, and the rest by somebody else."""
        if not self._is_large(file.size):
            download = self._start(name, filename, file, deadline, self._limits.inline)
            try:
                if download.wait(deadline.remaining()):
                    key = keys.mirror_file(name, filename)
                    return StoredFile(key, download.sha256, fetched=True)
            except TooLarge as error:
                if self._limits.inline == self._limits.most:
                    raise UpstreamInvalid(str(error)) from error
            except UpstreamUnavailable:
                if _has_time(deadline):
                    raise
        key = keys.mirror_file(name, filename)
        now = self._monotonic()
        if now - self._handed_over.get(key, float("-inf")) > _HANDED_OVER:
            self._handed_over[key] = now
            hand_over(name, filename)
        if not self._limits.redirect or self._needs_credentials(file):
            raise UpstreamUnavailable(
                f"{filename!r} is large and being fetched from upstream: it will be here soon",
                _SOON,
            )
        return FileElsewhere(file.url)

    def _start(
        self, name: ProjectName, filename: str, file: MirroredFile, deadline: Deadline, most: int
    ) -> Download:
        def record(sha256: str) -> None:
            if "sha256" not in file.hashes:
                self._record(name, filename, sha256)

        order = Order(keys.mirror_file(name, filename), filename, file, most, record)
        return self._downloads.join(order, deadline)

    def _record(self, name: ProjectName, filename: str, sha256: str) -> None:
        """From now on the file has this digest, on its page too."""

        def pinned(file: MirroredFile) -> MirroredFile:
            return file._replace(hashes={**file.hashes, "sha256": sha256})

        self._projects.amend(name, filename, pinned)

    def _is_large(self, size: int | None) -> bool:
        return 0 < self._limits.redirect < (size or 0)

    def _needs_credentials(self, file: MirroredFile) -> bool:
        return self._upstream().locate().authorization_for(file.url) is not None


def _over(download: Download, seconds: float) -> bool:
    """``Download.wait``, with a file that is too large being upstream's fault."""
    try:
        return download.wait(seconds)
    except TooLarge as error:
        raise UpstreamInvalid(str(error)) from error


def _on_its_way(filename: str) -> UpstreamUnavailable:
    return UpstreamUnavailable(f"{filename!r} is being fetched from upstream", _SOON)


def _has_time(deadline: Deadline) -> bool:
    try:
        return deadline.remaining() > 0
    except UpstreamUnavailable:
        return False
