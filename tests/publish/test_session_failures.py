"""Publishing sessions that fail half-way: none of their files is ever listed, whatever comes after."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from distributions import BuiltDistribution, build_sdist, build_wheel
from dying import DyingStore, Killed
from forms import CONTENT_TYPE, encode, parts
from stores import Bucket
from wheelyard.audit.event import Actor
from wheelyard.audit.trail import Trail
from wheelyard.client.direct import upload_to_store
from wheelyard.errors import Conflict, FileExists, Forbidden, NotFound, StorageError
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.filenames import parse_filename
from wheelyard.protocol.names import project_name
from wheelyard.publish.arrivals import Arrivals
from wheelyard.publish.publisher import Publisher
from wheelyard.publish.rebuild import rebuild
from wheelyard.publish.rules import Rules
from wheelyard.publish.session import Session
from wheelyard.publish.session_files import BYTES, PARTS, Announced, SessionFiles
from wheelyard.publish.session_records import SessionRecords
from wheelyard.publish.sessions import LIFETIME, Sessions
from wheelyard.publish.shelf import Shelf
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.multipart import multipart
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Entry, Store, Stored

NAME = project_name("acme-tools")
FIRST, SECOND, THIRD = (
    build_wheel("acme-tools", "1.0"),
    build_wheel("acme-tools", "1.0", tag="py3-none-win_amd64"),
    build_sdist("acme-tools", "1.0"),
)
SESSION = (FIRST, SECOND, THIRD)
RIVAL = build_sdist("acme-tools", "1.0", files={"acme_tools-1.0/other.py": b"other = 1\n"})


class Beaten(DyingStore):
    """Passes everything on; the rival is stored in the third file's place once the second has its own."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, 0, after=False)

    def copy(self, source: str, target: str) -> None:
        super().copy(source, target)
        if target == keys.package(NAME, SECOND.filename):
            self._store.put(keys.package(NAME, THIRD.filename), RIVAL.content)


