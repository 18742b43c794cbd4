"""management: deleting, yanking, status and lists, over every way that a command can be cut off."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from obstore.store import MemoryStore

from distributions import build_sdist, build_wheel
from dying import DyingStore, Killed
from indexes import JSON, Index, content
from stores import memory
from wheelyard.audit.event import Actor, Event
from wheelyard.errors import (
    InvalidFilename,
    InvalidName,
    InvalidVersion,
    NotFound,
    NotPossible,
    WheelyardError,
)
from wheelyard.management.management import Management
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store

WHEEL = build_wheel("acme-tools", "1.0")
SDIST = build_sdist("acme-tools", "1.0")
NEWER = build_wheel("acme-tools", "1.1")
ALICE = Actor("alice", "api", client="workstation")


@pytest.fixture
def index() -> Index:
    """An index with two releases of a project."""
    index = Index()
    for built in (WHEEL, SDIST, NEWER):
        assert index.upload(built).status == 200
    return index


@pytest.fixture
def management(index: Index) -> Management:
    """Management of it, by Alice."""
    return Management(index.store, ALICE)


def page(index: Index, project: str = "acme-tools") -> Any:
    """A project's page as clients get it."""
    return json.loads(content(index.get(f"/simple/{project}/", JSON)))


def filenames(index: Index) -> list[str]:
    """The files that clients are offered."""
    return [file["filename"] for file in page(index)["files"]]


def stored(store: Store) -> list[str]:
    """What is stored of files."""
    return [entry.key.removeprefix("packages/acme-tools/") for entry in store.list("packages/")]


def audited(management: Management, action: str) -> list[Event]:
    """The trail's entries of one kind."""
    return [event for event in management.audit() if event.change.action == action]


@pytest.mark.parametrize("version", ["1.0", "1.0.0", "1", "v1.0"])
def test_delete_release(index: Index, management: Management, version: str) -> None:
    """A release's files are deleted, however its version is spelt; others stay."""
    deleted = management.delete_release("Acme.Tools", version)
    assert deleted == ("acme-tools", (WHEEL.filename, SDIST.filename), 1)
    assert filenames(index) == [NEWER.filename]
    assert page(index)["versions"] == ["1.1"]
    assert stored(index.store) == [NEWER.filename, f"{NEWER.filename}.metadata"]
    for built in (WHEEL, SDIST):
        assert index.get(f"/simple/acme-tools/{built.filename}").status == 404


def test_delete_file(index: Index, management: Management) -> None:
    """One file is deleted, whatever spelling of its name; the rest of its release stays."""
    spelt = WHEEL.filename.replace("acme_tools-1.0", "Acme.Tools-1.0.0")
    assert management.delete_file("acme-tools", spelt).deleted == (WHEEL.filename,)
    assert filenames(index) == [SDIST.filename, NEWER.filename]
    assert page(index)["versions"] == ["1.0", "1.1"]


def test_deleted_name_is_not_free(index: Index, management: Management) -> None:
    """What was deleted cannot be uploaded again, not even the same file."""
    management.delete_release("acme-tools", "1.0")
    answer = index.upload(WHEEL)
    assert answer.status == 400
    assert b"published and deleted" in content(answer)


def test_last_file(index: Index, management: Management) -> None:
    """A project without files stays private, with an empty page, and is listed."""
    for version in ("1.0", "1.1"):
        management.delete_release("acme-tools", version)
    assert filenames(index) == []
    assert [project.project for project in management.projects()] == ["acme-tools"]
    assert b"acme-tools" in content(index.get("/simple/", JSON))


def test_deletion_includes_what_is_only_stored(index: Index, management: Management) -> None:
    """A file of the release that is stored and not listed is deleted too, and stays away."""
    other = build_wheel("acme-tools", "1.0", tag="cp313-cp313-manylinux_2_28_x86_64")
    for ending in ("", ".metadata"):
        index.store.create(f"packages/acme-tools/{other.filename}{ending}", other.content)
    assert other.filename in management.delete_release("acme-tools", "1.0").deleted
    assert stored(index.store) == [NEWER.filename, f"{NEWER.filename}.metadata"]
    assert index.upload(other).status == 400


