"""Run in a process of its own: what a handler's process, once warm, spends on each kind of request.

    python handler_work.py ROUNDS < what is asked.json

A kind that has ``touch`` finds that object changed before each round, which is not measured. Prints
medians, in seconds, of CPU and wall. Beside them: a bare read of the same objects by the same client.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from statistics import median
from typing import Any

from wheelyard.entry.functions import http_handler
from wheelyard.storage.opening import open_bucket


def timed(
    work: Callable[[], Any], rounds: int, before: Callable[[], Any] = lambda: None
) -> list[float]:
    """Medians of CPU and wall of ``work``."""
    took = []
    for _ in range(rounds):
        before()
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        took.append((time.process_time() - cpu, time.perf_counter() - wall))
    return [median(each) for each in zip(*took, strict=True)]


def main() -> None:
    """Measure everything that is asked for on standard input."""
    rounds, asked = int(sys.argv[1]), json.load(sys.stdin)
    # Log lines are a part of the work.
    store = open_bucket(os.environ, 900)
    reader, writer = (http_handler(os.environ, uploads=uploads) for uploads in (False, True))
    found: dict[str, list[float]] = {}

    changes = cycle((b"1", b"2"))

    def write(key: str | None, body: bytes) -> None:
        if key is not None:
            store.put(key, body.replace(b'"size":', b'"size":' + next(changes), 1))

    for kind in asked["reads"]:
        event = kind["event"]
        etag = reader(event, None)["headers"].get("etag")
        if kind.get("conditional"):
            event["headers"]["if-none-match"] = etag
        assert reader(event, None)["statusCode"] == kind["status"], (
            kind["what"],
            reader(event, None),
        )
        touch = kind.get("touch")
        again = store.get(touch).body if touch else b""
        found[kind["what"]] = timed(
            partial(reader, event, None), rounds, partial(write, touch, again)
        )
    for kind in asked["uploads"]:
        events = iter(kind["events"])

        def upload(events: Iterator[Any] = events) -> None:
            check(writer(next(events), None))

        found[kind["what"]] = timed(upload, len(kind["events"]))
    for what, key in asked["bare"].items():
        tag = store.get(key).etag
        found[f"{what}, bare conditional GET"] = timed(partial(store.get_unless, key, tag), rounds)
        found[f"{what}, bare GET"] = timed(partial(store.get, key), rounds)
    print(json.dumps(found))


def check(answer: Any) -> None:
    """Raises ``ValueError`` if an upload was refused."""
    if answer["statusCode"] != 200:
        raise ValueError(answer)


if __name__ == "__main__":
    main()