class Undeleting(DyingStore):
    """Passes everything on, but deletes no published file, as the role of the uploads."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, 0, after=False)

    def delete(self, key: str) -> None:
        if key.startswith(keys.PACKAGES):
            raise StorageError(f"{key}: AccessDenied")
        super().delete(key)


def sessions(store: Store, now: float = 0, **rules: bool) -> tuple[Sessions, SessionFiles]:
    """As a process has them."""
    shelf = _shelf(store, **rules)
    records = SessionRecords(store, multipart(store))
    return Sessions(shelf, records, lambda: now), SessionFiles(shelf, records)


def _shelf(store: Store, **rules: bool) -> Shelf:
    return Shelf(store, Catalogue(store), Rules(10**9, **rules))


def staged(store: Store, **rules: bool) -> Session:
    """A session with three completed files."""
    made, files = sessions(store, **rules)
    session = made.create(NAME, "1.0", "uploader")
    for built in SESSION:
        hashes = {"sha256": built.sha256}
        files.start(session, Announced(built.filename, len(built.content), hashes, BYTES))
        session = made.find(NAME, "1", session.id)
        files.receive(session, built.filename, [built.content])
        session = made.find(NAME, "1", session.id)
        files.complete(session, built.filename)
        session = made.find(NAME, "1", session.id)
    return session


def listed(store: Store) -> dict[str, str]:
    """The listed files by name, each with its digest."""
    return {file.filename: file.hashes["sha256"] for file in _shelf(store).project(NAME).files}


def settle(store: Store) -> None:
    """What the events of all that is stored lead to, and a rebuild, and the events again."""
    arrivals = Arrivals(_shelf(store))
    for _ in range(2):
        for folder in (keys.PACKAGES, keys.WITHDRAWN):
            for entry in list(store.list(folder)):
                arrivals.settle(entry.key)
        rebuild(_shelf(store), lambda _survey: lambda _done: None)


OURS = {built.sha256 for built in SESSION}
UPLOADERS = {"may delete": lambda store: store, "may not": Undeleting}


@pytest.fixture(params=["memory", "directory", "s3_moto"])
def new_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Store]:
    """Makes empty stores of every kind."""

    def make() -> Store:
        if request.param == "memory":
            return ObjectStore(MemoryStore())
        if request.param == "directory":
            return DirectoryStore(tmp_path_factory.mktemp("store"))
        server = request.getfixturevalue(request.param)
        return Bucket(server, server.new_bucket(), "acme").open()

    return make


@pytest.mark.parametrize("uploader", UPLOADERS)
def test_beaten(new_store: Callable[[], Store], uploader: str) -> None:
    """Whoever finds the last name taken has stored files that nobody lists, until all can be."""
    store = new_store()
    session = staged(store)
    made, files = sessions(Beaten(UPLOADERS[uploader](store)))
    with pytest.raises(FileExists, match="was published with other content"):
        made.publish(session)
    assert made.find(NAME, "1", session.id).status == "open"
    if uploader == "may not":
        # Nobody else's either, under these names, while they wait to be taken away.
        shelf = _shelf(Undeleting(store))
        for built in (FIRST, build_wheel("acme-tools", "1.0", requires_python=">=3.12")):
            with pytest.raises(FileExists, match="is just being taken away"):
                Publisher(shelf).publish(CONTENT_TYPE, [encode(parts(built))])
        report = rebuild(shelf, lambda _survey: lambda _done: None)
        refused = [each.reason for changes in report.changes for each in changes.refused]
        assert sum("is just being taken away" in reason for reason in refused) == 2
        with pytest.raises(FileExists, match="is just being taken away"):
            made.publish(session)
    settle(store)
    assert set(listed(store).values()) == {RIVAL.sha256}
    left = {entry.key.rpartition("/")[2] for entry in store.list(keys.PACKAGES)}
    assert left == {THIRD.filename, f"{THIRD.filename}.metadata"}
    assert not list(store.list(keys.WITHDRAWN))
    files.remove(session, THIRD.filename)
    made.publish(session)
    settle(store)
    assert set(listed(store)) == {built.filename for built in SESSION}
    assert OURS & set(listed(store).values()) == {FIRST.sha256, SECOND.sha256}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("uploader", UPLOADERS)
@pytest.mark.parametrize("ending", ["retry", "expiry"])
def test_killed_while_failing(after: bool, uploader: str, ending: str) -> None:
    """Killed at any write of a publication that fails: by no event, rebuild or retry is one file listed."""

    def uploading(store: Store) -> Store:
        return Beaten(UPLOADERS[uploader](store))

    counting = DyingStore(ObjectStore(MemoryStore()), 0, after=False)
    session = staged(counting._store)
    with pytest.raises(FileExists):
        sessions(uploading(counting))[0].publish(session)
    assert counting.writes > 6
    for step in range(1, counting.writes + 1):
        store = ObjectStore(MemoryStore())
        session = staged(store)
        with pytest.raises((Killed, FileExists)):
            sessions(uploading(DyingStore(store, step, after=after)))[0].publish(session)
        settle(store)
        assert not OURS & set(listed(store).values()), step
        # However far it came, the other file is there by now.
        store.put(keys.package(NAME, THIRD.filename), RIVAL.content)
        if ending == "retry":
            with pytest.raises(FileExists):
                sessions(uploading(store))[0].publish(session)
        else:
            sessions(uploading(store), now=LIFETIME + 1)[0].sweep()
        settle(store)
        assert set(listed(store).values()) == {RIVAL.sha256}, step
        left = {entry.key.rpartition("/")[2] for entry in store.list(keys.PACKAGES)}
        assert left == {THIRD.filename, f"{THIRD.filename}.metadata"}, step
        if ending == "expiry":
            with pytest.raises(NotFound):
                sessions(store, now=LIFETIME + 1)[0].find(NAME, "1", session.id)


def test_promised() -> None:
    """A file of a session that is being published is no other upload's, not even of the same bytes."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    # Once the first two are stored.
    with pytest.raises(Killed):
        sessions(DyingStore(store, 5, after=True))[0].publish(session)
    assert store.exists(keys.package(NAME, FIRST.filename))
    with pytest.raises(FileExists, match="is just being published by a session"):
        Publisher(_shelf(store)).publish(CONTENT_TYPE, [encode(parts(FIRST))])
    assert listed(store) == {}
    sessions(store)[0].publish(session)
    assert set(listed(store).values()) == OURS
    Publisher(_shelf(store)).publish(CONTENT_TYPE, [encode(parts(FIRST))])


