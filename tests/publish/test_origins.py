"""publish.origins: what is known of an imported file stays with it."""

import json
from datetime import UTC, datetime

import pytest

from distributions import BuiltDistribution, build_sdist, build_wheel
from indexes import Index
from stores import memory
from wheelyard.errors import InvalidDocument
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.archive import inspect
from wheelyard.publish.arrivals import Arrivals
from wheelyard.publish.incoming import Incoming, LocalFile
from wheelyard.publish.origins import Origin, dump_origin, find_origin
from wheelyard.publish.rebuild import rebuild
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Shelf
from wheelyard.storage import keys
from wheelyard.storage.staging import StagedFile
from wheelyard.storage.store import Store

TOOLS = ProjectName("acme-tools")
WHEEL = build_wheel("acme-tools", "1.0")
OLD = build_sdist("acme-tools", "0.9", format="bztar")
WHEN = "2019-03-04T05:06:07.000000Z"


def origin(file: BuiltDistribution) -> Origin:
    """What an old index knew of a file."""
    return Origin(file.sha256, WHEN, ">=3.6", "https://old.example/simple/", '"abc"')


def shelf(store: Store) -> Shelf:
    """The shelf of a server that takes neither old formats nor large files."""
    return Shelf(store, Catalogue(store), Rules(max_size=10))


def take(store: Store, file: BuiltDistribution) -> None:
    """Import one file."""
    with StagedFile(None) as staged:
        staged.file.write(file.content)
        staged.file.flush()
        distribution = inspect(staged.path, file.filename, legacy_formats=True)
        incoming = Incoming(distribution, len(file.content), file.sha256, origin=origin(file))
        placed = shelf(store).place(incoming, LocalFile(staged.path))
        shelf(store).list(TOOLS, [placed])


@pytest.mark.parametrize("file", [WHEEL, OLD])
def test_rebuild_honours_it(file: BuiltDistribution) -> None:
    """With the documents gone, a rebuild lists an imported file as its import did, whatever the rules."""
    store = memory()
    take(store, file)
    (before,) = shelf(store).project(TOOLS).files
    assert before.upload_time == WHEN
    assert before.requires_python == ">=3.6"
    store.delete(keys.project(TOOLS))
    report = rebuild(shelf(store), lambda _: lambda _: None)
    assert report.refused == ()
    assert shelf(store).project(TOOLS).files == (before,)
    assert not rebuild(shelf(store), lambda _: lambda _: None).changes


def test_an_event_honours_it() -> None:
    """An event that comes before the import has listed its file lists it as the import would."""
    store = memory()
    take(store, OLD)
    (before,) = shelf(store).project(TOOLS).files
    store.delete(keys.project(TOOLS))
    key = keys.package(TOOLS, OLD.filename)
    assert Arrivals(shelf(store)).settle(key).outcome == "listed"
    assert Arrivals(shelf(store)).settle(f"{key}.origin").outcome == "known"
    assert shelf(store).project(TOOLS).files == (before,)


def test_other_bytes() -> None:
    """The record of other bytes says nothing."""
    store = memory()
    Index(store).upload(WHEEL)
    store.put(keys.origin(TOOLS, WHEEL.filename), dump_origin(origin(OLD)))
    store.delete(keys.project(TOOLS))
    rebuild(Shelf(store, Catalogue(store), Rules(10**6)), lambda _: lambda _: None)
    (file,) = shelf(store).project(TOOLS).files
    assert file.upload_time is not None
    assert datetime.fromisoformat(file.upload_time).year == datetime.now(UTC).year
    assert file.requires_python is None


def test_deleting_takes_it_along() -> None:
    """With its file, the record is deleted."""
    store = memory()
    take(store, WHEEL)
    shelf(store).remove_beside(TOOLS, WHEEL.filename)
    assert find_origin(store, keys.origin(TOOLS, WHEEL.filename)) is None


def test_round_trip() -> None:
    """What is written is what is read; what is unknown is left out."""
    store = memory()
    for found in (origin(WHEEL), Origin(WHEEL.sha256)):
        store.put("packages/a/b.origin", dump_origin(found))
        assert find_origin(store, "packages/a/b.origin") == found
    assert json.loads(dump_origin(Origin(WHEEL.sha256))) == {"sha256": WHEEL.sha256}


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b"{}", b'{"sha256": 1}', b'{"sha256":"", "etag": []}']
)
def test_damage(raw: bytes) -> None:
    """A record that cannot be read is an error that says what to do, never no record."""
    store = memory()
    store.put("packages/a/b.origin", raw)
    with pytest.raises(InvalidDocument, match="remove it"):
        find_origin(store, "packages/a/b.origin")