def yank(management: Management) -> object:
    return management.yank_release("acme-tools", "1", "explodes")


def delete(management: Management) -> object:
    return management.delete_release("acme-tools", "1")


def archive(management: Management) -> object:
    return management.set_status("acme-tools", "archived", "see acme-kit")


def release_name(management: Management) -> object:
    return management.release_name("acme-tools")


def copied(store: Store) -> ObjectStore:
    """Another store with the same content."""
    copy = ObjectStore(MemoryStore())
    for entry in store.list(""):
        copy.put(entry.key, store.get(entry.key).body)
    return copy


def content_of(store: Store) -> dict[str, bytes]:
    """Everything but the audit trail."""
    return {
        entry.key: store.get(entry.key).body
        for entry in store.list("")
        if not entry.key.startswith("audit/")
    }


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("change", [yank, delete, archive, release_name])
def test_killed(
    index: Index, management: Management, change: Callable[[Management], object], after: bool
) -> None:
    """Killed at any write, a command leaves nothing half visible, and repeating it completes it."""
    if change is release_name:
        for version in ("1.0", "1.1"):
            management.delete_release("acme-tools", version)
    undisturbed = DyingStore(copied(index.store), 0, after=after)
    visible = [filenames(index), filenames_after(undisturbed, change)]
    assert undisturbed.writes >= 2
    for step in range(1, undisturbed.writes + 1):
        store = copied(index.store)
        with pytest.raises(Killed):
            change(Management(DyingStore(store, step, after=after), ALICE))
        assert listed(store) in visible
        assert served(store) >= listed(store)
        repeat(lambda: change(Management(store, ALICE)))  # noqa: B023  (called at once)
        assert content_of(store) == content_of(undisturbed)


def repeat(change: Callable[[], object]) -> None:
    """Where the killed command was done but for its return, there is nothing left to do."""
    try:
        change()
    except NotFound:
        return


def filenames_after(store: Store, change: Callable[[Management], object]) -> Any:
    change(Management(store, ALICE))
    return listed(store)


def listed(store: Store) -> Any:
    """The files that the stored document lists, and none where there is no document."""
    keys = [entry.key for entry in store.list("projects/")]
    return [each["filename"] for key in keys for each in json.loads(store.get(key).body)["files"]]


def served(store: Store) -> Any:
    """Of the listed files, those whose bytes are there."""
    present = stored(store)
    return [filename for filename in listed(store) if filename in present]


def test_trail_before_change(index: Index) -> None:
    """The first write of every change is its entry in the trail."""
    for change in (yank, archive, delete):
        store = copied(index.store)
        with pytest.raises(Killed):
            change(Management(DyingStore(store, 1, after=True), ALICE))
        assert content_of(store) == content_of(index.store)
        assert len(list(store.list("audit/"))) == len(list(index.store.list("audit/"))) + 1


def test_yank(index: Index, management: Management) -> None:
    """A release is yanked with a reason, and offered again."""
    done = management.yank_release("acme-tools", "1.0.0", "explodes")
    assert (done.files, done.yanked, done.changed) == (
        (WHEEL.filename, SDIST.filename),
        "explodes",
        True,
    )
    yanks = {file["filename"]: file.get("yanked") for file in page(index)["files"]}
    assert yanks == {WHEEL.filename: "explodes", SDIST.filename: "explodes", NEWER.filename: None}
    assert not management.yank_release("acme-tools", "1.0", "explodes").changed
    assert management.unyank_release("acme-tools", "1").changed
    assert all("yanked" not in file for file in page(index)["files"])
    assert not management.unyank_release("acme-tools", "1").changed
    assert [len(audited(management, action)) for action in ("yank", "unyank")] == [1, 1]


def test_yank_file(index: Index, management: Management) -> None:
    """One file is yanked without a reason; the release is then not yanked as a whole."""
    assert management.yank_file("acme-tools", SDIST.filename).yanked is True
    yanks = {file["filename"]: file.get("yanked") for file in page(index)["files"]}
    assert yanks == {WHEEL.filename: None, SDIST.filename: True, NEWER.filename: None}
    assert [release.yanked for release in management.releases("acme-tools")] == [None, None]
    management.yank_file("acme-tools", WHEEL.filename)
    assert [release.yanked for release in management.releases("acme-tools")] == [True, None]
    assert management.show("acme-tools").yanked == ("1.0",)
    assert management.unyank_file("acme-tools", SDIST.filename).yanked is False