def test_gone(new_store: Callable[[], Store]) -> None:
    """Where a staged file is lost, nothing is published, and the others can be once it is deleted."""
    store = new_store()
    session = staged(store)
    file = session.find(THIRD.filename)
    assert file is not None
    store.delete(file.staged)
    made, files = sessions(store)
    with pytest.raises(Conflict, match="is gone from the store"):
        made.publish(session)
    settle(store)
    assert listed(store) == {}
    files.remove(session, THIRD.filename)
    made.publish(session)
    assert set(listed(store).values()) == {FIRST.sha256, SECOND.sha256}


@pytest.mark.parametrize("uploader", UPLOADERS)
def test_uploaded_meanwhile(uploader: str) -> None:
    """A file that a form created, and a session that fails took for its own, is there once it is listed."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    with pytest.raises(Killed):  # once it has promised all three
        sessions(DyingStore(store, 1, after=True))[0].publish(session)

    class Slow(DyingStore):
        """The session fails before the file is listed."""

        def create(self, key: str, body: bytes) -> str:
            if key == keys.project(NAME):
                with pytest.raises(FileExists):
                    sessions(Beaten(UPLOADERS[uploader](store)))[0].publish(session)
            return super().create(key, body)

    Publisher(_shelf(Slow(store, 0, after=False))).publish(CONTENT_TYPE, [encode(parts(FIRST))])
    for _ in range(2):
        assert listed(store)[FIRST.filename] == FIRST.sha256
        key = keys.package(NAME, FIRST.filename)
        assert store.get(key).body == FIRST.content
        assert store.exists(f"{key}.metadata")
        settle(store)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_published_twice(after: bool) -> None:
    """A publication that is sent again while it goes on, and ends in between, is told that it succeeded."""
    counting = DyingStore(ObjectStore(MemoryStore()), 0, after=False)
    sessions(counting)[0].publish(staged(counting._store))
    assert counting.writes > 8
    for step in range(1, counting.writes + 1):
        store = ObjectStore(MemoryStore())
        session = staged(store)
        published = partial(sessions(store)[0].publish, session)
        made, _ = sessions(DyingStore(store, step, after=after, die=published))
        assert made.publish(session).status == "published", step
        assert set(listed(store).values()) == OURS
        assert not list(store.list(keys.UPLOADED))


def test_found_unfit_meanwhile() -> None:
    """A session that another request gave up meanwhile is not said to be published; a retry is."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    records = SessionRecords(store, multipart(store))

    class Ended(DyingStore):
        """The session is open again once its files are listed."""

        def create(self, key: str, body: bytes) -> str:
            etag = super().create(key, body)
            if key == keys.project(NAME):
                records.edit(session, lambda now: now._replace(status="open", placing=()))
            return etag

    with pytest.raises(Conflict, match="publish it again"):
        sessions(Ended(store, 0, after=False))[0].publish(session)
    made, _ = sessions(store)
    assert made.find(NAME, "1", session.id).status == "open"
    assert made.publish(session).status == "published"
    assert set(listed(store).values()) == OURS


class Overtaken(DyingStore):
    """Somebody does something just before it is looked at what waits in a session."""

    def __init__(self, store: Store, act: Callable[[], object]) -> None:
        super().__init__(store, 0, after=False)
        self._act: Callable[[], object] | None = act

    def _overtake(self, key: str) -> None:
        if key.startswith(keys.UPLOADED) and self._act is not None:
            act, self._act = self._act, None
            act()

    def get(self, key: str) -> Stored:
        self._overtake(key)
        return super().get(key)

    def list(self, prefix: str) -> Iterator[Entry]:
        self._overtake(prefix)
        return super().list(prefix)


