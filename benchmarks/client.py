"""The client that loads a server: wrk, or where there is none a plain one of Python, for all the same."""

import http.client
import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from shutil import which
from statistics import quantiles
from typing import NamedTuple
from urllib.parse import urlsplit

import machine

WRK = which("wrk")


class Load(NamedTuple):
    """What came of it; latencies are in milliseconds."""

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float
    failed: int
    """Answers of 400 and above: wrk counts those."""
    broken: int
    """Requests without an answer."""


def describe() -> str:
    """Who measured."""
    return (
        "wrk"
        if WRK
        else "a client in Python, since wrk is not installed: it is the limit of the fastest"
    )


def load(url: str, headers: Mapping[str, str], seconds: float, connections: int) -> Load:
    """Ask for one URL for so long. Raises ``OSError`` and ``ValueError`` where nothing can be measured."""
    return (_with_wrk if WRK else _with_python)(url, headers, seconds, connections)


def _with_wrk(url: str, headers: Mapping[str, str], seconds: float, connections: int) -> Load:
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    done = subprocess.run(
        [
            *("taskset", "-c", str(machine.CLIENT_CORE), str(WRK), "-t1", f"-c{connections}"),
            # Two seconds are its own limit, which would count slow answers as none.
            *("--timeout", "30s"),
            *(
                f"-d{max(round(seconds), 1)}s",
                "-s",
                str(Path(__file__).with_name("wrk.lua")),
                *options,
                url,
            ),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(done.stderr[-300:])
    return Load(**json.loads(done.stdout.strip().splitlines()[-1]))


def _with_python(url: str, headers: Mapping[str, str], seconds: float, connections: int) -> Load:
    del connections  # one after the other
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    took: list[float] = []
    size = failed = 0
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        begun = time.perf_counter()
        connection.request("GET", parts.path, headers=dict(headers))
        answer = connection.getresponse()
        size += len(answer.read())
        failed += answer.status >= 400
        took.append((time.perf_counter() - begun) * 1000)
    connection.close()
    cuts = quantiles(took, n=100)
    return Load(len(took), time.perf_counter() - started, size, cuts[49], cuts[98], failed, 0)
