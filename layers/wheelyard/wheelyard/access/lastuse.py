"""The day on which a token was last used, kept apart from its record.

Apart, so that a function that only answers readers can write it without being able to change what a token
may do. Best effort: nobody waits for it, and nobody fails by it.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from threading import Thread

from wheelyard.errors import KeyNotFound, StorageError
from wheelyard.storage import keys
from wheelyard.storage.editing import edit_object
from wheelyard.storage.store import Store, Stored

_logger = logging.getLogger(__name__)


class LastUse:
    """When each token was last used."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        """``now`` gives the time, in seconds since 1970."""
        self._store = store
        self._now = now
        self._known: dict[str, date] = {}

    def note(self, token_id: str) -> None:
        """Have today as the token's day, in the background; one process looks once a day and token."""
        today = self._today()
        if self._known.get(token_id) != today:
            self._known[token_id] = today
            Thread(target=self.write, args=(token_id,), daemon=True).start()

    def write(self, token_id: str) -> None:
        """Have today as the token's day; no write where another process was first."""
        today = self._today().isoformat()

        def edit(stored: Stored | None) -> bytes | None:
            if stored is not None and _day(stored) == today:
                return None
            return json.dumps({"day": today}).encode()

        try:
            edit_object(self._store, keys.token_use(token_id), edit)
        except StorageError as error:
            _logger.warning("the day of a token's use is not noted: %s", error)

    def read(self, token_id: str) -> str | None:
        """The day, as ``yyyy-mm-dd``, or None if none is known. Raises ``StorageError``."""
        try:
            return _day(self._store.get(keys.token_use(token_id)))
        except KeyNotFound:
            return None

    def _today(self) -> date:
        return datetime.fromtimestamp(self._now(), UTC).date()


def _day(stored: Stored) -> str | None:
    try:
        day = json.loads(stored.body)["day"]
    except (ValueError, TypeError, KeyError):
        return None
    return day if isinstance(day, str) else None