def test_published_before_it_was_looked_at() -> None:
    """A publication is told that it succeeded, too, if it did before the repeated one had begun."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    made, _ = sessions(Overtaken(store, partial(sessions(store)[0].publish, session)))
    assert made.publish(session).status == "published"
    assert set(listed(store).values()) == OURS


def sent(store: Store, mechanism: str) -> Session:
    """A session with one file, which has arrived."""
    made, files = sessions(store)
    session = made.create(NAME, "1.0", "uploader")
    hashes, size = {"sha256": FIRST.sha256}, len(FIRST.content)
    file = files.start(session, Announced(FIRST.filename, size, hashes, mechanism))
    session = made.find(NAME, "1", session.id)
    if mechanism == PARTS:
        files.receive_part(file, 1, [FIRST.content], size)
    else:
        files.receive(session, FIRST.filename, [FIRST.content])
    return made.find(NAME, "1", session.id)


@pytest.mark.parametrize("mechanism", [BYTES, PARTS])
def test_completed_twice(mechanism: str) -> None:
    """A completion that is sent again while it goes on, and ends in between, is told that it succeeded."""
    counting = DyingStore(ObjectStore(MemoryStore()), 0, after=False)
    sessions(counting)[1].complete(sent(counting._store, mechanism), FIRST.filename)
    assert counting.writes >= 2
    for step, after in product(range(1, counting.writes + 1), (False, True)):
        store = ObjectStore(MemoryStore())
        session = sent(store, mechanism)
        completed = partial(sessions(store)[1].complete, session, FIRST.filename)
        _, files = sessions(DyingStore(store, step, after=after, die=completed))
        assert files.complete(session, FIRST.filename).status == "completed", step
        assert sessions(store)[0].publish(session).status == "published"


def test_joined_twice() -> None:
    """Parts that another request put together meanwhile have not got lost."""
    store = ObjectStore(MemoryStore())
    session = sent(store, PARTS)
    completed = partial(sessions(store)[1].complete, session, FIRST.filename)
    _, files = sessions(Overtaken(store, completed))
    assert files.complete(session, FIRST.filename).status == "completed"


OLD = build_wheel("acme-tools", "1.0", requires_python=">=3.12")


@pytest.mark.parametrize("gone", [FIRST, THIRD], ids=["itself", "another"])
def test_not_replaced(new_store: Callable[[], Store], gone: BuiltDistribution) -> None:
    """A session that fails leaves the published file that it was to replace as it is."""
    store = new_store()
    Publisher(_shelf(store)).publish(CONTENT_TYPE, [encode(parts(OLD))])
    session = staged(store, overwrite=True)
    file = session.find(gone.filename)
    assert file is not None
    store.delete(file.staged)
    made, files = sessions(store, overwrite=True)
    with pytest.raises(Conflict, match="is gone from the store"):
        made.publish(session)
    assert listed(store) == {OLD.filename: OLD.sha256}
    left = {entry.key.rpartition("/")[2]: entry.key for entry in store.list(keys.PACKAGES)}
    assert set(left) == {OLD.filename, f"{OLD.filename}.metadata"}
    assert store.get(left[OLD.filename]).body == OLD.content
    files.remove(session, gone.filename)
    made.publish(session)
    assert OURS - {gone.sha256} <= set(listed(store).values())


class Archived(DyingStore):
    """The project is archived once the first file has its place."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, 0, after=False)

    def copy(self, source: str, target: str) -> None:
        super().copy(source, target)
        if target == keys.package(NAME, FIRST.filename):
            _shelf(self._store).edit(NAME, lambda project: project._replace(status="archived"))


def test_replaced_and_not_listed() -> None:
    """A file that replaced another one, which cannot be put back, is not taken away if all fails then."""
    store = ObjectStore(MemoryStore())
    Publisher(_shelf(store)).publish(CONTENT_TYPE, [encode(parts(OLD))])
    session = staged(store, overwrite=True)
    with pytest.raises(Forbidden, match="is archived"):
        sessions(Archived(store), overwrite=True)[0].publish(session)
    left = {entry.key.rpartition("/")[2]: entry.key for entry in store.list(keys.PACKAGES)}
    assert set(left) == {FIRST.filename, f"{FIRST.filename}.metadata"}
    assert store.get(left[FIRST.filename]).body == FIRST.content


