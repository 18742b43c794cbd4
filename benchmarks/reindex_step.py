"""One step of the reindex workflow in a process that imports nothing else, and what it cost.

Reads ``{"folder", "url", "name", "arguments"}`` from standard input: the store's directory, the upstream
index, the step. Writes ``{"result", "own", "seconds", "wall", "megabytes"}``.
"""

import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wheelyard.index.catalogue import Catalogue
from wheelyard.mirror.location import parse_location
from wheelyard.mirror.reindex import Reindex
from wheelyard.mirror.relisting import Hidden
from wheelyard.storage.directory import DirectoryStore

if TYPE_CHECKING:
    from wheelyard.mirror.upstream import Upstream

_MEGABYTE = 1_000_000


def main() -> None:
    """Run the step."""
    asked = json.load(sys.stdin)
    reindex = Reindex(
        store := DirectoryStore(Path(asked["folder"])),
        lambda: _client(asked["url"]),
        Catalogue(store).names,
        Hidden("", lambda _: False),
        lambda: datetime.now(UTC),
    )
    if asked["name"] == "fetch":
        _client(asked["url"])  # imports what is not the step's own work
    started, used_before = time.perf_counter(), time.process_time()
    result = getattr(reindex, asked["name"])(*asked["arguments"])
    own, wall = time.process_time() - used_before, time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = {
        "own": own,
        "seconds": used.ru_utime + used.ru_stime,
        "wall": wall,
        "megabytes": peak(),
    }
    json.dump({"result": result, **cost}, sys.stdout)


def _client(url: str) -> "Upstream":
    """A client of the upstream; only Fetch needs one, and its imports."""
    from wheelyard.mirror.upstream import Upstream

    return Upstream(lambda: parse_location(url), 30)


def peak() -> float:
    """The most memory that this process held, in MB; ``ru_maxrss`` would begin with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / _MEGABYTE


if __name__ == "__main__":
    main()
