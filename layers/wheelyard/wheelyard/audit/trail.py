"""The audit trail: one small object a change, created once, under a key that begins with its time.

An entry is written before its change takes effect. So there is no change without an entry, whoever dies
when; where the entry cannot be written, the change does not happen. A change that fails after that has a
second entry, which says so.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from wheelyard.audit.event import Actor, Change, Event, dump_event, parse_event
from wheelyard.audit.recorder import Recorder
from wheelyard.errors import KeyNotFound, StorageError, WheelyardError
from wheelyard.storage import keys
from wheelyard.storage.store import Store

_logger = logging.getLogger(__name__)

_READERS = 16
_LONGEST_REASON = 500


class Trail:
    """The audit trail of a store."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        """``now`` gives seconds since 1970."""
        self._store = store
        self._now = now

    def by(self, actor: Actor) -> Recorder:
        """Records what ``actor`` does."""
        return partial(self.recording, actor)

    @contextmanager
    def recording(self, actor: Actor, change: Change) -> Iterator[Event]:
        """Have an entry for what the block does, before it does it.

        Raises ``StorageError`` if it cannot be written, and then does not enter the block. An error that
        ends the block on purpose is recorded as a second entry, as far as that is possible.
        """
        event = self._record(actor, change)
        try:
            yield event
        except WheelyardError as error:
            self._record_failure(event, error)
            raise

    def _record(self, actor: Actor, change: Change, result: str = "accepted", **more: str) -> Event:
        at = datetime.fromtimestamp(self._now(), UTC)
        event = Event(os.urandom(8).hex(), at, actor, change, result, **more)
        self._store.create(keys.audit(at, event.id), dump_event(event))
        return event

    def _record_failure(self, event: Event, error: WheelyardError) -> None:
        reason = str(error)[:_LONGEST_REASON]
        try:
            self._record(event.actor, event.change, "failed", of=event.id, reason=reason)
        except StorageError:
            # What the caller is to be told of is the first error.
            _logger.exception("the failure of audited change %s is not recorded", event.id)

    def between(self, since: datetime, until: datetime) -> Iterator[Event]:
        """The entries from ``since`` up to, not including, ``until``, newest first.

        Costs one listing a day, and a read of each entry in between. Raises ``InvalidDocument``.
        """
        since, until = since.astimezone(UTC), until.astimezone(UTC)
        day = (until - timedelta(microseconds=1)).date()
        while day >= since.date():
            first, end = keys.audit(since, ""), keys.audit(until, "")
            found = [entry.key for entry in self._store.list(keys.audit_day(day))]
            # Without the ending and the id, a key is a time.
            chosen = [key for key in found if _time(first) <= _time(key) < _time(end)]
            yield from self._read(sorted(chosen, reverse=True))
            day -= timedelta(days=1)

    def _read(self, chosen: list[str]) -> Iterable[Event]:
        # Only those who look at the trail need it.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_READERS) as pool:
            for start in range(0, len(chosen), 8 * _READERS):
                for event in pool.map(self._find, chosen[start : start + 8 * _READERS]):
                    if event is not None:
                        yield event

    def _find(self, key: str) -> Event | None:
        try:
            return parse_event(self._store.get(key).body)
        except KeyNotFound:  # swept since the listing
            return None


def _time(key: str) -> str:
    return key.rpartition("-")[0]
