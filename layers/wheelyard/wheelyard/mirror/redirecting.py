"""``UPSTREAM_MODE=redirect``: clients are sent to upstream's own page."""

import time

from wheelyard.mirror.location import Locator
from wheelyard.protocol.names import ProjectName


class Redirects:
    """Where upstream's pages are."""

    def __init__(self, location: str) -> None:
        """``location`` is the setting."""
        self._locator = Locator(location, time.monotonic)

    def url(self, name: ProjectName) -> str:
        """The page of a project, without credentials. Raises ``UpstreamError`` for an unreadable secret."""
        return self._locator.find().page(name)
