"""Answers given a moment ago, for the same question by whoever may ask it.

On one machine most requests are for pages that were asked for before. Such an answer is given again,
without a thread or anything that could wait, if

- the credentials were verified by this process, recently, and may see the project;
- the file that the page was made of is the same as then: one look at it tells (``stat``);
- and, for an upstream project, it is not older than the process may believe the active snapshot to be.

Everything else is answered as if this did not exist.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from wheelyard.access.authentication import Authenticator
from wheelyard.entry.http import Request, Response
from wheelyard.errors import InvalidName
from wheelyard.mirror.snapshots import LOOK_AGAIN
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage import keys
from wheelyard.storage.remembered import Remembered
from wheelyard.storage.store import Store

REMEMBERED_BYTES = 32 * 1024 * 1024

# What an answer to a GET of a page depends on, besides the page and who asks.
_VARIES = ("accept", "accept-encoding", "if-none-match")

Question = tuple[str | None, ...]


class Source(NamedTuple):
    """The file that decides what a page is: which one, and the state it was in."""

    private: bool
    inode: int
    modified: int
    size: int


class Sources(NamedTuple):
    """Where a project's page may come from, and what was found there before it was answered."""

    project: ProjectName
    private: Path
    mirrored: Path
    found: Source | None

    def look(self) -> Source | None:
        """What is there now: a private project hides an upstream one."""
        return _look(self.private, private=True) or _look(self.mirrored, private=False)


def _look(path: Path, *, private: bool) -> Source | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # half the time of Path.stat
    except OSError:
        return None
    return Source(private, found.st_ino, found.st_mtime_ns, found.st_size)


class _Given(NamedTuple):
    """An answer, and as long as what it is good."""

    sources: Sources
    response: Response
    until: float

    @property
    def size(self) -> int:
        """Bytes held, roughly."""
        body = self.response.body
        return 2048 + (len(body) if isinstance(body, bytes) else 0)


class Recent:
    """Remembers the pages that were answered, where the store is a directory: others make one wait."""

    def __init__(
        self,
        store: Store,
        authenticator: Authenticator,
        clock: Callable[[], float] = time.monotonic,
        page_lifetime: float = LOOK_AGAIN,
    ) -> None:
        """``page_lifetime`` is how many seconds an upstream page may be believed that has no serial."""
        self._store = store
        self._authenticator = authenticator
        self._clock = clock
        self._mirrored_for = min(LOOK_AGAIN, page_lifetime)
        self._given: Remembered[Question, _Given] = Remembered(REMEMBERED_BYTES)

    def find(self, request: Request) -> Response | None:
        """The answer to ``request``, None if somebody has to work for it. Never waits, never raises."""
        given = self._given.get(_question(request))
        if given is None or self._clock() >= given.until:
            return None
        principal = self._authenticator.believed(request.headers.get("authorization"))
        if principal is None or not principal.may_read(given.sources.project):
            return None
        if given.sources.look() != given.sources.found:
            return None
        return given.response._replace(user=principal.username)

    def sources(self, request: Request) -> Sources | None:
        """To be taken before ``request`` is answered, None where the answer is not to be remembered."""
        name = _project(request)
        if name is None:
            return None
        private = self._store.local_path(keys.project(name))
        mirrored = self._store.local_path(keys.mirror_urls(name))
        if private is None or mirrored is None:
            return None
        sources = Sources(name, private, mirrored, None)
        return sources._replace(found=sources.look())

    def keep(self, request: Request, sources: Sources | None, response: Response) -> None:
        """Remember the answer, if it is a page."""
        if sources is None or sources.found is None or response.status not in (200, 304):
            return
        if isinstance(response.body, bytes):
            until = float("inf") if sources.found.private else self._clock() + self._mirrored_for
            self._given.keep(_question(request), _Given(sources, response, until))


def _question(request: Request) -> Question:
    headers = request.headers
    varying = (headers.get(name) for name in _VARIES)
    origin = (request.scheme, request.host, request.base)
    return (request.method, request.path, request.query, *origin, *varying)


def _project(request: Request) -> ProjectName | None:
    """The project whose page is asked for by its canonical path, None for any other request."""
    before, simple, rest = request.path.partition("/simple/")
    raw, slash, after = rest.partition("/")
    if before or after or not simple or not slash or request.method not in ("GET", "HEAD"):
        return None
    try:
        name = project_name(raw)
    except InvalidName:
        return None
    return name if name == raw else None
