"""The one-machine server's own reindexing: at intervals, and soon after a private project is new.

Where nothing is mirrored there is nothing to do. A run is a process of its own, so that what it needs of
memory is given back, and no request waits for it.
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal

from wheelyard.errors import KeyNotFound, WheelyardError
from wheelyard.index.catalogue import Catalogue
from wheelyard.mirror.manifest import parse_manifest
from wheelyard.mirror.relisting import Hidden, basis
from wheelyard.storage import keys
from wheelyard.storage.store import Store

_logger = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between two looks at whether there is something to do."""

BETWEEN_AUTOMATIC = 60.0
"""Seconds between two runs for new private projects: a hundred in a minute are not a hundred runs."""


Due = Literal["reindex", "relist"]
"""Upstream is to be asked; or only the root listing is to be made again."""


class Reindexer:
    """Decides when to run. Not for several threads."""

    def __init__(
        self, store: Store, hidden: Hidden, every: float | None, clock: Callable[[], float]
    ) -> None:
        """``every`` is in seconds, None for only when a private project is new; ``clock`` as well."""
        self._store = store
        self._catalogue = Catalogue(store)
        self._hidden = hidden
        self._every = every
        self._clock = clock
        self._last: float | None = None
        self._last_automatic: float | None = None

    def due(self) -> Due | None:
        """What to run now, and is taken to be run; None for nothing. Raises ``StorageError``."""
        now = self._clock()
        if self._every is not None and (self._last is None or now - self._last >= self._every):
            self._last = now
            return "reindex"
        if self._last_automatic is not None and now - self._last_automatic < BETWEEN_AUTOMATIC:
            return None
        if self._is_outdated():
            self._last_automatic = now
            return "relist"
        return None

    def _is_outdated(self) -> bool:
        """Whether the stored root listing lacks a private project, or has one too many."""
        try:
            manifest = parse_manifest(self._store.get(keys.MANIFEST).body)
        except KeyNotFound:
            return False
        return manifest.listings.basis != basis(self._catalogue.names(), self._hidden)


def reindex_in_background(
    reindexer: Reindexer, location: str, env: Mapping[str, str]
) -> Callable[[], None]:
    """Look and run in a thread from now on; call what is returned to end it."""
    ended = threading.Event()
    command = [sys.executable, "-m", "wheelyard", "reindex", "--store", location]

    def look() -> None:
        try:
            due = reindexer.due()
        except WheelyardError:
            _logger.warning("whether to reindex cannot be told", exc_info=True)
            return
        if due is not None:
            _run([*command, "--relist"] if due == "relist" else command, env, ended)

    def go_on() -> None:
        look()
        while not ended.wait(LOOK_EVERY):
            look()

    thread = threading.Thread(target=go_on, name="reindexer", daemon=True)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join()

    return end


def _run(command: list[str], env: Mapping[str, str], ended: threading.Event) -> None:
    begun = time.monotonic()
    with subprocess.Popen(  # noqa: S603  (no shell, and nothing in it from outside)
        command,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        said = _communicate(process, ended)
    fields = {"seconds": round(time.monotonic() - begun, 1), "said": said.strip()[-500:]}
    if process.returncode == 0:
        _logger.info("reindexed", extra={"fields": fields})
    elif not ended.is_set():
        _logger.warning("reindexing failed", extra={"fields": fields})


def _communicate(process: "subprocess.Popen[str]", ended: threading.Event) -> str:
    while True:
        try:
            return process.communicate(timeout=0.5)[0]
        except subprocess.TimeoutExpired:
            if ended.is_set():
                # Killed at any point, it leaves the active snapshot as it is.
                process.terminate()