class Interrupted(DyingStore):
    """Somebody does something once a session was read, before it is read again."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, 0, after=False)
        self.act: Callable[[], None] | None = None

    def get(self, key: str) -> Stored:
        stored = super().get(key)
        if key == keys.session(NAME, "1") and self.act is not None:
            act, self.act = self.act, None
            act()
        return stored


@pytest.mark.parametrize("then", ["swept", "opened again"])
def test_published_as_it_expires(then: str) -> None:
    """A session whose publication begins as it expires is neither swept nor replaced half-way."""
    store = ObjectStore(MemoryStore())
    session = staged(store)

    def publish_a_part() -> None:
        with pytest.raises(Killed):
            sessions(DyingStore(store, 5, after=True))[0].publish(session)

    interrupted = Interrupted(store)
    shelf, now = _shelf(interrupted), LIFETIME - 1.0
    late = Sessions(shelf, SessionRecords(interrupted, multipart(store)), lambda: now)
    late.create(project_name("acme-zebra"), "1.0", "uploader")  # which sweeps, for the next hour
    now, interrupted.act = LIFETIME + 1.0, publish_a_part
    if then == "swept":
        late.sweep()
        assert set(listed(store).values()) == OURS
        return
    with pytest.raises(Conflict, match="there is a session"):
        late.create(NAME, "1.0", "somebody else")
    settle(store)
    assert listed(store) == {}
    sessions(store, now=LIFETIME + 1)[0].sweep()
    assert set(listed(store).values()) == OURS


def test_deleted_meanwhile() -> None:
    """If one of the files turns out to have been deleted just now, all of them are unlisted again."""
    store = ObjectStore(MemoryStore())
    session = staged(store)

    class Deleting(DyingStore):
        """Somebody deletes the second file when the document is written."""

        def create(self, key: str, body: bytes) -> str:
            etag = super().create(key, body)
            if key == keys.project(NAME):
                tombstone = keys.tombstone(NAME, parse_filename(SECOND.filename).canonical)
                self._store.put(tombstone, b'{"filename": "x", "sha256": null}')
            return etag

    with pytest.raises(FileExists, match="was published and deleted"):
        sessions(Deleting(store, 0, after=False))[0].publish(session)
    settle(store)
    assert listed(store) == {}
    assert not list(store.list(keys.PACKAGES))


@pytest.mark.parametrize("by", ["the retry", "a form", "a rebuild"])
def test_orders_that_nobody_hears_of(new_store: Callable[[], Store], by: str) -> None:
    """Where no function hears of an order, whoever comes by next, and may delete, carries it out."""
    store = new_store()
    session = staged(store)
    made, files = sessions(store)
    with pytest.raises(FileExists):
        sessions(Beaten(Undeleting(store)))[0].publish(session)
    assert len(list(store.list(keys.WITHDRAWN))) == 2
    if by == "the retry":
        files.remove(session, THIRD.filename)
        made.publish(session)
        assert set(listed(store).values()) == {FIRST.sha256, SECOND.sha256}
    elif by == "a form":
        other = build_wheel("acme-tools", "1.0", requires_python=">=3.12")
        Publisher(_shelf(store)).publish(CONTENT_TYPE, [encode(parts(other))])
        assert listed(store) == {other.filename: other.sha256}
    else:
        rebuild(_shelf(store), lambda _survey: lambda _done: None)
        assert set(listed(store).values()) == {RIVAL.sha256}
        left = {entry.key.rpartition("/")[2] for entry in store.list(keys.PACKAGES)}
        assert left == {THIRD.filename, f"{THIRD.filename}.metadata"}
    assert len(list(store.list(keys.WITHDRAWN))) == (1 if by == "a form" else 0)


class Freed(DyingStore):
    """Once the first file is deleted, another upload has its name, and a signature beside it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, 0, after=False)

    def delete(self, key: str) -> None:
        super().delete(key)
        if key == keys.package(NAME, FIRST.filename):
            self._store.put(key, FIRST.content)
            self._store.put(f"{key}.asc", b"signature")


@pytest.mark.parametrize("uploader", UPLOADERS)
def test_freed(uploader: str) -> None:
    """Whoever has the name of a file that was taken away keeps what stands beside it."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    with pytest.raises(FileExists):
        sessions(Beaten(UPLOADERS[uploader](Freed(store))))[0].publish(session)
    if uploader == "may not":
        order = keys.withdrawn(NAME, FIRST.filename)
        assert Arrivals(_shelf(Freed(store))).settle(order).outcome == "removed"
    assert store.exists(keys.signature(NAME, FIRST.filename))


def test_put_back_by_its_owner() -> None:
    """An order is about one object: the same bytes, put there again by the bucket's owner, are listed."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    with pytest.raises(FileExists):
        sessions(Beaten(Undeleting(store)))[0].publish(session)
    store.put(keys.package(NAME, FIRST.filename), FIRST.content)
    settle(store)
    assert set(listed(store).values()) == {FIRST.sha256, RIVAL.sha256}
    assert not list(store.list(keys.WITHDRAWN))


