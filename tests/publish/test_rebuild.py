"""Documents, metadata and catalogue made again from the stored files."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import stores
from distributions import BuiltDistribution, build_sdist, build_wheel
from forms import CONTENT_TYPE, SIGNATURE, Part, attestation, encode, parts
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.protocol.simple import parse_project
from wheelyard.publish.publisher import Publisher
from wheelyard.publish.rebuild import Report, examine_files, rebuild, relist
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Doomed, Shelf
from wheelyard.publish.survey import Survey, Work
from wheelyard.publish.tombstones import Tombstone
from wheelyard.storage import keys
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store

TOOLS, KIT = project_name("acme-tools"), project_name("acme-kit")
WHEEL = build_wheel("acme-tools", "1.0", requires_python=">=3.9")
SDIST = build_sdist("acme-tools", "1.0")
DOOMED = Doomed(WHEEL.filename, "acme_tools-1-py3-none-any.whl", WHEEL.sha256)
LATER = build_wheel("acme-tools", "1.10")
OTHER = build_wheel("acme-kit", "2.0")


@pytest.fixture(params=["memory", "directory", "weed", "moto"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store of every kind, empty."""
    return stores.empty(request.param, request, tmp_path)


@pytest.fixture
def memory() -> Store:
    """An empty store, for what does not depend on its kind."""
    return stores.memory()


def shelf(store: Store, **rules: bool) -> Shelf:
    """A shelf of the store."""
    return Shelf(store, Catalogue(store), Rules(10**9, **rules))


def publish(store: Store, *built: BuiltDistribution) -> None:
    """Upload files."""
    for each in built:
        Publisher(shelf(store)).publish(CONTENT_TYPE, [encode(parts(each))])


def run(store: Store, **rules: bool) -> Report:
    """A whole rebuild."""
    return rebuild(shelf(store, **rules), lambda _survey: lambda _files: None)


def documents(store: Store) -> Mapping[str, bytes]:
    """Everything that a rebuild makes."""
    found = [e.key for f in (keys.PROJECTS, keys.CATALOGUE) for e in store.list(f)]
    found += [e.key for e in store.list(keys.PACKAGES) if e.key.endswith(".metadata")]
    return {key: store.get(key).body for key in found}


def filenames(store: Store, name: ProjectName = TOOLS) -> list[str]:
    """What a project lists."""
    return [file.filename for file in parse_project(store.get(keys.project(name)).body).files]


def published(store: Store) -> Mapping[str, bytes]:
    """Some files of two projects, one of them signed and attested; what they lead to."""
    publish(store, LATER, SDIST, OTHER)
    attested = json.dumps([attestation(WHEEL)])
    form = parts(WHEEL, [Part("gpg_signature", SIGNATURE, "x")], attestations=attested)
    Publisher(shelf(store)).publish(CONTENT_TYPE, [encode(form)])
    return documents(store)


def test_everything_deleted(store: Store) -> None:
    """Without documents, metadata and catalogue, all of them come back byte for byte, times included."""
    before = published(store)
    for key in before:
        store.delete(key)
    report = run(store)
    assert documents(store) == before
    assert (report.projects, report.files) == (2, 4)
    assert report.catalogued == (KIT, TOOLS)
    [kit, tools] = report.changes
    assert kit.added == (OTHER.filename,)
    assert set(tools.added) == {WHEEL.filename, SDIST.filename, LATER.filename}
    assert set(tools.repaired) == {WHEEL.filename, SDIST.filename, LATER.filename}


def test_nothing_to_do(store: Store) -> None:
    """Where everything is as it should be nothing is written, and nothing is reported."""
    published(store)
    before = {entry.key: entry.etag for entry in store.list(keys.PROJECTS)}
    report = run(store)
    assert (report.changes, report.refused, report.catalogued, report.uncatalogued) == (
        (),
        (),
        (),
        (),
    )
    assert {entry.key: entry.etag for entry in store.list(keys.PROJECTS)} == before