@pytest.mark.parametrize("status", ["archived", "quarantined", "deprecated"])
def test_status(index: Index, management: Management, status: str) -> None:
    """The page says the status and its reason; uploads and files go by it; active takes it back."""
    before = content_of(index.store)
    management.set_status("acme-tools", status, "see acme-kit")
    assert page(index)["project-status"] == {"status": status, "reason": "see acme-kit"}
    assert bool(filenames(index)) is (status != "quarantined")
    newest = build_wheel("acme-tools", "2.0")
    assert index.upload(newest).status == (200 if status == "deprecated" else 403)
    shown = management.show("acme-tools")
    assert (shown.status, shown.reason) == (status, "see acme-kit")
    management.set_status("acme-tools", "active")
    assert "project-status" not in page(index)
    if status != "deprecated":
        assert (
            content_of(index.store)["projects/acme-tools.json"]
            == before["projects/acme-tools.json"]
        )


def test_release_name(index: Index, management: Management) -> None:
    """A name is private until it is released, which its files prevent; then nothing is left of it."""
    management.delete_release("acme-tools", "1.0")
    with pytest.raises(NotPossible, match=r"acme_tools-1\.1"):
        management.release_name("acme-tools")
    assert index.upload(build_wheel("acme-tools", "1.2")).status == 200
    management.delete_release("acme-tools", "1.1")
    management.delete_release("acme-tools", "1.2")
    assert management.release_name("acme-tools").released
    assert index.get("/simple/acme-tools/").status == 404
    assert b"acme-tools" not in content(index.get("/simple/", JSON))
    assert list(management.projects()) == []
    with pytest.raises(NotFound):
        management.release_name("acme-tools")


def test_name_with_an_upload_under_way(index: Index, management: Management) -> None:
    """A name is not released over a file that is stored and about to be listed."""
    for version in ("1.0", "1.1"):
        management.delete_release("acme-tools", version)
    before = content_of(index.store)["projects/acme-tools.json"]
    newest = build_wheel("acme-tools", "2.0")

    class Uploading(ObjectStore):
        """Somebody stores a file as soon as the project is closed to uploads."""

        def replace(self, key: str, body: bytes, etag: str) -> str:
            if b"archived" in body:
                self.put(f"packages/acme-tools/{newest.filename}", newest.content)
            return super().replace(key, body, etag)

    store = Uploading(index.store._client)  # type: ignore[attr-defined]
    with pytest.raises(NotPossible, match=r"acme_tools-2\.0"):
        Management(store, ALICE).release_name("acme-tools")
    assert content_of(index.store)["projects/acme-tools.json"] == before
    assert index.upload(newest).status == 200
    assert [event.result for event in audited(management, "release-name")] == ["failed", "accepted"]


def test_upload_while_deleting(index: Index, management: Management) -> None:
    """A change loses nothing that others publish at the same time."""

    class Publishing(ObjectStore):
        """Somebody publishes between the read and the replacement of the document."""

        uploads: ClassVar = [build_wheel("acme-tools", "3.0"), build_wheel("acme-tools", "3.1")]

        def replace(self, key: str, body: bytes, etag: str) -> str:
            if key.startswith("projects/") and self.uploads:
                assert index.upload(self.uploads.pop()).status == 200
            return super().replace(key, body, etag)

    racing = Management(Publishing(index.store._client), ALICE)  # type: ignore[attr-defined]
    racing.delete_release("acme-tools", "1.0")
    assert page(index)["versions"] == ["1.1", "3.0", "3.1"]


