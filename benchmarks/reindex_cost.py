"""What a reindex costs beside parsing the document alone."""

import json
import subprocess
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

import reindex
import upstream_names
from environments import Environment
from samples import OURS, Samples

SECTION = "reindex"

STEPS = "the steps alone"
"""What goals are measured by: as the parsers are, without the start of processes and their imports."""
PROCESSES = "with start and imports of each step's process"
PATH = "fetch, the slowest shard, activate, alone"
"""Shards are written side by side. Seconds on the wall."""

# Prints seconds of CPU; the document is in memory already. The parsers are the fastest that are kept.
_PARSE = """
import importlib, json, sys, time
raw = open(sys.argv[1], "rb").read()
loads = importlib.import_module(sys.argv[2]).loads
started = time.process_time()
found = loads(raw)
print(json.dumps(time.process_time() - started))
assert len(found["projects"]) == int(sys.argv[3])
"""


def measure(samples: Samples, count: int, times: int) -> None:
    """The whole workflow in its processes, and the parsers, in turn."""
    clients = Environment("clients")
    label = f"{count:,} names"
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder, "root.json")
        with document.open("wb") as file:
            file.writelines(upstream_names.root_json(upstream_names.projects(count)))
        for _ in range(times):
            costs = reindex.measure(count, "json")
            steps = costs[:-1]
            for what, unit, value in (
                (STEPS, "s CPU", sum(each.own for each in steps)),
                (PROCESSES, "s CPU", sum(each.seconds for each in steps)),
                (PATH, "s", _critical_path(steps)),
            ):
                samples.add(SECTION, f"{label}: {what}", OURS, unit, value)
            samples.add(
                SECTION, f"{label}: peak", OURS, "MB", max(each.megabytes for each in steps)
            )
            samples.add(SECTION, f"{label}: unchanged", OURS, "s CPU", costs[-1].seconds)
            for parser in ("orjson", "json"):
                done = subprocess.run(
                    [clients.python, "-c", _PARSE, document, parser, str(count)],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                samples.add(
                    SECTION, f"{label}: parsing alone", parser, "s CPU", json.loads(done.stdout)
                )
            ijson = reindex.in_process(_parse_with_ijson, str(document), count)
            samples.add(SECTION, f"{label}: parsing alone", "ijson", "s CPU", ijson)


def _critical_path(steps: list[reindex.Cost]) -> float:
    fetch, *shards, activate = (each.wall for each in steps)
    return fetch + max(shards) + activate


def _parse_with_ijson(connection: Connection, path: str, count: int) -> None:
    import time

    import ijson

    started = time.process_time()
    with Path(path).open("rb") as file:
        found = sum(1 for _ in ijson.items(file, "projects.item"))
    assert found == count
    connection.send(time.process_time() - started)
