"""What a reindex costs: processor time and peak memory of each step, for JSON and for HTML.

An upstream of 886,000 names (another number as the argument) runs in a process of its own on loopback.
Each step of the workflow runs in a process of its own too, as it does on Lambda, on a store in a directory.
Then what a request reads and costs is measured.

    python benchmarks/reindex.py [NAMES] [--bounds]

``--bounds`` makes it fail where a step takes more than 3 seconds of processor time or 400 MB.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import reindex_step
import upstream_names
from reindex_step import peak
from wheelyard.mirror.snapshots import Snapshots
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.store import Stored

MOST_SECONDS, MOST_MEGABYTES = 3.0, 400

_processes = multiprocessing.get_context("spawn")


class Cost(NamedTuple):
    """What a step cost its process."""

    name: str
    own: float
    """Seconds of CPU of the step alone, with what it imports while it runs."""
    seconds: float
    """Seconds of CPU of its process, with the start of Python and all imports."""
    wall: float
    """Seconds of the step alone."""
    megabytes: float

    def __str__(self) -> str:
        return (
            f"  {self.name:<18}{self.own:7.2f} s CPU, {self.seconds:5.2f} s with start and imports, "
            f"{self.wall:5.2f} s, {self.megabytes:4.0f} MB"
        )


def serve(connection: Connection, count: int, form: str) -> None:
    """The upstream: says its port, then serves one listing, compressed, until it is killed."""
    found = upstream_names.projects(count)
    make = upstream_names.root_json if form == "json" else upstream_names.root_html
    packer = zlib.compressobj(6, wbits=31)
    body = b"".join(map(packer.compress, make(found))) + packer.flush()
    types = {"json": "application/vnd.pypi.simple.v1+json", "html": "text/html; charset=utf-8"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("if-none-match") == '"1"':
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("etag", '"1"')
            self.send_header("content-type", types[form])
            self.send_header("content-encoding", "gzip")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    connection.send(server.server_port)
    server.serve_forever()


@contextmanager
def process(target: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """The connection to ``target`` in a process of its own, which has to end when it is closed."""
    ours, theirs = _processes.Pipe()
    started = _processes.Process(target=target, args=(theirs, *arguments), daemon=True)
    started.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        started.join()


def in_process(target: Callable[..., None], *arguments: object) -> Any:
    """What ``target`` sends, from a process of its own."""
    with process(target, *arguments) as connection:
        return connection.recv()


def measure(count: int, form: str) -> list[Cost]:
    """Run the workflow on an upstream of ``count`` names; prints and returns what each step cost."""
    ours, theirs = _processes.Pipe()
    server = _processes.Process(target=serve, args=(theirs, count, form), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}/simple/"
    costs: list[Cost] = []

    def run(folder: str, name: str, *arguments: object) -> Any:
        asked = {"folder": folder, "url": url, "name": name, "arguments": arguments}
        done = subprocess.run(
            [sys.executable, reindex_step.__file__],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=True,
        )
        found = json.loads(done.stdout)
        result = found.pop("result")
        costs.append(Cost(name, **found))
        return result

    print(f"{count} names, {form.upper()}")
    with tempfile.TemporaryDirectory() as folder:
        fetched = run(folder, "fetch")
        sharded = [run(folder, "shard", part, fetched["base"]) for part in fetched["parts"]]
        activated = run(folder, "activate", fetched, sharded)
        unchanged = run(folder, "fetch")
        assert activated["outcome"] == "activated"
        assert activated["names"] == count
        assert unchanged["outcome"] == "unchanged"
        shards = sorted(costs[1:-2], key=lambda cost: cost.seconds)
        for cost in (costs[0], shards[-1], costs[-2], costs[-1]._replace(name="fetch, unchanged")):
            print(cost)
        payload = json.dumps({"fetched": fetched, "sharded": sharded})
        print(f"  largest payload {len(payload):,} bytes")
        in_process(requests, folder, count)
    server.terminate()
    server.join()
    return costs


class Counting(DirectoryStore):
    """Notes the size of what is read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read_sizes: list[int] = []

    def get(self, key: str) -> Stored:
        """See ``Store.get``."""
        found = super().get(key)
        self.read_sizes.append(len(found.body))
        return found


def requests(connection: Connection, folder: str, count: int) -> None:
    """What finding names costs, the first time in a shard and after that."""
    names = [project_name(found.name) for found in upstream_names.projects(count)]
    store = Counting(Path(folder))
    snapshot = Snapshots(store).current()
    assert snapshot is not None
    print(f"  manifest {store.read_sizes.pop():,} bytes")
    first = [_find(snapshot.find, name) for name in names[:: max(len(names) // 400, 1)]]
    before = peak()
    again = [_find(snapshot.find, name) for name in names[:: max(len(names) // 4000, 1)]]
    print(
        f"  a request reads one shard: {max(store.read_sizes):,} bytes at most; finds a name in "
        f"{sorted(first)[len(first) // 2] * 1e6:.0f} µs at first; {len(again)} more requests: "
        f"{peak() - before:.1f} MB"
    )
    connection.send(None)


def _find(find: Callable[[ProjectName], object], name: ProjectName) -> float:
    started = time.perf_counter()
    assert find(name) is not None
    return time.perf_counter() - started


def main() -> None:
    """Measure both forms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="?", type=int, default=upstream_names.FULL)
    parser.add_argument("--bounds", action="store_true")
    options = parser.parse_args()
    costs = [*measure(options.names, "json"), *measure(options.names, "html")]
    beyond = [
        cost for cost in costs if cost.seconds > MOST_SECONDS or cost.megabytes > MOST_MEGABYTES
    ]
    if options.bounds and beyond:
        sys.exit("beyond the bounds:\n" + "\n".join(map(str, beyond)))


if __name__ == "__main__":
    main()