def test_what_only_the_document_knows(memory: Store) -> None:
    """Yanks, the status and upload times are kept; a lost file of the document is added again."""
    published(memory)
    project = shelf(memory).project(TOOLS)
    times = {file.filename: "2020-01-02T03:04:05.000000Z" for file in project.files}

    def edited(project: Any) -> Any:
        kept = [f for f in project.files if f.filename != SDIST.filename]
        files = tuple(f._replace(yanked="broken", upload_time=times[f.filename]) for f in kept)
        return project._replace(files=files, status="deprecated", status_reason="use acme-kit")

    shelf(memory).edit(TOOLS, edited)
    [changes] = run(memory).changes
    assert changes.added == (SDIST.filename,)
    after = shelf(memory).project(TOOLS)
    assert (after.status, after.status_reason) == ("deprecated", "use acme-kit")
    by_name = {file.filename: file for file in after.files}
    assert by_name[WHEEL.filename].yanked == "broken"
    assert by_name[WHEEL.filename].upload_time == "2020-01-02T03:04:05.000000Z"
    assert by_name[SDIST.filename].yanked is None


def test_empty_projects_stay(memory: Store) -> None:
    """A private project without files stays one: its name must not fall back to upstream."""
    publish(memory, WHEEL)
    shelf(memory).remove(TOOLS, [DOOMED])
    before = documents(memory)
    assert run(memory).changes == ()
    assert documents(memory) == before


def test_empty_projects_stay_without_their_document(memory: Store) -> None:
    """So does one whose document was lost, as long as the catalogue knows of it."""
    publish(memory, WHEEL)
    shelf(memory).remove(TOOLS, [DOOMED])
    before = documents(memory)
    memory.delete(keys.project(TOOLS))
    (change,) = run(memory).changes
    assert change.rewritten
    assert documents(memory) == before
    assert Catalogue(memory).names() == [TOOLS]


@pytest.mark.parametrize("broken", [b"{", b"[]", b'{"name":"other","files":[]}'])
def test_unreadable_documents(memory: Store, broken: bytes) -> None:
    """A document or a catalogue bucket that cannot be read is made anew."""
    before = published(memory)
    memory.put(keys.project(TOOLS), broken)
    memory.put(keys.catalogue(TOOLS), broken)
    run(memory)
    assert documents(memory) == before


def test_lost_and_stray_catalogue_names(memory: Store) -> None:
    """The catalogue names exactly the projects that have a document, each in its own bucket."""
    publish(memory, WHEEL)
    memory.put(keys.catalogue(TOOLS), json.dumps({"names": [KIT]}).encode())
    report = run(memory)
    assert (report.catalogued, report.uncatalogued) == ((TOOLS,), (KIT,))
    assert Catalogue(memory).names() == [TOOLS]


DROPPED: dict[str, tuple[str, bytes, str]] = {
    "no archive": ("acme-tools/acme_tools-9.0-py3-none-any.whl", b"x", "is not a valid wheel"),
    "no distribution": ("acme-tools/notes.txt", b"x", "should end in .whl"),
    "another project's": (
        "acme-kit/" + WHEEL.filename,
        WHEEL.content,
        "put it under packages/acme-tools/",
    ),
    "a name that is not normalised": (
        "Acme_Tools/" + WHEEL.filename,
        WHEEL.content,
        "put the files under",
    ),
    "a folder too deep": ("acme-tools/1.0/" + WHEEL.filename, WHEEL.content, "not directly in"),
    "a second sdist": (
        "acme-tools/acme_tools-1.0.zip",
        build_sdist("acme-tools", "1.0", format="zip").content,
        "cannot stand beside 'acme_tools-1.0.tar.gz'",
    ),
}


@pytest.mark.parametrize(("path", "content", "reason"), DROPPED.values(), ids=DROPPED)
def test_unfit_files(memory: Store, path: str, content: bytes, reason: str) -> None:
    """A stored file that is not fit to be listed is named with the reason; it stays, unlisted."""
    before = published(memory)
    memory.put(keys.PACKAGES + path, content)
    for _ in range(2):
        report = run(memory)
        refused = [*report.refused, *(r for c in report.changes for r in c.refused)]
        [only] = refused
        assert only.key == keys.PACKAGES + path
        assert reason in only.reason
        project_documents = {
            key: body for key, body in before.items() if key.startswith("projects/")
        }
        assert {k: memory.get(k).body for k in project_documents} == project_documents


