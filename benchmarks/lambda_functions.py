"""The functions of the template, and an event for each that makes it do its work once."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import lambdas
from contestants import PASSWORD, USER
from corpus import TYPICAL, Corpus, sized
from distributions import build_wheel
from environments import ROOT
from upstream import Upstream

JSON = "application/vnd.pypi.simple.v1+json"

REQUEST, EDGE = "request", "edge"
BY_PASSWORD = " with a password"  # noqa: S105
"""Whose first use in a process computes its hash; otherwise requests come with an API token."""

_NAMES = 1_000
_MIRRORED = "mirrored"


class Function(NamedTuple):
    """A function: its folder's name, its handler's, whether Lambda's boto3 is for it, and its events.

    ``event`` is given a number that no other start has, and ``detail`` tells one function's events apart.
    """

    name: str
    event: Callable[[int], Any]
    handler: str = "handler"
    boto3: bool = False
    detail: str = ""


def page(path: str, *, gzip: bool = False, token: str = "") -> Any:
    """The event of somebody who asks for a page in JSON, with a password or an API token."""
    who = ("__token__", token) if token else (USER, PASSWORD)
    event = lambdas.get(path, *who, JSON)
    if gzip:
        event["headers"]["accept-encoding"] = "gzip"
    return event


def functions(corpus: Corpus, bucket: str, token: str) -> list[Function]:
    """All that the template has, and the edge's."""
    typical = f"/simple/{TYPICAL}/"
    return [
        Function(REQUEST, lambda _: page(typical, token=token)),
        Function(REQUEST, lambda _: page(typical), detail=BY_PASSWORD),
        Function("upload", _upload),
        Function("admin", lambda _: {"listUsers": {}}, boto3=True),
        Function("arrival", lambda _: _arrival(bucket, corpus.file(TYPICAL))),
        Function("rebuild", lambda turn: {"step": "Survey", "run": f"cold-{turn}"}),
        Function("reindex", lambda _: {"force": True, "relist": False}, "fetch"),
        Function("pull", lambda turn: {"project": _MIRRORED, "filename": _wheel(turn).filename}),
        Function(EDGE, lambda _: _edge()),
    ]


def _upload(turn: int) -> Any:
    name = f"cold-{turn}-{os.getpid()}"
    return lambdas.upload(name, sized(name, "1.0", 20_000), USER, PASSWORD)


def _arrival(bucket: str, filename: str) -> Any:
    event = _sample("arrival-created")
    event["detail"]["bucket"]["name"] = bucket
    event["detail"]["object"]["key"] = f"packages/{TYPICAL}/{filename}"
    return event


def _edge() -> Any:
    event = _sample("request-edge-viewer-page")
    request = event["Records"][0]["cf"]["request"]
    request["uri"] = f"/simple/{TYPICAL}/"
    credentials = lambdas.get("/", USER, PASSWORD)["headers"]["authorization"]
    request["headers"]["authorization"][0]["value"] = credentials
    return event


def _sample(name: str) -> Any:
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


def _wheel(turn: int) -> Any:
    return build_wheel(_MIRRORED, f"1.{turn}")


@contextmanager
def upstream(starts: int) -> Iterator[Mapping[str, str]]:
    """An index to mirror, and the settings with which functions do so; it has a file for each start."""
    found = Upstream()
    try:
        found.add_names(f"upstream-{number}" for number in range(_NAMES))
        for turn in range(starts):
            found.add(_wheel(turn))
        yield {"UPSTREAM_INDEX_URL": found.index, "UPSTREAM_UNKNOWN": "ask"}
    finally:
        found.stop()


def build_edge(folder: Path, bucket: str, region: str, python: Path) -> Path:
    """The bundle of the edge's function. Raises ``RuntimeError``."""
    bundle = folder / EDGE
    done = subprocess.run(
        [
            *("make", "-C", ROOT / "functions/edge", f"BUCKET={bucket}", f"REGION={region}"),
            *(f"BUILD={bundle}", f"LAMBDA_PYTHON={python}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the edge's function cannot be built: {done.stderr[-300:]}")
    return bundle
