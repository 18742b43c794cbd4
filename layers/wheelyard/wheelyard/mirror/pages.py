"""Upstream projects as they are served here: fetched when first asked for, stored, and kept fresh."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from wheelyard.errors import TooLarge, UpstreamError, UpstreamInvalid, UpstreamUnavailable
from wheelyard.index.documents import Document
from wheelyard.metrics import count
from wheelyard.mirror.deadline import Deadline
from wheelyard.mirror.flights import Flights
from wheelyard.mirror.state import State
from wheelyard.mirror.stored import Change, StoredProjects, digest_of
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.simple import project_json
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.mirror.parsing import ParsedPage
    from wheelyard.mirror.upstream import Answer, Upstream

_logger = logging.getLogger(__name__)

LARGEST_PAGE = 100 * 1024 * 1024
"""Bytes of an upstream page, at most."""

# Seconds. With a page at hand, a client is not kept waiting for a newer one for long.
_PATIENCE_WITH_PAGE = 6.0
# Seconds after a failure in which stored pages are served without asking, so that an install of hundreds
# of packages does not wait hundreds of times.
_REST = 5.0


class Pages:
    """The upstream's projects, by way of the store."""

    def __init__(
        self,
        store: Store,
        upstream: "Callable[[], Upstream]",
        source: str,
        lifetime: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``source`` tells this upstream from another one; ``lifetime`` is how many seconds a page without
        a serial is believed.
        """
        self.stored = StoredProjects(store)
        self._store = store
        self._upstream = upstream
        self._source = source
        self._lifetime = lifetime
        self._clock = clock
        self._monotonic = monotonic
        self._flights: Flights[State | None] = Flights()
        self._rests_until = float("-inf")

    def find(self, name: ProjectName, serial: int | None, deadline: Deadline) -> State | None:
        """What is known of an upstream project, asked for unless that is fresh; None if there is none.

        ``serial`` is the snapshot's for it. Raises ``UpstreamError`` where upstream fails and nothing
        is stored.
        """
        state, now = self._usable(name), self._clock()
        fresh = state is not None and state.is_fresh(now, serial, self._lifetime)
        count(("MirrorHits" if fresh else "MirrorMisses",), now, "kind", {"kind": "page"})
        if not fresh:
            state = self._flights.join(name, lambda: self._refresh(name, serial, deadline))
        return None if state is None or state.is_gone(self._lifetime) else state

    def document(
        self, name: ProjectName, state: State, serial: int | None, deadline: Deadline
    ) -> Document:
        """The page that belongs to ``state``; fetched again where it is lost. Raises ``UpstreamError``."""
        found = self.stored.page(name, state)
        if found is None:
            fresh = self._flights.join(name, lambda: self._ask(name, None, serial, deadline))
            found = None if fresh is None else self.stored.page(name, fresh)
        if found is None:
            raise UpstreamUnavailable(f"the page of {name!r} is just being replaced")
        return found

    def _usable(self, name: ProjectName) -> State | None:
        state = self.stored.state(name)
        # Another index's project is not this one's.
        return state if state is not None and state.source == self._source else None

    def _refresh(self, name: ProjectName, serial: int | None, deadline: Deadline) -> State | None:
        state = self._usable(name)  # somebody may have asked since the caller looked
        if state is not None:
            rests = self._monotonic() < self._rests_until
            if rests or state.is_fresh(self._clock(), serial, self._lifetime):
                return state
        try:
            return self._ask(name, state, serial, deadline)
        except UpstreamError as error:
            if isinstance(error, UpstreamUnavailable):
                self._rests_until = self._monotonic() + _REST
            if state is None:
                raise
            _logger.warning("the stored page of %s is served, because %s", name, error)
            return state

    def _ask(
        self, name: ProjectName, state: State | None, serial: int | None, deadline: Deadline
    ) -> State | None:
        from wheelyard.mirror.parsing import ACCEPT
        from wheelyard.mirror.upstream import require

        asked_at = self._clock()
        headers = {"accept": ACCEPT}
        attempts = 4
        if state is not None:
            attempts = 2
            deadline = Deadline(min(_PATIENCE_WITH_PAGE, deadline.remaining()), self._monotonic)
            if state.etag and state.gone is None:
                headers["if-none-match"] = state.etag
        upstream = self._upstream()
        with upstream.get(upstream.locate().page(name), headers, deadline, attempts) as answer:
            if answer.status in (404, 410):
                return self._note_absence(name, asked_at)
            if answer.status == 304 and "if-none-match" in headers:
                said = _serial(answer)
                return self._note_unchanged(name, headers["if-none-match"], said, serial, asked_at)
            page = _parsed(name, require(answer, 200))
            etag = answer.headers.get("etag")
        return self._keep(name, page, etag, serial, asked_at)

    def _note_absence(self, name: ProjectName, asked_at: float) -> State | None:
        def change(state: State | None) -> Change | None:
            if state is None or state.source != self._source:
                return None
            gone = asked_at if state.gone is None else state.gone
            return Change(state._replace(checked=asked_at, gone=gone))

        found = self.stored.edit(name, change)
        return found if found is not None and found.source == self._source else None

    def _note_unchanged(
        self,
        name: ProjectName,
        etag: str,
        said: int | None,
        serial: int | None,
        asked_at: float,
    ) -> State | None:
        def change(state: State | None) -> Change | None:
            if state is None or state.etag != etag:
                return None  # another process stored another page meanwhile
            known = state.serial if said is None else said
            return Change(state._replace(checked=asked_at, serial=known, asked_for=serial))

        return self.stored.edit(name, change)

    def _keep(
        self,
        name: ProjectName,
        page: "ParsedPage",
        etag: str | None,
        serial: int | None,
        asked_at: float,
    ) -> State | None:
        from wheelyard.mirror.pinning import Pins
        from wheelyard.mirror.rewriting import rewrite

        def change(state: State | None) -> Change:
            if state is not None and self._is_older(page, state):
                return Change(state._replace(checked=asked_at, asked_for=serial))
            pins = Pins(self._store, name, state)
            found = rewrite(page, pins.settle)
            body = project_json(found.project)
            fresh = State(
                source=self._source,
                etag=etag,
                checked=asked_at,
                serial=page.serial,
                asked_for=serial,
                page=digest_of(body),
                gone=None,
                files=found.files,
                unlisted=pins.unlisted(found.files),
            )
            return Change(fresh, body)

        return self.stored.edit(name, change)

    def _is_older(self, page: "ParsedPage", state: State) -> bool:
        """Whether a cache of upstream's answered with an older page than the stored one."""
        if state.source != self._source or state.serial is None or page.serial is None:
            return False
        return state.serial > page.serial


def _parsed(name: ProjectName, answer: "Answer") -> "ParsedPage":
    from wheelyard.mirror.parsing import parse_page

    try:
        raw = answer.body(LARGEST_PAGE)
    except TooLarge as error:
        raise UpstreamInvalid(f"upstream's page of {name!r} is too large") from error
    page = parse_page(raw, answer.headers.get("content-type", ""), answer.url, name)
    said = _serial(answer)
    return page if said is None else page._replace(serial=said)


def _serial(answer: "Answer") -> int | None:
    said = answer.headers.get("x-pypi-last-serial", "")
    return int(said) if said.isdecimal() and len(said) < 19 else None