def test_changed_files(memory: Store) -> None:
    """A published file whose stored bytes are others is unlisted and named with both digests."""
    published(memory)
    other = build_wheel("acme-tools", "1.0", files={"acme_tools/__init__.py": b"evil = 1\n"})
    memory.put(keys.package(TOOLS, WHEEL.filename), other.content)
    [changes] = run(memory).changes
    assert changes.removed == (WHEEL.filename,)
    [refused] = changes.refused
    assert WHEEL.sha256 in refused.reason
    assert other.sha256 in refused.reason
    assert WHEEL.filename not in filenames(memory)
    memory.put(keys.package(TOOLS, WHEEL.filename), WHEEL.content)
    run(memory)
    assert WHEEL.filename in filenames(memory)


def test_missing_files(memory: Store) -> None:
    """A listed file that is not stored is no longer listed."""
    published(memory)
    memory.delete(keys.package(TOOLS, WHEEL.filename))
    [changes] = run(memory).changes
    assert changes.removed == (WHEEL.filename,)


def test_deleted_files(memory: Store) -> None:
    """A file with a tombstone, whose deletion was broken off, is not listed again."""
    publish(memory, WHEEL, SDIST)
    shelf(memory).remove(TOOLS, [DOOMED])
    memory.put(keys.package(TOOLS, WHEEL.filename), WHEEL.content)
    [changes] = run(memory).changes
    assert "published and deleted" in changes.refused[0].reason
    assert filenames(memory) == [SDIST.filename]


def test_deletions_meanwhile(memory: Store) -> None:
    """A file whose deletion begins while the rebuild looks at files is not listed again."""
    publish(memory, WHEEL, SDIST)
    findings = examine_files(shelf(memory), Work(TOOLS, tuple(memory.list("packages/acme-tools/"))))
    content = memory.get(keys.package(TOOLS, WHEEL.filename)).body
    [wheel] = [found for found in findings if found.key.endswith(".whl")]
    shelf(memory).tombstones.put(TOOLS, DOOMED.canonical, Tombstone(WHEEL.filename, WHEEL.sha256))
    shelf(memory).unlist(TOOLS, [WHEEL.filename])
    assert memory.get(keys.package(TOOLS, WHEEL.filename)).body == content
    [refused] = relist(shelf(memory), TOOLS, [wheel]).refused
    assert "published and deleted" in refused.reason
    assert filenames(memory) == [SDIST.filename]


def test_wrong_metadata(memory: Store) -> None:
    """A ``.metadata`` that is not the archive's own is put right."""
    before = published(memory)
    memory.put(keys.metadata(TOOLS, WHEEL.filename), b"Name: evil\n")
    [changes] = run(memory).changes
    assert changes.repaired == (WHEEL.filename,)
    assert documents(memory) == before


def test_uploads_meanwhile(memory: Store) -> None:
    """What is published or replaced while the rebuild looks at files stays as its upload listed it."""
    publish(memory, WHEEL)
    entries = tuple(e for e in memory.list("packages/acme-tools/") if e.key.endswith(".whl"))
    findings = examine_files(shelf(memory), Work(TOOLS, entries))
    publish(memory, LATER)
    replaced = build_wheel("acme-tools", "1.0", files={"acme_tools/__init__.py": b"n = 2"})
    Publisher(shelf(memory, overwrite=True)).publish(CONTENT_TYPE, [encode(parts(replaced))])
    before = documents(memory)
    changes = relist(shelf(memory), TOOLS, findings)
    assert not changes.rewritten
    assert documents(memory) == before


def test_never_absent(memory: Store) -> None:
    """No document is deleted or empty at any moment."""
    published(memory)
    absent = []

    class Watched(ObjectStore):
        def delete(self, key: str) -> None:
            absent.append(key)

        def replace(self, key: str, body: bytes, etag: str) -> str:
            if not parse_project(body).files:
                absent.append(key)
            return super().replace(key, body, etag)

    watched = Watched(memory._client)  # type: ignore[attr-defined]
    shelf(memory).edit(TOOLS, lambda project: project._replace(files=project.files[:1]))
    assert run(watched).changes[0].added
    assert absent == []


def test_progress(memory: Store) -> None:
    """The work is announced once, and then every file of it."""
    published(memory)
    told: list[Any] = []

    def progress(survey: Survey) -> Callable[[int], None]:
        told.append(sum(len(folder.files) for folder in survey.folders))
        return told.append

    rebuild(shelf(memory), progress)
    assert told[0] == sum(told[1:]) == 4