def changed(raw: bytes, **fields: object) -> bytes:
    """A record with other fields; those that are ``...`` are taken out."""
    record = {**json.loads(raw), **fields}
    return json.dumps({name: value for name, value in record.items() if value is not ...}).encode()


UNREADABLE: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda raw: raw[:-9],
    "a list": lambda _: b"[]",
    "of an older form": lambda raw: changed(raw, placing=...),
    "of a newer form": lambda raw: changed(raw, unheard_of=1),
    "a name that is none": lambda raw: changed(raw, name="-"),
    "no name": lambda raw: changed(raw, name=None),
    "no time": lambda raw: changed(raw, expires=None),
    "a time in words": lambda raw: changed(raw, created="yesterday"),
    "no state": lambda raw: changed(raw, status=None),
    "files that are none": lambda raw: changed(raw, files=["x"]),
    "a file without a name": lambda raw: changed(
        raw, files=[{**file, "filename": None} for file in json.loads(raw)["files"]]
    ),
}


@pytest.mark.parametrize("spoil", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable(spoil: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture) -> None:
    """A record that cannot be read is no session: it is warned of, and stands in the way of nothing."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    with pytest.raises(Killed):  # once the first two are stored
        sessions(DyingStore(store, 5, after=True))[0].publish(session)
    key = keys.session(NAME, "1")
    store.put(key, spoil(store.get(key).body))
    made, _ = sessions(store)
    with pytest.raises(NotFound):
        made.find(NAME, "1", session.id)
    with pytest.raises(NotFound):
        made.publish(session)
    assert key in caplog.text
    made.create(project_name("acme-zebra"), "1.0", "uploader")
    assert sessions(store, now=LIFETIME + 1)[0].sweep() == 1
    Publisher(_shelf(store)).publish(CONTENT_TYPE, [encode(parts(FIRST))])
    dropped = keys.package(NAME, THIRD.filename)
    store.put(dropped, THIRD.content)
    assert Arrivals(_shelf(store)).settle(dropped).outcome == "listed"
    rebuild(_shelf(store), lambda _survey: lambda _done: None)
    assert set(listed(store).values()) == OURS
    opened = made.create(NAME, "1.0", "somebody else")
    assert made.find(NAME, "1", opened.id) == opened


def test_sweeping_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """A session that cannot be brought to its end stops no other one from coming to its own."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    with pytest.raises(Killed):
        sessions(DyingStore(store, 1, after=True))[0].publish(session)
    sessions(store)[0].create(project_name("acme-zebra"), "1.0", "uploader")
    store.put(keys.project(NAME), b"{")
    late, _ = sessions(store, now=LIFETIME + 1)
    assert late.sweep() == 1
    assert keys.session(NAME, "1") in caplog.text
    store.delete(keys.project(NAME))
    assert late.sweep() == 1
    assert set(listed(store).values()) == OURS


def test_long_versions() -> None:
    """A file of a version longer than a session's can be is refused as any other, and ends nothing else."""
    store = ObjectStore(MemoryStore())
    long = build_wheel("acme-tools", f"1.{'1' * 200}")
    key = keys.package(NAME, long.filename)
    for built in (long, FIRST):
        store.put(keys.package(NAME, built.filename), built.content)
    [changes] = rebuild(_shelf(store), lambda _survey: lambda _done: None).changes
    assert [refused.key for refused in changes.refused] == [key]
    assert set(listed(store)) == {FIRST.filename}
    assert Arrivals(_shelf(store)).settle(key).outcome == "rejected"


def test_ended_by_somebody_else_s_upload(tmp_path: Path) -> None:
    """What an upload straight into the store publishes of somebody who died is recorded as theirs."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    with pytest.raises(Killed):
        sessions(DyingStore(store, 1, after=True))[0].publish(session)
    another = build_wheel("acme-tools", "1.0", tag="py3-none-win_arm64")
    path = tmp_path / another.filename
    path.write_bytes(another.content)
    assert upload_to_store([path], store)[0].published
    assert set(listed(store).values()) == {*OURS, another.sha256}
    now = datetime.now(UTC)
    events = list(Trail(store).between(now - timedelta(hours=1), now + timedelta(hours=1)))
    [theirs] = [event for event in events if event.actor == Actor("uploader", "session")]
    assert {file.sha256 for file in theirs.change.files} == OURS


def test_finished_late() -> None:
    """A session that expired while it was being published is still found, and published by a retry."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    with pytest.raises(Killed):  # once the first two are stored
        sessions(DyingStore(store, 5, after=True))[0].publish(session)
    late, _ = sessions(store, now=LIFETIME + 1)
    with pytest.raises(FileExists, match="is just being published by a session"):
        Publisher(_shelf(store)).publish(CONTENT_TYPE, [encode(parts(FIRST))])
    assert late.publish(late.find(NAME, "1", session.id)).status == "published"
    assert set(listed(store).values()) == OURS
    with pytest.raises(NotFound):
        late.find(NAME, "1", session.id)


class Watched(DyingStore):
    """Passes everything on, and knows the records of sessions that were read."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, 0, after=False)
        self.read_records: list[str] = []

    def get(self, key: str) -> Stored:
        if key.startswith(keys.SESSIONS):
            self.read_records.append(key)
        return super().get(key)


def test_first_of_a_process(
    new_store: Callable[[], Store], caplog: pytest.LogCaptureFixture
) -> None:
    """Who opens a process's first session ends expired ones of others, and later empties their records."""
    store = new_store()
    session = staged(store)
    with pytest.raises(Killed):
        sessions(DyingStore(store, 5, after=True))[0].publish(session)
    key, other = keys.session(NAME, "1"), project_name("acme-zebra")
    sessions(store, now=LIFETIME + 1)[0].create(other, "1.0", "uploader")
    assert set(listed(store).values()) == OURS
    sessions(store, now=LIFETIME + 2)[0].create(other, "2.0", "uploader")
    assert store.head(key).size == 0
    watched = Watched(store)
    assert sessions(watched, now=LIFETIME + 3)[0].sweep() == 0
    assert sorted(watched.read_records) == [keys.session(other, "1"), keys.session(other, "2")]
    made, _ = sessions(store, now=LIFETIME + 3)
    with pytest.raises(NotFound):
        made.publish(session)
    opened = made.create(NAME, "1.0", "uploader")
    assert made.find(NAME, "1", opened.id) == opened
    assert "counts as no session" not in caplog.text


def test_sweeping_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep looks at so many records at most, and the next ones at those that are left."""
    monkeypatch.setattr("wheelyard.publish.sessions.MOST_SWEPT", 2)
    store = ObjectStore(MemoryStore())
    made, _ = sessions(store)
    for version in "12345":
        made.cancel(made.create(NAME, version, "uploader"))
    looked_at = []
    for _ in range(4):
        watched = Watched(store)
        sessions(watched, now=LIFETIME + 1)[0].sweep()
        looked_at.append(len(watched.read_records))
    assert looked_at == [2, 2, 1, 0]


def test_who_cannot_sweep(caplog: pytest.LogCaptureFixture) -> None:
    """Where a sweep fails, the session that was asked for is opened all the same."""

    class Refusing(DyingStore):
        """A store that deletes nothing."""

        def delete(self, key: str) -> None:
            raise StorageError(f"{key}: AccessDenied")

    store = ObjectStore(MemoryStore())
    staged(store)
    late, _ = sessions(Refusing(store, 0, after=False), now=LIFETIME + 1)
    opened = late.create(project_name("acme-zebra"), "1.0", "uploader")
    assert late.find(opened.name, "1", opened.id) == opened
    assert "are not swept" in caplog.text


def test_an_upload_into_the_store_sweeps_nothing(tmp_path: Path) -> None:
    """An upload straight into the store, which has rules of its own, ends no other release's session."""
    store = ObjectStore(MemoryStore())
    session = staged(store)
    with pytest.raises(Killed):
        sessions(DyingStore(store, 1, after=True))[0].publish(session)
    kit = build_wheel("acme-kit", "1.0")
    path = tmp_path / kit.filename
    path.write_bytes(kit.content)
    assert upload_to_store([path], store)[0].published
    assert listed(store) == {}
