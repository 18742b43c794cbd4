"""Objects that other tools put into the store or take from it."""

import itertools
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import stores
from distributions import BuiltDistribution, build_sdist, build_wheel
from forms import SIGNATURE
from indexes import JSON, Index, content
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.names import project_name
from wheelyard.protocol.simple import parse_project, project_json
from wheelyard.publish.arrivals import Arrivals
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Shelf
from wheelyard.storage import keys
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store

NAME = project_name("acme-tools")
WHEEL = build_wheel("acme-tools", "1.0", requires_python=">=3.9")
OTHER = build_wheel("acme-tools", "1.0", files={"acme_tools/__init__.py": b"other = 1"})
SDIST = build_sdist("acme-tools", "1.0")
KEY = keys.package(NAME, WHEEL.filename)


@pytest.fixture(params=["memory", "directory", "weed"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store of every kind, empty."""
    return stores.empty(request.param, request, tmp_path)


@pytest.fixture
def memory() -> Store:
    """An empty store, for what does not depend on its kind."""
    return stores.memory()


def settle(store: Store, *settled: str, **rules: bool) -> list[str]:
    """What becomes of the objects under these keys."""
    shelf = Shelf(store, Catalogue(store), Rules(10**8, **rules))
    return [Arrivals(shelf).settle(key).outcome for key in settled]


def listed(store: Store) -> dict[str, Any]:
    """The files on the project's page, by name."""
    page = Index(store).get(f"/simple/{NAME}/", JSON)
    return {f["filename"]: f for f in json.loads(content(page)).get("files", [])}


def drop(store: Store, built: BuiltDistribution, key: str | None = None) -> str:
    """Put a file where another tool would put it; returns its key."""
    key = key or keys.package(NAME, built.filename)
    store.put(key, built.content)
    return key


def rejected(store: Store) -> dict[str, bytes]:
    """What was moved aside, by filename."""
    return {e.key.rpartition("/")[2]: store.get(e.key).body for e in store.list(keys.REJECTED)}


def test_a_dropped_file_is_listed(store: Store) -> None:
    """A sound file is listed as an upload of it would be, and its project is private from then on."""
    assert settle(store, drop(store, WHEEL), drop(store, SDIST)) == ["listed", "listed"]
    uploaded = Index()
    uploaded.upload(WHEEL)
    uploaded.upload(SDIST)
    assert {n: {**f, "upload-time": 0} for n, f in listed(store).items()} == {
        n: {**f, "upload-time": 0} for n, f in listed(uploaded.store).items()
    }
    assert Catalogue(store).names() == [NAME]
    index = Index(store)
    assert index.get(f"/simple/{NAME}/{WHEEL.filename}.metadata").status == 200


def test_a_removed_file_is_unlisted(store: Store) -> None:
    """A file that is gone is unlisted; its name is kept, its project stays private."""
    settle(store, drop(store, WHEEL), drop(store, SDIST))
    store.delete(KEY)
    assert settle(store, KEY) == ["removed"]
    assert list(listed(store)) == [SDIST.filename]
    assert not [e.key for e in store.list(keys.PACKAGES) if WHEEL.filename in e.key]
    assert Index(store).upload(OTHER).status == 400


def test_twice(store: Store) -> None:
    """An event that comes again changes nothing, and no document is written for it."""
    settle(store, drop(store, WHEEL))
    before = store.get(keys.project(NAME))
    assert settle(store, KEY, KEY) == ["known", "known"]
    assert store.get(keys.project(NAME)) == before
    store.delete(KEY)
    assert settle(store, KEY, KEY) == ["removed", "known"]


def test_the_index_s_own_uploads(memory: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the index stored itself is known by its size and time: no byte of it is read."""
    Index(memory).upload(WHEEL)
    stored = [entry.key for entry in memory.list(keys.PACKAGES)]

    def read(*_: object) -> Any:
        raise AssertionError("read")

    monkeypatch.setattr(ObjectStore, "read", read)
    assert settle(memory, *stored) == ["known"] * len(stored)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_disorder(memory: Store, order: tuple[int, ...]) -> None:
    """Events of putting, removing and putting back may come in any order: the end is what is stored."""
    drop(memory, WHEEL)
    drop(memory, SDIST)
    memory.delete(KEY)
    drop(memory, WHEEL)
    names = [KEY, keys.package(NAME, SDIST.filename), KEY]
    settle(memory, *(names[place] for place in order))
    assert set(listed(memory)) == {WHEEL.filename, SDIST.filename}


def test_putting_the_same_back(memory: Store) -> None:
    """Who puts back the very file that was removed restores it; another one under its name is rejected."""
    settle(memory, drop(memory, WHEEL))
    memory.delete(KEY)
    settle(memory, KEY)
    drop(memory, OTHER)
    assert settle(memory, KEY) == ["rejected"]
    assert listed(memory) == {}
    drop(memory, WHEEL)
    assert settle(memory, KEY) == ["listed"]
    assert list(listed(memory)) == [WHEEL.filename]
    memory.delete(KEY)
    settle(memory, KEY)
    drop(memory, OTHER)
    assert settle(memory, KEY, reuse_deleted=True) == ["listed"]


def test_replaced_in_the_bucket(memory: Store) -> None:
    """A published file that another tool replaces is unlisted and its replacement moved aside."""
    settle(memory, drop(memory, WHEEL), drop(memory, SDIST))
    drop(memory, OTHER)
    assert settle(memory, KEY) == ["rejected"]
    assert list(listed(memory)) == [SDIST.filename]
    assert rejected(memory)[WHEEL.filename] == OTHER.content
    drop(memory, WHEEL)
    assert settle(memory, KEY) == ["listed"]


def test_replaced_where_that_is_allowed(memory: Store) -> None:
    """With OVERWRITE=allow the replacement is listed, with its own digests."""
    settle(memory, drop(memory, WHEEL))
    drop(memory, OTHER)
    assert settle(memory, KEY, overwrite=True) == ["listed"]
    assert listed(memory)[WHEEL.filename]["hashes"]["sha256"] == OTHER.sha256
    metadata = Index(memory).get(f"/simple/{NAME}/{WHEEL.filename}.metadata")
    assert (
        metadata.header(
            "etag",
        )
        == f'"{listed(memory)[WHEEL.filename]["core-metadata"]["sha256"]}"'
    )


def archived(store: Store) -> None:
    """Archive the project."""
    Index(store).upload(SDIST)
    stored = store.get(keys.project(NAME))
    document = project_json(parse_project(stored.body)._replace(status="archived"))
    store.replace(keys.project(NAME), document, stored.etag)


NOTHING: Callable[[Store], object] = lambda _store: None  # noqa: E731

UNFIT: dict[str, tuple[Callable[[Store], object], str, bytes, str]] = {
    "no archive": (NOTHING, KEY, b"x", "Invalid distribution: "),
    "cut off": (NOTHING, KEY, WHEEL.content[:-9], "Invalid distribution: "),
    "another name": (NOTHING, f"packages/{NAME}/readme.md", b"x", "Invalid filename: "),
    "no filename": (NOTHING, f"packages/{NAME}/x y+z.whl", b"x", "Invalid filename: "),
    "not ASCII": (NOTHING, f"packages/{NAME}/é.whl", b"x", "Invalid filename: "),
    "another project's": (
        NOTHING,
        f"packages/acme-kit/{WHEEL.filename}",
        WHEEL.content,
        "put it under packages/acme-tools/",
    ),
    "a project that is not normalised": (
        NOTHING,
        f"packages/Acme.Tools/{WHEEL.filename}",
        WHEEL.content,
        "use packages/acme-tools/",
    ),
    "no project": (NOTHING, f"packages/{WHEEL.filename}", WHEEL.content, "Invalid project name: "),
    "too deep": (
        NOTHING,
        f"packages/{NAME}/1.0/{WHEEL.filename}",
        WHEEL.content,
        "Invalid project name: ",
    ),
    "a second sdist": (
        lambda store: Index(store).upload(SDIST),
        f"packages/{NAME}/acme_tools-1.0.zip",
        build_sdist("acme-tools", "1.0", format="zip").content,
        "a release can have one",
    ),
    "another spelling": (
        lambda store: Index(store).upload(build_wheel("acme-tools", "1.0", tag="py2.py3-none-any")),
        f"packages/{NAME}/acme_tools-1.0-py3.py2-none-any.whl",
        build_wheel("acme-tools", "1.0", tag="py3.py2-none-any").content,
        "in another spelling",
    ),
    "an archived project": (archived, KEY, WHEEL.content, "is archived and takes no uploads"),
    "a legacy format": (
        NOTHING,
        f"packages/{NAME}/acme_tools-1.0.tar.bz2",
        build_sdist("acme-tools", "1.0", format="bztar").content,
        "Invalid filename: ",
    ),
    "too large": (NOTHING, KEY, b"0" * 100_000_001, "File too large: "),
}


@pytest.mark.parametrize(("before", "key", "body", "reason"), UNFIT.values(), ids=UNFIT)
def test_unfit_files(
    memory: Store,
    caplog: pytest.LogCaptureFixture,
    before: Callable[[Store], object],
    key: str,
    body: bytes,
    reason: str,
) -> None:
    """What is not fit to be listed is moved aside with a report of why, and the log says it."""
    before(memory)
    documents = [memory.get(e.key) for e in memory.list(keys.PROJECTS)]
    memory.put(key, body)
    with caplog.at_level(logging.WARNING):
        assert settle(memory, key, key) == ["rejected", "known"]
    filename = key.rpartition("/")[2]
    aside = rejected(memory)
    assert aside[filename] == body
    report = json.loads(aside[f"{filename}.report.json"])
    assert report["key"] == key
    assert report["size"] == len(body)
    assert reason in report["reason"]
    assert [memory.get(e.key) for e in memory.list(keys.PROJECTS)] == documents
    assert key not in [e.key for e in memory.list(keys.PACKAGES)]
    [record] = [r for r in caplog.records if r.message == "object rejected"]
    assert reason in record.fields["reason"]  # type: ignore[attr-defined]


def test_a_file_put_there_meanwhile_is_not_moved(memory: Store) -> None:
    """When the unfit object is replaced by a sound one while it is moved aside, that one stays."""

    class Slow(ObjectStore):
        def copy(self, source: str, target: str) -> None:
            super().copy(source, target)
            self.put(KEY, WHEEL.content)

    memory.put(KEY, b"x")
    slow = Slow(memory._client)  # type: ignore[attr-defined]
    assert settle(slow, KEY) == ["rejected"]
    assert memory.get(KEY).body == WHEEL.content
    assert settle(memory, KEY) == ["listed"]


def test_sidecars(memory: Store) -> None:
    """A signature that is dropped beside a listed file is announced, until it is removed."""
    settle(memory, drop(memory, WHEEL))
    memory.put(f"{KEY}.asc", SIGNATURE)
    memory.put(f"{KEY}.provenance", b'{"version":1,"attestation_bundles":[]}')
    assert settle(memory, f"{KEY}.asc", f"{KEY}.provenance") == ["listed", "known"]
    file = listed(memory)[WHEEL.filename]
    assert file["gpg-sig"] is True
    memory.delete(f"{KEY}.asc")
    assert settle(memory, f"{KEY}.asc") == ["listed"]
    assert "gpg-sig" not in listed(memory)[WHEEL.filename]


@pytest.mark.parametrize(
    "key", ["users/x.json", "packages/", "packages/acme-tools/", "rejected/a/b.whl"]
)
def test_other_keys(memory: Store, key: str) -> None:
    """Keys elsewhere, and the folder markers of consoles, are none of its business."""
    assert settle(memory, key) == ["ignored"]


@pytest.mark.parametrize(
    "key", ["packages//x.whl", "packages/../users/x", "packages/a/./b.whl", ""]
)
def test_keys_without_address(store: Store, key: str) -> None:
    """A key that the store cannot address is left alone."""
    assert settle(store, key) == ["ignored"]


@pytest.mark.parametrize(
    "name", ["a b.whl", "é.whl", "a+b%20c.whl", "a%2Fb.whl", "a#b?c=d.whl", '"a".whl']
)
def test_odd_keys(store: Store, name: str) -> None:
    """Whatever characters a key has, its object is found, and moved aside under that name."""
    key = f"packages/{NAME}/{name}"
    store.put(key, b"x")
    assert settle(store, key) == ["rejected"]
    assert rejected(store)[name] == b"x"
