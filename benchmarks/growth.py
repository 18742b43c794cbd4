"""Whether a request costs more when there is more: by the number of private and of upstream projects.

The store is in memory, with links to files as S3 has them, so that nothing but this project's own work is
measured. Each request is the first of a process: nothing is remembered.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from hashlib import sha256
from multiprocessing.connection import Connection
from statistics import median

from obstore.store import MemoryStore

import machine
import reindex
from distributions import build_wheel
from indexes import JSON, READER, UPLOADER, Index
from samples import OURS, Samples
from wheelyard.entry.application import application
from wheelyard.entry.http import Response
from wheelyard.index.catalogue import Catalogue
from wheelyard.mirror import shards
from wheelyard.mirror.manifest import Listings, Manifest, StoredListing, Validators, dump_manifest
from wheelyard.mirror.packing import pack
from wheelyard.mirror.state import State, dump_state
from wheelyard.mirror.stored import digest_of
from wheelyard.protocol.model import Project
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.simple import project_json
from wheelyard.settings import Settings
from wheelyard.storage import keys
from wheelyard.storage.objects import ObjectStore

SECTION = "growth"
UPSTREAM = "https://upstream.example/simple/"
FLASK = ProjectName("flask")

PRIVATE = (10, 1_000, 100_000)
NAMES = (10_000, 886_000, 5_000_000)

KINDS = ("page", "file redirect", "upload, known project", "upload, new project")
MIRRORED = ("mirrored page, first of a process", "mirrored page, again")


_ROUNDS = 9

Measured = dict[str, float]
"""Seconds, by the kind of request."""


def measure(samples: Samples, private: tuple[int, ...], names: tuple[int, ...], times: int) -> None:
    """Each size in a process of its own, and the sizes in turn, so that what disturbs one disturbs all."""
    _in_turn(samples, "private projects", _private, private, times)
    _in_turn(samples, "upstream names", _mirrored, names, times)


def _in_turn(
    samples: Samples,
    of: str,
    prepare: Callable[[int, int], Callable[[int], Measured]],
    sizes: tuple[int, ...],
    times: int,
) -> None:
    with ExitStack() as stack:
        processes = {
            size: stack.enter_context(reindex.process(_serve, prepare, size, times))
            for size in sizes
        }
        for connection in processes.values():
            connection.recv()  # it is ready
        for turn in range(_ROUNDS):
            for size, connection in processes.items():
                connection.send(turn)
                for what, value in connection.recv().items():
                    samples.add(SECTION, f"{what}; {size:,} {of}", OURS, "ms", value * 1e3)


def _serve(
    connection: Connection,
    prepare: Callable[[int, int], Callable[[int], Measured]],
    size: int,
    times: int,
) -> None:
    """Make everything ready, then measure whenever a round's number comes."""
    os.sched_setaffinity(0, {machine.SERVER_CORE})
    work = prepare(size, times)
    connection.send(None)
    with suppress(EOFError):
        while True:
            connection.send(work(connection.recv()))


def series(samples: Samples, what: str, sizes: tuple[int, ...], of: str) -> list[tuple[int, float]]:
    """A kind of request by size, as far as it was measured."""
    found = [
        (size, samples.median(SECTION, f"{what}; {size:,} {of}", OURS, "ms")) for size in sizes
    ]
    return [(size, value) for size, value in found if value is not None]


def _store() -> ObjectStore:
    return ObjectStore(MemoryStore(), sign=lambda method, key: f"https://s3.example/{method}/{key}")


def _private(count: int, times: int) -> Callable[[int], Measured]:
    """A catalogue of ``count`` projects, each with its document."""
    store = _store()
    names = {ProjectName(f"private-{number}") for number in range(count)}
    Catalogue(store).correct(names, lambda _: False)
    for name in names:
        store.put(keys.project(name), project_json(Project(name)))
    index = Index(store, {"UPSTREAM_INDEX_URL": "none"})
    wheel = build_wheel("acme-tools", "1.0")
    index.upload(wheel)
    return lambda turn: _measured(index, wheel.filename, turn, times)


def _measured(index: Index, filename: str, turn: int, times: int) -> Measured:
    work: dict[str, Callable[[int], Response]] = {
        "page": lambda _: index.get("/simple/acme-tools/", JSON),
        "file redirect": lambda _: index.get(f"/simple/acme-tools/{filename}"),
        "upload, known project": lambda number: index.upload(known[number]),
        "upload, new project": lambda number: index.upload(new[number]),
    }
    numbers = range(times + 3)
    known = [build_wheel(f"known-{turn}-{number}", "2.0") for number in numbers]
    new = [build_wheel(f"new-{turn}-{number}", "1.0") for number in numbers]
    for number in numbers:
        index.upload(build_wheel(f"known-{turn}-{number}", "1.0"))
    return {what: _timed(index, answer, times) for what, answer in work.items()}


def _timed(
    index: Index, answer: Callable[[int], Response], times: int, *, fresh: bool = True
) -> float:
    took = []
    settings = Settings.from_env({"UPSTREAM_INDEX_URL": UPSTREAM})
    for turn in range(times + 3):
        if fresh:
            index.application = application(settings, index.store, clock=None)
            # Hashing a password is dearer than everything else together, and always the same.
            for user in (READER, UPLOADER):
                index.ask("GET", "/simple", user)
        started = time.perf_counter()
        response = answer(turn)
        took.append(time.perf_counter() - started)
        assert response.status in (200, 302), response
    return median(took[3:])


def _mirrored(count: int, times: int) -> Callable[[int], Measured]:
    """A snapshot of ``count`` names, with one project that somebody asked for before."""
    store = _store()
    source = sha256(UPSTREAM.encode()).hexdigest()[:32]
    _snapshot(store, count, source)
    page = project_json(Project(FLASK))
    state = State(source, None, 0, 7, 7, digest_of(page), None, {}, {})
    store.put(keys.mirror_urls(FLASK), dump_state(state))
    store.put(keys.mirror_page(FLASK), page)
    index = Index(store, {"UPSTREAM_INDEX_URL": UPSTREAM})
    wheel = build_wheel("acme-tools", "1.0")
    index.upload(wheel)

    def answer(_: int) -> Response:
        return index.get("/simple/flask/", JSON)

    def work(turn: int) -> Measured:
        first, again = MIRRORED
        return _measured(index, wheel.filename, turn, times) | {
            first: _timed(index, answer, times),
            again: _timed(index, answer, times, fresh=False),
        }

    return work


def _snapshot(store: ObjectStore, count: int, source: str) -> None:
    """Shards of made-up names, about as long as real ones, without their workflow."""
    buckets: dict[str, list[str]] = {bucket: [] for bucket in shards.BUCKETS}
    for number in range(count):
        name = ProjectName(f"upstream-{number:x}")
        buckets[keys.bucket(name)].extend(shards.entries([name], [number]))
    buckets[keys.bucket(FLASK)].extend(shards.entries([FLASK], [7]))
    digests = []
    for bucket in shards.BUCKETS:
        text = shards.shard_text(buckets.pop(bucket))
        digests.append(shards.digest(text))
        store.put(keys.shard(digests[-1]), pack(text, digests[-1]))
    nothing = StoredListing("", 0, 0)
    manifest = Manifest(
        source="https://upstream.example",
        source_id=source,
        fetched_at="2026-11-22T12:00:00Z",
        names=count,
        serial=None,
        validators=Validators(),
        shards=tuple(digests),
        listings=Listings("", nothing, nothing),
    )
    store.put(keys.MANIFEST, dump_manifest(manifest))
