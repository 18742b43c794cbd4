"""A writer that dies at any write, and the same upload sent again: the end is that of one undisturbed."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from obstore.store import MemoryStore

from distributions import BuiltDistribution, build_sdist, build_wheel
from dying import DyingStore, Killed
from forms import CONTENT_TYPE, SIGNATURE, Part, attestation, encode, parts
from running import environment
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.names import project_name
from wheelyard.protocol.simple import parse_project
from wheelyard.publish.publisher import Publisher
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Shelf
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store

NAME = project_name("acme-tools")
SDIST = build_sdist("acme-tools", "1.0")
WHEEL = build_wheel("acme-tools", "1.0")
OTHER = build_wheel("acme-tools", "1.0", requires_python=">=3.12")
_TIME = re.compile(rb'"upload-time":"[^"]*"')


def form(built: BuiltDistribution, *, adorned: bool) -> bytes:
    """An upload, ``adorned`` with a signature and an attestation."""
    if not adorned:
        return encode(parts(built))
    attestations = json.dumps([attestation(built)])
    return encode(parts(built, [Part("gpg_signature", SIGNATURE, "x")], attestations=attestations))


class Case(NamedTuple):
    """Uploads that went well, one during which the writer dies, and whether it may replace a file."""

    before: tuple[bytes, ...]
    upload: bytes
    overwrite: bool = False


CASES = {
    "a new project": Case((), form(WHEEL, adorned=True)),
    "one file more": Case((form(SDIST, adorned=False),), form(WHEEL, adorned=True)),
    "overwriting": Case(
        (form(SDIST, adorned=False), form(OTHER, adorned=True)), form(WHEEL, adorned=False), True
    ),
    "overwriting with more": Case(
        (form(OTHER, adorned=False),), form(WHEEL, adorned=True), overwrite=True
    ),
}


def publish(store: Store, body: bytes, *, overwrite: bool) -> None:
    """One upload, by a writer of its own."""
    shelf = Shelf(store, Catalogue(store), Rules(10**9, overwrite=overwrite))
    Publisher(shelf).publish(CONTENT_TYPE, [body])


def state(store: Store) -> Mapping[str, bytes]:
    """All objects; upload times are left out, which no two runs share."""
    folders = (keys.PACKAGES, keys.PROJECTS, keys.CATALOGUE, keys.TOMBSTONES, keys.SESSIONS)
    found = [entry.key for folder in folders for entry in store.list(folder)]
    return {key: _TIME.sub(b"", store.get(key).body) for key in found}


def check_digests(store: Store) -> None:
    """Every listed file, and its metadata, is stored with the digest that is given for it."""
    documents = [store.get(entry.key).body for entry in store.list(keys.PROJECTS)]
    for file in [file for document in documents for file in parse_project(document).files]:
        key = keys.package(NAME, file.filename)
        assert sha256(store.get(key).body) == file.hashes["sha256"]
        if isinstance(file.core_metadata, Mapping):
            assert sha256(store.get(f"{key}.metadata").body) == file.core_metadata["sha256"]


def sha256(body: bytes) -> str:
    """The digest of an object."""
    return hashlib.sha256(body).hexdigest()


def undisturbed(case: Case) -> tuple[Mapping[str, bytes], int]:
    """The end of an upload that nothing disturbs, and how many writes it takes."""
    store = ObjectStore(MemoryStore())
    for body in case.before:
        publish(store, body, overwrite=False)
    counting = DyingStore(store, 0, after=False)
    publish(counting, case.upload, overwrite=case.overwrite)
    return state(store), counting.writes


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", CASES)
def test_killed_at_any_write(name: str, after: bool) -> None:
    """Whatever write it dies at, nothing wrong is listed meanwhile, and a retry completes it."""
    case = CASES[name]
    expected, writes = undisturbed(case)
    assert writes >= 6 - len(case.before)
    for step in range(1, writes + 1):
        store = ObjectStore(MemoryStore())
        for body in case.before:
            publish(store, body, overwrite=False)
        with pytest.raises(Killed):
            publish(DyingStore(store, step, after=after), case.upload, overwrite=case.overwrite)
        check_digests(store)
        publish(store, case.upload, overwrite=case.overwrite)
        assert state(store) == expected
        check_digests(store)


# Each child is forked from one process, so that it is ready at once, and ends as a power cut would end it.
_FORKING = """
import os, sys
from pathlib import Path
from dying import DyingStore
from publish.test_killed_writers import CASES, publish
from wheelyard.storage.directory import DirectoryStore

case = CASES["one file more"]
for step in range(1, int(sys.argv[2]) + 1):
    for after in (False, True):
        store = DirectoryStore(Path(sys.argv[1], f"{step}-{after}"))
        for body in case.before:
            publish(store, body, overwrite=False)
        child = os.fork()
        if not child:
            dying = DyingStore(store, step, after=after, die=lambda: os._exit(9))
            publish(dying, case.upload, overwrite=False)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
"""


def test_processes_killed_at_any_write(tmp_path: Path) -> None:
    """The same on a directory, by processes that end without cleaning up; what they staged is swept."""
    case = CASES["one file more"]
    expected, writes = undisturbed(case)
    tests = str(Path(__file__).parent.parent)
    env = environment()
    subprocess.run(
        [sys.executable, "-c", _FORKING, str(tmp_path), str(writes)],
        env=env | {"PYTHONPATH": f"{env['PYTHONPATH']}:{tests}"},
        check=True,
    )
    places = sorted(tmp_path.iterdir())
    assert len(places) == 2 * writes
    for place in places:
        store = DirectoryStore(place)
        check_digests(store)
        publish(store, case.upload, overwrite=False)
        assert state(store) == expected
