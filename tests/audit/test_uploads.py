"""Uploads in the audit trail: before they take effect, or not at all."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from obstore.store import MemoryStore

from distributions import build_wheel
from dying import DyingStore, Killed
from forms import CONTENT_TYPE, encode, parts
from indexes import UPLOADER, Index, content, form
from wheelyard.audit.event import Actor, Event
from wheelyard.audit.trail import Trail
from wheelyard.errors import StorageError
from wheelyard.index.catalogue import Catalogue
from wheelyard.publish.publisher import Publisher
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Shelf
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store

WHEEL = build_wheel("acme-tools", "1.0")
OTHER = build_wheel("acme-tools", "1.0", requires_python=">=3.12")


def uploads(store: Store) -> list[Event]:
    """The trail's entries about uploads, newest first."""
    now = datetime.now(UTC)
    events = Trail(store).between(now - timedelta(days=1), now + timedelta(days=1))
    return [event for event in events if event.change.action == "upload"]


def test_upload() -> None:
    """An upload's entry says who, from where, with what, and which file with its digest."""
    index = Index()
    content_type, body = form(WHEEL)
    headers = {"content-type": content_type, "user-agent": "twine/7.0.0"}
    answer = index.ask(
        "POST", "/legacy/", UPLOADER, headers, [body], client="192.0.2.1", id="request-1"
    )
    assert answer.status == 200
    (event,) = uploads(index.store)
    assert event.actor == Actor("uploader", "http", "", "192.0.2.1", "twine/7.0.0", "request-1")
    assert event.change.project == "acme-tools"
    assert event.change.files == ((WHEEL.filename, WHEEL.sha256),)
    assert event.change.details == {"version": "1.0", "size": len(WHEEL.content)}
    assert event.result == "accepted"


def test_no_change_no_entry() -> None:
    """The same file again, and what is refused, are no changes and have no entries."""
    index = Index()
    index.upload(WHEEL)
    assert index.upload(WHEEL).status == 200
    assert index.upload(OTHER).status == 400
    assert index.upload(WHEEL, {"name": "other"}).status == 400
    assert len(uploads(index.store)) == 1


class Unrecordable(ObjectStore):
    """A store that cannot be written to where the trail is."""

    broken = True

    def create(self, key: str, body: bytes) -> str:
        if self.broken and key.startswith("audit/"):
            raise StorageError("slow down")
        return super().create(key, body)


def test_not_recorded_not_published() -> None:
    """While the trail cannot be written nothing is published: 503, and the same upload works later."""
    store = Unrecordable(MemoryStore())
    store.broken = False
    index = Index(store)
    store.broken = True
    answer = index.upload(WHEEL)
    assert answer.status == 503
    assert answer.header("retry-after")
    assert list(store.list("packages/")) == list(store.list("projects/")) == []
    store.broken = False
    assert index.upload(WHEEL).status == 200
    assert len(uploads(store)) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed(after: bool) -> None:
    """Whenever the writer dies, what is stored of a file was recorded before."""
    writes = _publish(DyingStore(ObjectStore(MemoryStore()), 0, after=after)).writes
    for step in range(1, writes + 1):
        store = ObjectStore(MemoryStore())
        with pytest.raises(Killed):
            _publish(DyingStore(store, step, after=after))
        if list(store.list("packages/")):
            assert uploads(store)
        _publish(DyingStore(store, 0, after=after))
        assert uploads(store)
        document: Any = json.loads(store.get("projects/acme-tools.json").body)
        assert [file["filename"] for file in document["files"]] == [WHEEL.filename]


def _publish(store: DyingStore) -> DyingStore:
    shelf = Shelf(store, Catalogue(store), Rules(10**9))
    record = Trail(store).by(Actor("alice", "http"))
    Publisher(shelf, record).publish(CONTENT_TYPE, [encode(parts(WHEEL))])
    return store


def test_lost_race() -> None:
    """An upload that loses against another after it was recorded has an entry that says so."""
    index = Index()

    class Racing(ObjectStore):
        """Somebody else stores another file under the name after this writer's last look."""

        def create_from(self, key: str, path: Any) -> None:
            assert index.upload(OTHER).status == 200
            super().create_from(key, path)

    racing = Index(Racing(index.store._client))  # type: ignore[attr-defined]
    answer = racing.upload(WHEEL)
    assert answer.status == 400
    assert b"File already exists" in content(answer)
    failed, *accepted = uploads(index.store)
    assert failed.result == "failed"
    assert failed.reason.startswith("File already exists")
    (own,) = (event for event in accepted if event.id == failed.of)
    assert own.change.files == ((WHEEL.filename, WHEEL.sha256),)
    assert len(accepted) == 2
