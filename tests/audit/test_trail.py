"""audit.trail: an entry before each change, found again by time."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from stores import memory
from wheelyard.audit.event import Actor, AuditedFile, Change
from wheelyard.audit.trail import Trail
from wheelyard.errors import FileExists, InvalidDocument, StorageError
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Entry, Store

ALICE = Actor("alice", "http", token="abc", client="192.0.2.1", user_agent="uv/0.13")
UPLOAD = Change("upload", "acme", (AuditedFile("acme-1.0.tar.gz", "ab" * 32),), {"size": 7})
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    """A clock that a test sets; each look moves it on by a microsecond."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> float:
        self.at += timedelta(microseconds=1)
        return self.at.timestamp()


class Unwritable(ObjectStore):
    """A store that takes no new objects."""

    def create(self, key: str, body: bytes) -> str:
        raise StorageError(f"{key}: {len(body)} bytes are too many")


class Counting(ObjectStore):
    """A store that counts the objects that were listed."""

    listed = 0

    def list(self, prefix: str) -> Iterator[Entry]:
        for entry in super().list(prefix):
            self.listed += 1
            yield entry


def entries(store: Store) -> list[str]:
    """The keys of the trail."""
    return [entry.key for entry in store.list("audit/")]


def test_entry() -> None:
    """An entry says who, what, which file with its digest, when, from where and what came of it."""
    store = memory()
    with Trail(store, Clock()).recording(ALICE, UPLOAD):
        (key,) = entries(store)
    assert key.startswith("audit/2026/11/22/120000.000001-")
    record = json.loads(store.get(key).body)
    assert record.pop("id") in key
    assert record == {
        "time": "2026-11-22T12:00:00.000001Z",
        "action": "upload",
        "result": "accepted",
        "user": "alice",
        "via": "http",
        "token": "abc",
        "client": "192.0.2.1",
        "user_agent": "uv/0.13",
        "project": "acme",
        "files": [{"filename": "acme-1.0.tar.gz", "sha256": "ab" * 32}],
        "details": {"size": 7},
    }


def test_failure() -> None:
    """A change that does not take effect has a second entry that names the first, and says why."""
    store = memory()
    trail = Trail(store, Clock())
    with pytest.raises(FileExists), trail.recording(ALICE, UPLOAD):
        raise FileExists("it was published with other content")
    failed, accepted = trail.between(NOON, NOON + timedelta(days=1))
    assert (accepted.result, failed.result) == ("accepted", "failed")
    assert failed.of == accepted.id
    assert failed.reason == "it was published with other content"
    assert failed.change == accepted.change == UPLOAD


def test_no_entry_no_change() -> None:
    """Where no entry can be written, what it would be about is not done."""
    trail = Trail(Unwritable(memory()._client), Clock())  # type: ignore[attr-defined]
    with pytest.raises(StorageError), trail.recording(ALICE, UPLOAD):
        pytest.fail("the change was made")


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (-10, 10, [3, 2, 1, 0, -1]),
        (0, 2, [1, 0]),
        (-1, 0, [-1]),
        (1, 3.5, [3, 2, 1]),
        (4, 10, []),
    ],
)
def test_between(since: float, until: float, expected: list[int]) -> None:
    """Entries are found from one time up to another, newest first, over the days' ends."""
    store, clock = memory(), Clock()
    trail = Trail(store, clock)
    for day in (-1, 0, 1, 2, 3):
        clock.at = NOON + timedelta(days=day, microseconds=-1)
        with trail.recording(ALICE, UPLOAD._replace(details={"day": day})):
            pass
    found = trail.between(NOON + timedelta(days=since), NOON + timedelta(days=until))
    assert [event.change.details["day"] for event in found] == expected


def test_only_the_days_asked_for() -> None:
    """Looking at one day lists that day alone, whatever the trail's length."""
    store, clock = Counting(memory()._client), Clock()  # type: ignore[attr-defined]
    trail = Trail(store, clock)
    for day in range(30):
        clock.at = NOON + timedelta(days=day)
        with trail.recording(ALICE, UPLOAD):
            pass
    since = NOON.replace(hour=0) + timedelta(days=7)
    assert len(list(trail.between(since, since + timedelta(days=1)))) == 1
    assert store.listed == 1


def test_unreadable_entry() -> None:
    """An entry that cannot be read is an error, not left out."""
    store = memory()
    store.put("audit/2026/11/22/120000.000000-00.json", b"{}")
    with pytest.raises(InvalidDocument, match="audit trail"):
        list(Trail(store).between(NOON, NOON + timedelta(days=1)))
