"""Reindexing as settings and a store say: putting the parts together, and running the steps in a row."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wheelyard.errors import InvalidSetting
from wheelyard.index.catalogue import Catalogue
from wheelyard.index.reservations import Reservations
from wheelyard.mirror.relisting import Hidden
from wheelyard.settings import Settings, UpstreamSettings
from wheelyard.storage.store import Store

if TYPE_CHECKING:
    from wheelyard.mirror.location import Locator
    from wheelyard.mirror.payloads import Activated
    from wheelyard.mirror.reindex import Reindex
    from wheelyard.mirror.upstream import Upstream

Bar = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows one step's progress: its name, and how much there is to do, None where that is unknown."""


def hidden_names(upstream: UpstreamSettings) -> Hidden:
    """The upstream names that settings keep out of the listing."""
    rules = "\n".join((*(f"{name}-" for name in upstream.namespaces), *upstream.denied))
    return Hidden(rules, Reservations(upstream.namespaces, upstream.denied).holds)


def reindex_of(settings: Settings, store: Store) -> "Reindex":
    """The workflow's steps. Raises ``InvalidSetting`` where nothing is mirrored."""
    # Nothing of it is for a process that only looks whether there is something to do.
    from wheelyard.mirror.location import Locator
    from wheelyard.mirror.reindex import Reindex

    upstream = settings.upstream
    if upstream.mode != "mirror" or not upstream.location:
        raise InvalidSetting(
            "there is nothing to reindex: set UPSTREAM_INDEX_URL to the simple index to mirror, and "
            f"UPSTREAM_MODE, which is {upstream.mode!r}, to mirror"
        )
    locator = Locator(upstream.location, time.monotonic)
    return Reindex(
        store,
        lambda: _client(locator, upstream.timeout),
        Catalogue(store).names,
        hidden_names(upstream),
        lambda: datetime.now(UTC),
    )


def _client(locator: "Locator", timeout: float) -> "Upstream":
    from wheelyard.mirror.upstream import Upstream

    return Upstream(locator.find, timeout)


def _no_bar(name: str, length: int | None) -> AbstractContextManager[Callable[[int], None]]:
    del name, length
    return nullcontext(lambda _: None)


def run(
    reindex: "Reindex", *, force: bool = False, relist: bool = False, bar: Bar = _no_bar
) -> "Activated | None":
    """The steps, one after the other; None where there was nothing to do.

    Raises ``UpstreamError`` and ``StorageError``; the active snapshot then goes on.
    """
    with bar("Fetching names", None) as progress:
        fetched = reindex.fetch(force=force, relist=relist, progress=progress)
    if fetched["outcome"] == "unchanged":
        return None
    sharded = []
    with bar("Writing shards", len(fetched["parts"])) as progress:
        for part in fetched["parts"]:
            sharded.append(reindex.shard(part, fetched["base"]))
            progress(1)
    with bar("Activating", 1) as progress:
        activated = reindex.activate(fetched, sharded, force=force)
        progress(1)
    return activated
