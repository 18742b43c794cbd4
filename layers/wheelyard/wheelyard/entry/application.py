"""Putting the parts together: settings and a store in, the application out."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from wheelyard.access.authentication import Authenticator, Clock
from wheelyard.entry.reading import Reader
from wheelyard.entry.routes import Application
from wheelyard.index.catalogue import Catalogue
from wheelyard.index.documents import Documents
from wheelyard.index.listing import Listing
from wheelyard.mirror.snapshots import Snapshots
from wheelyard.settings import Settings
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.publish.publisher import Publisher


def application(
    settings: Settings,
    store: Store,
    *,
    uploads: bool = True,
    clock: Callable[[], float] | None = time.monotonic,
) -> Application:
    """The index over ``store``; without ``uploads``, one that only answers readers.

    ``clock`` None is for a process that the reindex workflow replaces: it knows one snapshot for good.
    """
    catalogue = Catalogue(store)
    mirrors = settings.upstream.mode == "mirror" and settings.upstream.location
    snapshots = Snapshots(store, clock) if mirrors else None

    def publisher() -> "Publisher":
        from wheelyard.publish.publisher import Publisher
        from wheelyard.publish.rules import Rules
        from wheelyard.publish.shelf import Shelf

        return Publisher(Shelf(store, catalogue, Rules.of(settings)))

    return Application(
        Authenticator(
            store,
            Clock(time.monotonic, time.time),
            settings.password_rounds,
            # A function that takes no uploads may not write user records.
            rehashes=uploads,
        ),
        Reader(store, Documents(store), Listing(catalogue, snapshots)),
        publisher if uploads else None,
    )
