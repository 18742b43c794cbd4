"""Putting the parts together: settings and a store in, the application out."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from wheelyard.access.authentication import Authenticator, Clock
from wheelyard.entry.reading import Reader
from wheelyard.entry.routes import Application
from wheelyard.index.documents import Documents
from wheelyard.index.reservations import Reservations
from wheelyard.index.resolver import Resolver, Sources
from wheelyard.mirror.once import Once
from wheelyard.settings import Settings
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.audit.event import Actor
    from wheelyard.entry.oidc import TrustedPublishing
    from wheelyard.entry.recent import Recent
    from wheelyard.entry.uploading import Uploading
    from wheelyard.index.catalogue import Catalogue
    from wheelyard.index.listing import Listing
    from wheelyard.mirror.files import HandOver
    from wheelyard.mirror.mirror import Mirror
    from wheelyard.mirror.redirecting import Redirects
    from wheelyard.mirror.snapshots import Snapshots
    from wheelyard.publish.publisher import Publisher


def application(
    settings: Settings,
    store: Store,
    *,
    uploads: bool = True,
    clock: Callable[[], float] | None = time.monotonic,
    hand_over: "HandOver | None" = None,
    announce: Callable[[], None] | None = None,
    remembers: bool = False,
) -> Application:
    """The index over ``store``; without ``uploads``, one that only answers readers.

    ``clock`` None is for a process that the reindex workflow replaces: it knows one snapshot for good.
    ``hand_over`` has upstream files fetched that are too large for a process that ends with its request;
    None is for a process that lives on. ``announce`` is called when a private project is new. With
    ``remembers`` pages that were given can be given again at once.
    """

    # What a page of a private project does not need is imported and made when it is first asked for.
    def make_catalogue() -> "Catalogue":
        from wheelyard.index.catalogue import Catalogue

        return Catalogue(store, announce)

    def make_snapshots() -> "Snapshots":
        from wheelyard.mirror.snapshots import Snapshots

        return Snapshots(store, clock)

    def listing() -> "Listing":
        from wheelyard.index.listing import Listing

        return Listing(catalogue(), snapshots() if mirrors else None)

    catalogue, snapshots = Once(make_catalogue), Once(make_snapshots)
    mirrors = settings.upstream.mode == "mirror" and settings.upstream.location

    def publisher(actor: "Actor") -> "Publisher":
        from wheelyard.audit.trail import Trail
        from wheelyard.publish.publisher import Publisher
        from wheelyard.publish.rules import Rules
        from wheelyard.publish.shelf import Shelf

        record = Trail(store, time.time).by(actor)
        return Publisher(Shelf(store, catalogue(), Rules.of(settings)), record)

    def uploading() -> "Uploading":
        from wheelyard.audit.event import Actor
        from wheelyard.audit.trail import Trail
        from wheelyard.entry.preview import Preview
        from wheelyard.entry.uploading import Uploading
        from wheelyard.publish.rules import Rules
        from wheelyard.publish.session_files import SessionFiles
        from wheelyard.publish.session_records import SessionRecords
        from wheelyard.publish.sessions import Sessions
        from wheelyard.publish.shelf import Shelf
        from wheelyard.storage.multipart import multipart

        shelf = Shelf(store, catalogue(), Rules.of(settings))
        records = SessionRecords(store, multipart(store))
        trail = Trail(store, time.time)
        sessions = Sessions(
            shelf, records, time.time, lambda owner: trail.by(Actor(owner, "session"))
        )
        preview = Preview(store, sessions, legacy=shelf.rules.legacy_formats)
        return Uploading(sessions, SessionFiles(shelf, records), preview, trail.by)

    def trusted_publishing() -> "TrustedPublishing":
        from wheelyard.access.issuers import SigningKeys
        from wheelyard.access.minting import Mint
        from wheelyard.audit.trail import Trail
        from wheelyard.entry.oidc import TrustedPublishing

        mint = Mint(store, SigningKeys(time.monotonic), settings.oidc_audience, time.time)
        return TrustedPublishing(mint, settings.oidc_audience, time.time, Trail(store, time.time))

    authenticator = Authenticator(
        store,
        Clock(time.monotonic, time.time),
        settings.password_rounds,
        # A function that takes no uploads may not write user records.
        rehashes=uploads,
    )
    return Application(
        authenticator,
        Reader(
            store,
            resolver(settings, store, snapshots, hand_over),
            Once(listing),
        ),
        publisher if uploads else None,
        Once(trusted_publishing) if uploads else None,
        _recent(settings, store, authenticator) if remembers else None,
        Once(uploading) if uploads else None,
    )


def _recent(settings: Settings, store: Store, authenticator: Authenticator) -> "Recent":
    from wheelyard.entry.recent import Recent

    return Recent(store, authenticator, time.monotonic, settings.upstream.page_lifetime)


def resolver(
    settings: Settings,
    store: Store,
    snapshots: "Callable[[], Snapshots]",
    hand_over: "HandOver | None" = None,
    patience: float = 25,
) -> Resolver:
    """What finds projects by name. The mirror is imported and made when it is first asked.

    ``patience`` is how many seconds one request waits for upstream in all.
    """
    upstream = settings.upstream
    reservations = Reservations(upstream.namespaces, upstream.denied)

    def mirror() -> "Mirror":
        from wheelyard.mirror.mirror import Mirror

        return Mirror(settings, store, snapshots(), hand_over, patience)

    def redirects() -> "Redirects":
        from wheelyard.mirror.redirecting import Redirects

        return Redirects(upstream.location)

    sources = Sources()
    if upstream.location and upstream.mode == "mirror":
        sources = Sources(mirror=Once(mirror))
    elif upstream.location:
        once = Once(redirects)
        sources = Sources(redirect=lambda name: once().url(name))
    return Resolver(Documents(store), reservations, sources)
