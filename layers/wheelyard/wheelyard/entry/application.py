"""Putting the parts together: settings and a store in, the application out."""

import time
from typing import TYPE_CHECKING

from wheelyard.access.authentication import Authenticator, Clock
from wheelyard.entry.reading import Reader
from wheelyard.entry.routes import Application
from wheelyard.index.catalogue import Catalogue
from wheelyard.index.documents import Documents
from wheelyard.index.listing import Listing
from wheelyard.settings import Settings
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.publish.publisher import Publisher


def application(settings: Settings, store: Store, *, uploads: bool = True) -> Application:
    """The index over ``store``; without ``uploads``, one that only answers readers."""
    catalogue = Catalogue(store)

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
        Reader(store, Documents(store), Listing(catalogue)),
        publisher if uploads else None,
    )
