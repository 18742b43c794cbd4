"""The end of patience with upstream."""

import time
from collections.abc import Callable

from wheelyard.errors import UpstreamUnavailable


class Deadline:
    """When one request stops waiting for upstream, over all its retries, redirects and reads."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left. Raises ``UpstreamUnavailable`` when there are none."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise UpstreamUnavailable("upstream takes too long to answer")
        return left