def test_lists(index: Index, management: Management) -> None:
    """Projects, releases and files are listed with what there is to know of them."""
    index.upload(build_wheel("acme-kit", "0.1"))
    kit, tools = management.projects()
    assert (kit.project, kit.releases, kit.files) == ("acme-kit", 1, 1)
    assert (tools.project, tools.releases, tools.files, tools.status) == (
        "acme-tools",
        2,
        3,
        "active",
    )
    assert tools.size == sum(len(built.content) for built in (WHEEL, SDIST, NEWER))
    assert [each.project for each in management.projects(prefix="acme-t")] == ["acme-tools"]
    assert [each.project for each in management.projects(after="acme-kit")] == ["acme-tools"]
    assert [(each.version, each.files) for each in management.releases("acme-tools")] == [
        ("1.0", 2),
        ("1.1", 1),
    ]
    (newer,) = management.files("acme-tools", "1.1.0")
    assert (newer.filename, newer.sha256, newer.size) == (
        NEWER.filename,
        NEWER.sha256,
        len(NEWER.content),
    )
    assert [file.filename for file in management.files("acme-tools")] == filenames(index)
    assert management.show("acme-tools").versions == ("1.0", "1.1")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda m: m.show("no-such"), NotFound),
        (lambda m: m.files("no-such"), NotFound),
        (lambda m: m.delete_release("no-such", "1.0"), NotFound),
        (lambda m: m.delete_release("acme-tools", "2.0"), NotFound),
        (lambda m: m.delete_file("acme-tools", "acme_tools-2.0-py3-none-any.whl"), NotFound),
        (lambda m: m.delete_file("acme-tools", "../acme-kit/x"), InvalidFilename),
        (lambda m: m.delete_release("acme-tools", "one"), InvalidVersion),
        (lambda m: m.delete_release("acme tools", "1.0"), InvalidName),
        (lambda m: m.yank_release("no-such", "1.0"), NotFound),
        (lambda m: m.yank_release("acme-tools", "2.0"), NotFound),
        (lambda m: m.yank_release("acme-tools", "1.0", "two\nlines"), NotPossible),
        (lambda m: m.yank_file("acme-tools", "x" * 300), InvalidFilename),
        (lambda m: m.set_status("no-such", "archived"), NotFound),
        (lambda m: m.set_status("acme-tools", "asleep"), NotPossible),
        (lambda m: m.set_status("acme-tools", "archived", "x" * 501), NotPossible),
        (lambda m: m.release_name("acme-tools"), NotPossible),
        (lambda m: m.release_name("no-such"), NotFound),
    ],
)
def test_refused(
    index: Index,
    management: Management,
    call: Callable[[Management], object],
    error: type[WheelyardError],
) -> None:
    """What is not there or cannot be is refused, and changes nothing; a refusal is no change."""
    before, trail = content_of(index.store), len(list(management.audit()))
    with pytest.raises(error):
        call(management)
    assert content_of(index.store) == before
    assert len(list(management.audit())) == trail


def test_trail(management: Management) -> None:
    """The trail says who did what to which files, and is found by project and user."""
    management.yank_file("acme-tools", WHEEL.filename, "explodes")
    management.delete_release("acme-tools", "1.0")
    delete, yank, *_ = management.audit("Acme.Tools", "alice")
    assert delete.actor == yank.actor == ALICE
    assert yank.change.details == {"reason": "explodes"}
    assert yank.change.files == ((WHEEL.filename, WHEEL.sha256),)
    assert delete.change.files == (
        (WHEEL.filename, WHEEL.sha256),
        (SDIST.filename, SDIST.sha256),
    )
    assert list(management.audit(user="bob")) == []
    assert list(management.audit(project="acme-kit")) == []


def test_empty_store() -> None:
    """A store without anything has no projects and no trail."""
    management = Management(memory(), ALICE)
    assert list(management.projects()) == []
    assert list(management.audit()) == []


def test_document_of_others(management: Management, index: Index) -> None:
    """A file that is no distribution's, put into a document by somebody else, can be deleted."""
    stored = index.store.get("projects/acme-tools.json")
    document = json.loads(stored.body)
    document["files"].append({"filename": "README.txt", "url": "README.txt", "hashes": {}})
    index.store.replace("projects/acme-tools.json", json.dumps(document).encode(), stored.etag)
    assert management.delete_file("acme-tools", "README.txt").deleted == ("README.txt",)
    assert sorted(filenames(index)) == sorted(built.filename for built in (WHEEL, SDIST, NEWER))
