"""Reindexing in a test: the steps in their order, each payload through JSON as between states."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from upstream import Upstream
from wheelyard.index.catalogue import Catalogue
from wheelyard.mirror.location import parse_location
from wheelyard.mirror.payloads import Activated, Fetched, Sharded
from wheelyard.mirror.reindex import Reindex
from wheelyard.mirror.relisting import Hidden
from wheelyard.mirror.upstream import Upstream as Client
from wheelyard.storage.store import Store

NOTHING_HIDDEN = Hidden("", lambda _: False)


class Workflow:
    """The steps in their order, as the state machine and the command line run them."""

    def __init__(
        self,
        store: Store,
        upstream: Upstream,
        hidden: Hidden = NOTHING_HIDDEN,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.store = store
        self.catalogue = Catalogue(store)
        self.steps = Reindex(
            store,
            lambda: Client(lambda: parse_location(upstream.index), 10, sleep=lambda _: None),
            self.catalogue.names,
            hidden,
            now or (lambda: datetime.now(UTC)),
        )

    def fetch(self, *, force: bool = False, relist: bool = False) -> Fetched:
        """Each payload goes through JSON, as it does between states."""
        fetched: Fetched = through_json(self.steps.fetch(force=force, relist=relist))
        return fetched

    def shard(self, fetched: Fetched) -> list[Sharded]:
        """Every part, one after the other."""
        return [through_json(self.steps.shard(part, fetched["base"])) for part in fetched["parts"]]

    def activate(
        self, fetched: Fetched, sharded: list[Sharded], *, force: bool = False
    ) -> Activated:
        """The last step."""
        activated: Activated = through_json(self.steps.activate(fetched, sharded, force=force))
        return activated

    def run(self, *, force: bool = False, relist: bool = False) -> str:
        """All of them; returns the outcome."""
        fetched = self.fetch(force=force, relist=relist)
        if fetched["outcome"] == "unchanged":
            return "unchanged"
        return self.activate(fetched, self.shard(fetched), force=force)["outcome"]


def through_json(value: Any) -> Any:
    """What the next state gets of ``value``."""
    return json.loads(json.dumps(value))
