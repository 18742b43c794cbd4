"""Orders to take away stored files that were never published.

Whoever publishes several files may find that the last one cannot be, after it has stored the first. Where
it may not delete, as the function that takes uploads may not, or has no answer, it leaves an order. Until
that is carried out the file is listed by nobody, and its name is not free. On a deployed stack a function
hears of it at once; elsewhere it waits for who comes by next: a rebuild, or an upload of that name.
"""

import json
from typing import NamedTuple

from wheelyard.errors import FileExists, InvalidDocument, KeyNotFound
from wheelyard.protocol.names import ProjectName
from wheelyard.storage import keys
from wheelyard.storage.store import Entry, Store


class Withdrawal(NamedTuple):
    """An order: the very object that is meant, so that no other one under its key ever is."""

    etag: str
    modified: str


class Withdrawals:
    """The orders of a store, by project and filename."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, name: ProjectName, filename: str) -> Withdrawal | None:
        """The order for a file. Raises ``InvalidDocument``."""
        try:
            record = json.loads(self._store.get(keys.withdrawn(name, filename)).body)
            return Withdrawal(record["etag"], record["modified"])
        except KeyNotFound:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidDocument(
                f"the order to take {filename!r} away cannot be read: {error!r}"
            ) from error

    def order(self, name: ProjectName, filename: str, entry: Entry) -> None:
        """Have it taken away; from now on nobody lists it."""
        order = _withdrawal(entry)
        self._store.put(keys.withdrawn(name, filename), json.dumps(order._asdict()).encode())

    def concerns(self, name: ProjectName, filename: str, entry: Entry) -> bool:
        """Whether a stored file is one that is to be taken away."""
        return self.find(name, filename) == _withdrawal(entry)

    def stands(self, name: ProjectName, filename: str) -> bool:
        """Whether there is a stored file that is to be taken away."""
        order = self.find(name, filename)
        if order is None:
            return False
        try:
            return order == _withdrawal(self._store.head(keys.package(name, filename)))
        except KeyNotFound:
            return False

    def check(self, name: ProjectName, filename: str) -> None:
        """Raises ``FileExists`` for a stored file that is to be taken away."""
        if self.stands(name, filename):
            raise FileExists(
                f"File already exists: {filename!r} was stored for a release that was not published, and "
                "is just being taken away: try again in a minute; if it stays, run 'wheelyard rebuild "
                "--store' as somebody who may delete it"
            )

    def done(self, name: ProjectName, filename: str) -> None:
        """Forget the order."""
        self._store.delete(keys.withdrawn(name, filename))


def _withdrawal(entry: Entry) -> Withdrawal:
    return Withdrawal(entry.etag, entry.modified.isoformat())
