"""Answers given a moment ago, for the same question by whoever may ask it.

On one machine most requests are for what was asked for before: a page, a file, what stands beside a file,
a project that is not here, or the root. Such an answer is given again, without a thread or anything that
could wait, if

- the credentials were verified by this process, recently, and may see the project;
- the files that it was made of are the same as then: a look at them tells (``stat``);
- and, unless the project is private, it is not older than the process may believe the active snapshot.

Everything else is answered as if this did not exist.
"""

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from wheelyard.access.authentication import Authenticator
from wheelyard.access.principal import Principal
from wheelyard.entry.files import count_download
from wheelyard.entry.http import FileBody, Request, Response
from wheelyard.errors import InvalidName, StorageError
from wheelyard.mirror.snapshots import LOOK_AGAIN
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage import keys
from wheelyard.storage.remembered import Remembered
from wheelyard.storage.store import Store

REMEMBERED_BYTES = 32 * 1024 * 1024

LONGEST_QUESTION = 4096
"""Characters of what is asked for and of the headers that count; what clients send is far shorter."""

LARGEST_READ = 128 * 1024
"""Bytes of a file that is read here and now; the kernel sends a larger one."""

# Nanoseconds. A folder's time is that of a clock that ticks, and of two changes within a tick the second
# cannot be told from the first: what is to be recognised by it has to be older than any tick.
_SETTLED = 2_000_000_000

_ROOT = "/simple/"

# What an answer to a GET depends on, besides what is asked for and who asks.
_VARIES = ("accept", "accept-encoding", "if-none-match", "range", "if-range")

Question = tuple[str | None, ...]


class State(NamedTuple):
    """What tells a file from what it was before. See ``storage.directory``."""

    inode: int
    modified: int
    size: int


class Place(NamedTuple):
    """Where a project may come from: the file that decides what is offered, and the one asked for."""

    private: bool
    document: str
    content: str | None


class Source(NamedTuple):
    """What an answer is made of: the state of the files of one place."""

    private: bool
    document: State
    content: State | None


class Sources(NamedTuple):
    """Where an answer may come from, and what was found there before it was given."""

    project: ProjectName | None
    """None where the root is asked for."""
    filename: str
    """Empty where a page is asked for."""
    places: tuple[Place, ...]
    found: Source | None


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
    """Remembers what was answered, where the store is a directory: others make one wait."""

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
        """The answer to ``request``, None if somebody has to work for it. Never waits, never raises.

        A file is given in bytes if it is small, and in the system's memory, so that no disk is asked.
        """
        given = self._given.get(_question(request))
        if given is None or self._clock() >= given.until:
            return None
        sources, response = given.sources, given.response
        principal = self._reader(request, sources.project)
        if principal is None:
            return None
        if look(sources.places) != sources.found:
            return None
        body = response.body
        if isinstance(body, FileBody):
            count_download(private=sources.found is not None and sources.found.private)
            body = _in_memory(body) or body
        return Response(
            response.status, response.headers, body, principal.username, response.reason
        )

    def sources(self, request: Request) -> Sources | None:
        """To be taken before ``request`` is answered, None where the answer is not to be remembered.

        Nothing is looked at for who may not see it, or is not known yet.
        """
        if request.path == _ROOT:
            return self._of_root() if self._reader(request, None) else None
        asked = _asked(request)
        if asked is None or self._reader(request, asked[0]) is None:
            return None
        name, filename = asked
        try:
            places = (
                self._place(keys.project(name), keys.package(name, filename), private=True),
                self._place(
                    keys.mirror_urls(name), keys.mirror_file(name, filename), private=False
                ),
            )
        except StorageError:  # no file has such a name
            return None
        known = tuple(place for place in places if place is not None)
        return Sources(name, filename, known, look(known)) if known else None

    def _of_root(self) -> Sources | None:
        folder = self._store.local_path(keys.CATALOGUE.rstrip("/"))
        if folder is None:
            return None
        # Every change of a bucket is a rename into the folder.
        places = (Place(False, str(folder), None),)
        found = look(places)
        if found is None or time.time_ns() - found.document.modified < _SETTLED:
            return None
        return Sources(None, "", places, found)

    def _place(self, document: str, content: str, *, private: bool) -> Place | None:
        found = self._store.local_path(document)
        if found is None:
            return None
        file = None if content.endswith("/") else self._store.local_path(content)
        return Place(private, str(found), str(file) if file else None)

    def keep(self, request: Request, sources: Sources | None, response: Response) -> None:
        """Remember the answer, if it is one that can be given again."""
        if sources is None or not isinstance(response.body, bytes | FileBody):
            return
        found = sources.found
        if sources.project is None:  # a stored one may be swept meanwhile
            kept = response.status in (200, 304) and isinstance(response.body, bytes)
        elif response.status == 404:
            kept = True
        elif sources.filename:
            kept = response.status == 200 and found is not None and found.content is not None
        else:
            kept = response.status in (200, 304) and found is not None
        question = _question(request)
        if kept and sum(len(part or "") for part in question) <= LONGEST_QUESTION:
            private = found is not None and found.private
            until = float("inf") if private else self._clock() + self._mirrored_for
            self._given.keep(question, _Given(sources, response, until))

    def _reader(self, request: Request, project: ProjectName | None) -> Principal | None:
        """Who asks, if the project, or where it is None everything, is visible to them."""
        principal = self._authenticator.believed(request.headers.get("authorization"))
        if principal is None:
            return None
        sees = principal.reads_everything if project is None else principal.may_read(project)
        return principal if sees else None


def look(places: tuple[Place, ...]) -> Source | None:
    """What is there now: a private project, which comes first, hides an upstream one."""
    for private, document, content in places:
        state = _state(document)
        if state is not None:
            return Source(private, state, _state(content) if content else None)
    return None


def _state(path: str) -> State | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # half the time of Path.stat
    except (OSError, ValueError):  # ValueError: the file system's encoding has no such name
        return None
    return State(found.st_ino, found.st_mtime_ns, found.st_size)


def _in_memory(body: FileBody) -> bytes | None:
    """The bytes, None if there are many, the disk would be asked for some, or the system cannot tell."""
    size = body.end - body.start
    if size > LARGEST_READ or not hasattr(os, "RWF_NOWAIT"):
        return None
    content = bytearray(size)
    try:
        with body.path.open("rb", buffering=0) as file:
            count = os.preadv(file.fileno(), [content], body.start, os.RWF_NOWAIT)
    except OSError:
        return None
    return bytes(content) if count == size else None


def _question(request: Request) -> Question:
    asked = (request.method, request.path, request.query)
    origin = (request.scheme, request.host, request.base)
    return (*asked, *origin, *map(request.headers.get, _VARIES))


def _asked(request: Request) -> tuple[ProjectName, str] | None:
    """The project whose page or file is asked for by its canonical path, None for any other request."""
    before, simple, rest = request.path.partition("/simple/")
    raw, slash, filename = rest.partition("/")
    if before or not simple or not slash or request.method not in ("GET", "HEAD"):
        return None
    try:
        name = project_name(raw)
    except InvalidName:
        return None
    return (name, filename) if name == raw and "/" not in filename else None
