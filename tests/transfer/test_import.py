"""transfer.importing: what is taken of another index, what not and why, and what is kept of it."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import kin
from buildable import buildable_sdist
from distributions import BuiltDistribution, build_sdist, build_wheel, pack_zip
from indexes import Index
from servers import Recorder, S3Server, moto_server
from transfers import use
from upstream import Answer, Upstream
from wheelyard.audit.event import Actor, Event
from wheelyard.audit.trail import Trail
from wheelyard.entry.cli import cli
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.model import File, Project
from wheelyard.protocol.simple import parse_project, project_json
from wheelyard.publish.rebuild import rebuild
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Shelf
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.opening import open_store
from wheelyard.transfer.folder import Folder
from wheelyard.transfer.importing.importer import Importer
from wheelyard.transfer.importing.offers import Candidate
from wheelyard.transfer.importing.place_index import PlaceIndex
from wheelyard.transfer.importing.planning import make_plan

CHANGED = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
PUBLISHED = "2020-02-03T04:05:06.000000Z"

TOOLS = build_wheel("acme-tools", "1.0")
NEXT = build_wheel("acme-tools", "2.0")
OTHER = build_wheel("other", "1.0")


def run(*arguments: str | Path, **environ: str) -> Result:
    """``wheelyard import`` as it is typed."""
    return CliRunner().invoke(cli, ["import", *map(str, arguments)], env=environ)


def folder(tmp_path: Path, objects: Mapping[str, bytes]) -> Path:
    """A directory with these objects, last changed long ago."""
    kin.put_in_folder(tmp_path / "old", objects, CHANGED)
    return tmp_path / "old"


def importing(tmp_path: Path, source: str | Path, *options: str) -> Result:
    """Import into the store of the test."""
    return run(source, "--store", tmp_path / "store", *options)


def project(tmp_path: Path, name: str) -> Project:
    """A project as it is stored."""
    return parse_project(DirectoryStore(tmp_path / "store").get(f"projects/{name}.json").body)


def files(tmp_path: Path, name: str) -> dict[str, File]:
    """The files of a project."""
    return {file.filename: file for file in project(tmp_path, name).files}


def last(done: Result) -> str:
    """What it comes to."""
    return done.stdout.splitlines()[-1]


# --- the plan ---


def test_dry_run(tmp_path: Path) -> None:
    """A dry run is a table of what would be taken and what not and why; nothing is changed."""
    Index(DirectoryStore(tmp_path / "store")).upload(TOOLS)
    changed = build_wheel("acme-tools", "2.0", files={"acme_tools/__init__.py": b"other"})
    Index(DirectoryStore(tmp_path / "store")).upload(changed)
    objects = kin.folders([TOOLS, NEXT, OTHER]) | {
        "other/notes.txt": b"",
        "wrong/acme_tools-3.0-py3-none-any.whl": TOOLS.content,
    }
    before = sorted(path for path in (tmp_path / "store").rglob("*") if path.is_file())
    done = importing(tmp_path, folder(tmp_path, objects), "--dry-run")
    assert done.exit_code == 3
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["ACTION", "PROJECT", "FILE", "BYTES", "PUBLISHED", "REASON"]
    rows = {line.split()[2]: line.split() for line in lines[1:4]}
    assert rows[OTHER.filename] == [
        "take",
        "other",
        OTHER.filename,
        str(len(OTHER.content)),
        "2020-02-03",
    ]
    assert rows[NEXT.filename][0] == "cannot"
    assert "was published with other content" in done.stdout
    assert any(line.startswith("left: other/notes.txt: Filename 'notes.txt'") for line in lines)
    assert any("in the folder of 'wrong'" in line for line in lines)
    assert last(done).endswith("users: 0; nothing was changed")
    assert before == sorted(path for path in (tmp_path / "store").rglob("*") if path.is_file())


def test_exit_status_of_a_dry_run(tmp_path: Path) -> None:
    """A plan without problems ends with 0, and says what it comes to."""
    done = importing(tmp_path, folder(tmp_path, kin.folders([TOOLS])), "--dry-run")
    assert done.exit_code == 0
    assert not (tmp_path / "store").exists()
    assert last(done) == (
        f"files to take: 1 ({len(TOOLS.content)} bytes), there already: 0, not to be had: 0; "
        "users: 0; nothing was changed"
    )


@pytest.mark.parametrize(
    ("objects", "layout"),
    [
        (kin.folders([TOOLS, OTHER]), "folders"),
        (kin.flat([TOOLS, OTHER]), "flat"),
        ({f"a/b/{TOOLS.filename}": TOOLS.content, OTHER.filename: OTHER.content}, "flat"),
        (kin.serverless_pypi([TOOLS, OTHER], {}), "serverless-pypi"),
    ],
)
def test_layouts(tmp_path: Path, objects: dict[str, bytes], layout: str) -> None:
    """A layout is recognised, and can be said."""
    source = folder(tmp_path, objects)
    for said in ("auto", layout):
        done = importing(tmp_path, source, "--layout", said, "--dry-run")
        assert last(done).startswith("files to take: 2 "), (said, done.output)


def test_some_projects(tmp_path: Path) -> None:
    """Of named projects only, nothing else is taken."""
    source = folder(tmp_path, kin.folders([TOOLS, OTHER]))
    assert last(importing(tmp_path, source, "--project", "Acme_Tools")).startswith("files taken: 1")
    assert Catalogue(DirectoryStore(tmp_path / "store")).names() == ["acme-tools"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["nowhere"], "there is no directory"),
        (["empty"], "no distribution file here"),
        (["gs://bucket/prefix"], "use a directory or s3://bucket/prefix"),
        (["http://"], "not one of http or https"),
        (["https://index.example/simple/", "--prefix", "a"], "for directories and buckets"),
        (["empty", "--project", "-"], "not a project name"),
    ],
)
def test_unclear_source(
    tmp_path: Path, arguments: list[str], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that cannot be meant is refused in one line that says what to do."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    done = importing(tmp_path, *arguments)
    assert done.exit_code == 1
    assert part in str(done.exception)
    assert not (tmp_path / "store/packages").exists()


# --- what is kept ---


def json_index(upstream: Upstream) -> Upstream:
    """An index that says everything of its files that there is to say."""
    upstream.add(TOOLS, upload_time="2019-01-02T03:04:05Z", requires_python=">=3.7")
    upstream.add(NEXT, upload_time="2021-06-07T08:09:10.5+02:00", yanked="broken on\nMondays")
    upstream.add(OTHER, yanked=True)
    upstream.projects["other"].extra["project-status"] = {
        "status": "deprecated",
        "reason": "use acme-tools",
    }
    return upstream


def test_what_is_kept(tmp_path: Path, upstream: Upstream) -> None:
    """Upload times, yanks with their reasons, required Pythons and a project's status stay."""
    json_index(upstream)
    done = importing(tmp_path, upstream.index)
    assert done.exit_code == 0, (done.output, done.exception)
    found = files(tmp_path, "acme-tools")
    assert found[TOOLS.filename].upload_time == "2019-01-02T03:04:05.000000Z"
    assert found[TOOLS.filename].requires_python == ">=3.7"
    assert found[NEXT.filename].upload_time == "2021-06-07T06:09:10.500000Z"
    assert found[NEXT.filename].yanked == "broken on Mondays"
    other = project(tmp_path, "other")
    assert other.files[0].yanked is True
    assert (other.status, other.status_reason) == ("deprecated", "use acme-tools")
    [marked] = audited(tmp_path, "status")
    assert marked.change.project == "other"
    assert marked.change.details["status"] == "deprecated"
    assert marked.change.details["reason"] == "use acme-tools"
    assert marked.actor == audited(tmp_path, "import")[0].actor
    importing(tmp_path, upstream.index)
    assert len(audited(tmp_path, "status")) == 1


def audited(folder: Path, action: str) -> list[Event]:
    """What the audit trail has of one kind of changes."""
    now = datetime.now(UTC)
    trail = Trail(DirectoryStore(folder / "store"))
    found = trail.between(now - timedelta(days=1), now + timedelta(days=1))
    return [event for event in found if event.change.action == action]


def test_a_rebuild_keeps_it(tmp_path: Path, upstream: Upstream) -> None:
    """A rebuild changes nothing of what an import took, and knows the times with the pages gone."""
    importing(tmp_path, json_index(upstream).index)
    store = DirectoryStore(tmp_path / "store")
    shelf = Shelf(store, Catalogue(store), Rules(10**9))
    assert rebuild(shelf, lambda _: lambda _: None).changes == ()
    before = files(tmp_path, "acme-tools")
    store.delete("projects/acme-tools.json")
    rebuild(shelf, lambda _: lambda _: None)
    after = files(tmp_path, "acme-tools")
    for filename, file in before.items():
        assert after[filename] == file._replace(yanked=None)


@pytest.mark.parametrize(
    ("listed", "kept"),
    [
        ({"upload_time": "yesterday"}, {"upload_time": None}),
        ({"requires_python": "three"}, {"requires_python": None}),
        ({"requires_python": ""}, {"requires_python": None}),
        ({"hashes": {"sha256": "short", "blake2_256": "?"}}, {}),
    ],
)
def test_nonsense_is_not_kept(
    tmp_path: Path, upstream: Upstream, listed: dict[str, Any], kept: dict[str, Any]
) -> None:
    """What no client could read is not passed on."""
    upstream.add(TOOLS, **listed)
    assert importing(tmp_path, upstream.index).exit_code == 0
    file = files(tmp_path, "acme-tools")[TOOLS.filename]
    if "upload_time" in kept:
        assert file.upload_time is not None
        assert datetime.fromisoformat(file.upload_time).year >= 2025, "the store's own time"
    if "requires_python" in kept:
        assert file.requires_python is None
    assert file.hashes == {"sha256": TOOLS.sha256}


def test_times_without_a_page(tmp_path: Path) -> None:
    """Where no page says it, a file was published when it was last changed."""
    importing(tmp_path, folder(tmp_path, kin.folders([TOOLS])))
    assert files(tmp_path, "acme-tools")[TOOLS.filename].upload_time == PUBLISHED


def test_audit(tmp_path: Path) -> None:
    """Every import is in the audit trail, with where it came from."""
    importing(tmp_path, folder(tmp_path, kin.folders([TOOLS])))
    trail = Trail(DirectoryStore(tmp_path / "store"))
    (event,) = trail.between(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    assert (event.change.action, event.change.project) == ("import", "acme-tools")
    assert [file.filename for file in event.change.files] == [TOOLS.filename]
    assert event.change.details == {"from": f"{tmp_path}/old/"}


ARMOURED = b"-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"


@pytest.mark.parametrize(("signature", "taken"), [(ARMOURED, True), (b"\x99 binary", False)])
def test_signatures(tmp_path: Path, signature: bytes, taken: bool) -> None:
    """A signature comes along; one that is none is left, with a word about it."""
    objects = kin.folders([TOOLS]) | {f"acme-tools/{TOOLS.filename}.asc": signature}
    done = importing(tmp_path, folder(tmp_path, objects))
    assert done.exit_code == 0
    assert files(tmp_path, "acme-tools")[TOOLS.filename].gpg_sig is (True if taken else None)
    assert ("but its signature is left" in done.stdout) is not taken


# --- what is not taken ---


def test_wrong_digest(tmp_path: Path, upstream: Upstream) -> None:
    """A file that is not what its page promises is not taken, whichever digest says so."""
    upstream.add(TOOLS, content=NEXT.content)
    upstream.add(OTHER, hashes={"md5": "0" * 32})
    upstream.add(NEXT)
    done = importing(tmp_path, upstream.index)
    assert done.exit_code == 3
    assert f"its page says sha256 {TOOLS.sha256}, but the file has {NEXT.sha256}" in done.stdout
    assert f"its page says md5 {'0' * 32}, but the file has " in done.stdout
    assert list(files(tmp_path, "acme-tools")) == [NEXT.filename]
    assert last(done).startswith("files taken: 1, there already: 0, not to be had: 2")


def test_damaged_archive(tmp_path: Path) -> None:
    """A file that an upload would be refused for is not taken, and the rest is."""
    objects = kin.folders([OTHER]) | {f"acme-tools/{TOOLS.filename}": TOOLS.content[:-40]}
    done = importing(tmp_path, folder(tmp_path, objects))
    assert done.exit_code == 3
    assert f"not taken: acme-tools/{TOOLS.filename}: '{TOOLS.filename}' is not a valid wheel" in (
        done.stdout
    )
    assert list(files(tmp_path, "other")) == [OTHER.filename]


def test_too_large(tmp_path: Path) -> None:
    """MAX_FILE_SIZE holds."""
    source = folder(tmp_path, kin.folders([TOOLS]))
    done = run(source, "--store", tmp_path / "store", MAX_FILE_SIZE="10")
    assert done.exit_code == 3
    assert "raise MAX_FILE_SIZE" in done.stdout


def test_rivals(tmp_path: Path) -> None:
    """Of two files that cannot stand side by side, the usual form is taken and the other is named."""
    gz, zipped = (
        buildable_sdist("acme-tools", "1.0"),
        build_sdist("acme-tools", "1.0", format="zip"),
    )
    respelt = BuiltDistribution("Acme-Tools-1.0.tar.gz", gz.content)
    source = folder(
        tmp_path, {f"acme-tools/{f.filename}": f.content for f in (gz, zipped, respelt)}
    )
    done = importing(tmp_path, source)
    assert done.exit_code == 3
    assert len(files(tmp_path, "acme-tools")) == 1
    assert not any(name.endswith(".zip") for name in files(tmp_path, "acme-tools"))
    assert last(done).startswith("files taken: 1, there already: 0, not to be had: 2")


def test_the_same_name_twice(tmp_path: Path) -> None:
    """Of two files with one name at different places, one is taken and the other named."""
    source = folder(
        tmp_path, {f"a/{TOOLS.filename}": TOOLS.content, f"b/{TOOLS.filename}": NEXT.content}
    )
    done = importing(tmp_path, source)
    assert done.exit_code == 3
    assert f"there is another '{TOOLS.filename}' at 'a/{TOOLS.filename}'" in done.stdout


def test_nothing_is_replaced(tmp_path: Path) -> None:
    """A file that is here with other content stays, even where uploads may replace files."""
    Index(DirectoryStore(tmp_path / "store")).upload(TOOLS)
    changed = build_wheel("acme-tools", "1.0", files={"acme_tools/__init__.py": b"evil"})
    source = folder(tmp_path, {f"acme-tools/{TOOLS.filename}": changed.content})
    done = run(source, "--store", tmp_path / "store", OVERWRITE="allow")
    assert done.exit_code == 3
    assert files(tmp_path, "acme-tools")[TOOLS.filename].hashes == {"sha256": TOOLS.sha256}
    same_size = changed._replace(content=TOOLS.content[:-1] + b"\x01")
    source = folder(tmp_path, {f"acme-tools/{TOOLS.filename}": same_size.content})
    assert importing(tmp_path, source).exit_code == 3
    assert files(tmp_path, "acme-tools")[TOOLS.filename].hashes == {"sha256": TOOLS.sha256}


def test_deleted_and_closed(tmp_path: Path) -> None:
    """What was deleted here is not brought back, and an archived project takes nothing."""
    store = DirectoryStore(tmp_path / "store")
    Index(store).upload(TOOLS)
    store.put("projects/other.json", project_json(Project(OTHER_NAME, status="archived")))
    runner = CliRunner()
    deletion = [
        "release",
        "delete",
        "acme-tools",
        "1.0",
        "--yes",
        "--store",
        str(tmp_path / "store"),
    ]
    assert runner.invoke(cli, deletion).exit_code == 0
    done = importing(tmp_path, folder(tmp_path, kin.folders([TOOLS, OTHER])))
    assert done.exit_code == 3
    assert "was published and deleted" in done.stdout
    assert "is archived and takes no uploads" in done.stdout


OTHER_NAME = parse_project(b'{"name":"other","files":[]}').name


def test_unlisted_files(tmp_path: Path) -> None:
    """What its folder's page does not list is left, unless it is asked for; what is gone is named."""
    page = f'<a href="{TOOLS.filename}#sha256={TOOLS.sha256}">x</a><a href="gone-1.0.tar.gz">y</a>'
    objects = {
        "acme-tools/index.html": page.encode(),
        f"acme-tools/{TOOLS.filename}": TOOLS.content,
        f"acme-tools/{NEXT.filename}": NEXT.content,
    }
    source = folder(tmp_path, objects)
    done = importing(tmp_path, source)
    assert done.exit_code == 0
    assert f"left: acme-tools/{NEXT.filename}: its folder's page does not list it" in done.stdout
    assert "left: gone-1.0.tar.gz: acme-tools's page lists it, but it is not there" in done.stdout
    assert list(files(tmp_path, "acme-tools")) == [TOOLS.filename]
    assert last(importing(tmp_path, source, "--unlisted")).startswith("files taken: 1, there alr")
    assert list(files(tmp_path, "acme-tools")) == [TOOLS.filename, NEXT.filename]


# --- old formats ---

EGG_INFO = b"Metadata-Version: 1.0\nName: old-thing\nVersion: 1.0\n"


@pytest.mark.parametrize(
    "file",
    [
        build_sdist("old-thing", "1.0", format="bztar"),
        build_sdist("old-thing", "1.0", format="xztar"),
        BuiltDistribution("old_thing-1.0-py3.11.egg", pack_zip({"EGG-INFO/PKG-INFO": EGG_INFO})),
        BuiltDistribution("old-thing-1.0.tar.gz", build_sdist("old-thing", "1.0").content),
        BuiltDistribution(
            "Old_Thing-1.0-py3-none-any.whl", build_wheel("old-thing", "1.0").content
        ),
    ],
    ids=lambda file: str(file.filename),
)
def test_old_formats(tmp_path: Path, file: BuiltDistribution) -> None:
    """Old formats and spellings are taken, unless that is switched off, and served ever after."""
    source = folder(tmp_path, {f"old-thing/{file.filename}": file.content})
    done = importing(tmp_path, source, "--no-legacy")
    assert done.exit_code == 3
    done = importing(tmp_path, source)
    assert done.exit_code == 0, done.output
    answer = Index(DirectoryStore(tmp_path / "store")).get(f"/simple/old-thing/{file.filename}")
    assert answer.status == 200


# --- again ---


def test_again(tmp_path: Path, upstream: Upstream) -> None:
    """What is there already is not fetched again, and nothing is changed."""
    json_index(upstream)
    importing(tmp_path, upstream.index)
    before = (tmp_path / "store/projects/acme-tools.json").stat().st_mtime_ns
    upstream.forget()
    done = importing(tmp_path, upstream.index)
    assert last(done).startswith("files taken: 0, there already: 3, not to be had: 0")
    assert not any(path.startswith("/files/") for path in upstream.paths())
    assert (tmp_path / "store/projects/acme-tools.json").stat().st_mtime_ns == before


def test_again_without_digests(tmp_path: Path) -> None:
    """Where no page says digests, what was taken before is known by its place and entity tag."""
    source = folder(tmp_path, kin.folders([TOOLS, OTHER]))
    importing(tmp_path, source)
    done = importing(tmp_path, source, "--dry-run")
    assert last(done).startswith("files to take: 0 (0 bytes), there already: 2, ")
    kin.put_in_folder(tmp_path / "elsewhere", kin.folders([TOOLS]), CHANGED)
    done = importing(tmp_path, tmp_path / "elsewhere")
    assert last(done).startswith("files taken: 0, there already: 1, not to be had: 0")


def test_broken_off(tmp_path: Path, upstream: Upstream) -> None:
    """An import in which some files cannot be had is gone on with by the next."""
    json_index(upstream)
    upstream.answer(f"/files/acme-tools/{NEXT.filename}", Answer(404), always=True)
    done = importing(tmp_path, upstream.index)
    assert done.exit_code == 3
    assert last(done).startswith("files taken: 2, there already: 0, not to be had: 1")
    upstream.behave()
    done = importing(tmp_path, upstream.index)
    assert last(done).startswith("files taken: 1, there already: 2, not to be had: 0")


class Interrupted(PlaceIndex):
    """Somebody presses Control-C when the third file is asked for."""

    fetched = 0

    def fetch(self, candidate: Candidate, write: Callable[[bytes], object]) -> str | None:
        self.fetched += 1
        if self.fetched == 3:
            raise KeyboardInterrupt
        return super().fetch(candidate, write)


def test_interrupted(tmp_path: Path) -> None:
    """What was taken before an interrupt is there whole, and the next import goes on from it."""
    wheels = [build_wheel("acme-tools", f"{number}.0") for number in range(1, 30)]
    source = folder(tmp_path, kin.folders(wheels))
    store = DirectoryStore(tmp_path / "store")
    shelf = Shelf(store, Catalogue(store), Rules(10**9))
    index = Interrupted(Folder(source), str(source))
    plan = make_plan(shelf, index, index.offer(()))
    with pytest.raises(KeyboardInterrupt):
        Importer(shelf, index, Trail(store), Actor("test", "test")).run(plan)
    taken = len(shelf.project(plan.decisions[0].candidate.project).files)
    assert taken < len(wheels)
    done = importing(tmp_path, source)
    assert done.exit_code == 0
    assert f"there already: {taken}, not to be had: 0" in last(done)
    assert len(files(tmp_path, "acme-tools")) == len(wheels)


def test_a_transfer_that_breaks_off(tmp_path: Path, upstream: Upstream) -> None:
    """A file whose transfer is cut off is fetched again."""
    upstream.add(TOOLS)
    cut = Answer(body=TOOLS.content[:100], content_length=len(TOOLS.content))
    upstream.answer(f"/files/acme-tools/{TOOLS.filename}", cut)
    assert importing(tmp_path, upstream.index).exit_code == 0
    assert files(tmp_path, "acme-tools")[TOOLS.filename].hashes == {"sha256": TOOLS.sha256}


# --- over HTTP ---


@pytest.mark.parametrize("html", [True, False])
def test_forms(tmp_path: Path, upstream: Upstream, html: bool) -> None:
    """An index is read in JSON where it has that, and in HTML."""
    json_index(upstream).html_only = html
    done = importing(tmp_path, upstream.index)
    assert done.exit_code == 0, done.output
    found = files(tmp_path, "acme-tools")
    assert found[NEXT.filename].yanked == "broken on Mondays"
    assert found[TOOLS.filename].requires_python == ">=3.7"


def test_credentials(tmp_path: Path, upstream: Upstream) -> None:
    """Credentials can come by the environment, and are shown nowhere."""
    upstream.add(TOOLS)
    url = upstream.with_credentials()
    refused = importing(tmp_path, upstream.index)
    assert refused.exit_code == 1
    assert "give a user and a password" in str(refused.exception)
    done = run("--store", tmp_path / "store", WHEELYARD_IMPORT_FROM=url)
    assert done.exit_code == 0, done.output
    assert "s@cret" not in done.output
    assert "s%40cret" not in done.output
    for path in (tmp_path / "store").rglob("*"):
        if path.is_file():
            assert b"cret" not in path.read_bytes(), path


def test_an_unreadable_page(tmp_path: Path, upstream: Upstream) -> None:
    """A project whose page cannot be read is named, and the others are taken."""
    upstream.add(TOOLS)
    upstream.add(OTHER)
    upstream.answer("/simple/other/", Answer(body=b"{", headers={"content-type": "text/x"}))
    done = importing(tmp_path, upstream.index)
    assert done.exit_code == 3
    assert "cannot be read: " in done.stdout
    assert "/simple/other/: upstream's page of 'other' cannot be used" in done.stdout
    assert list(files(tmp_path, "acme-tools")) == [TOOLS.filename]


def test_the_public_index_by_mistake(tmp_path: Path, upstream: Upstream) -> None:
    """An index with very many projects is not taken without a word."""
    upstream.add(TOOLS)
    upstream.add_names(f"name-{number}" for number in range(10_001))
    done = importing(tmp_path, upstream.index)
    assert done.exit_code == 1
    assert "say --all" in str(done.exception)
    assert upstream.paths() == ["/simple/"]
    assert importing(tmp_path, upstream.index, "--project", "acme-tools").exit_code == 0


# --- buckets ---


@pytest.mark.parametrize("s3", ["moto", "weed"])
def test_bucket_to_bucket(tmp_path: Path, s3: str, request: pytest.FixtureRequest) -> None:
    """From bucket to bucket everything is taken, times included, and no staged copy stays."""
    server: S3Server = request.getfixturevalue(s3)
    source, target = server.new_bucket(), server.new_bucket()
    kin.s3pypi(server, source, tmp_path / "up", [TOOLS, OTHER], "--prefix", "a/b")
    location = f"s3://{target}/store"
    done = run(f"s3://{source}", "--prefix", "a/b", "--store", location)
    assert done.exit_code == 0, (done.output, done.exception)
    client = server.client()
    key = f"store/packages/acme-tools/{TOOLS.filename}"
    assert client.get_object(Bucket=target, Key=key)["Body"].read() == TOOLS.content
    keys = [each["Key"] for each in client.list_objects_v2(Bucket=target)["Contents"]]
    assert not any("staging" in key for key in keys)
    assert not client.list_multipart_uploads(Bucket=target).get("Uploads")
    changed = client.head_object(Bucket=source, Key=f"a/b/acme-tools/{TOOLS.filename}")
    page = json.loads(
        client.get_object(Bucket=target, Key="store/projects/acme-tools.json")["Body"].read()
    )
    published = datetime.fromisoformat(page["files"][0]["upload-time"])
    assert published.replace(microsecond=0) == changed["LastModified"].replace(microsecond=0)
    again = run(f"s3://{source}/a/b", "--store", location)
    assert last(again).startswith("files taken: 0, there already: 2, not to be had: 0")


def test_server_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between buckets S3 copies the file; where it refuses that, the file is uploaded."""
    recorder = Recorder()
    with moto_server(recorder) as server:
        use(server, monkeypatch)
        source, target = server.new_bucket(), server.new_bucket()
        kin.put_in_bucket(server, source, kin.folders([TOOLS, OTHER]))
        recorder.requests.clear()
        done = run(f"s3://{source}", "--project", "other", "--store", f"s3://{target}")
        assert done.exit_code == 0, (done.output, done.exception)
        written = [each for each in recorder.requests if each.method == "PUT"]
        copied = [
            each for each in written if OTHER.filename in each.headers.get("x-amz-copy-source", "")
        ]
        assert copied
        assert all(
            f"packages/other/{OTHER.filename}" not in each.path
            or each.path.endswith((".metadata", ".origin"))
            or "x-amz-copy-source" in each.headers
            for each in written
        )
        recorder.refuse = lambda each: (
            403 if source in each.headers.get("x-amz-copy-source", "") else None
        )
        done = run(f"s3://{source}", "--project", "acme-tools", "--store", f"s3://{target}")
        assert done.exit_code == 0, (done.output, done.exception)
        body = server.client().get_object(
            Bucket=target, Key=f"packages/acme-tools/{TOOLS.filename}"
        )["Body"]
        assert body.read() == TOOLS.content


def test_kept_files_of_upstream(tmp_path: Path, moto: S3Server) -> None:
    """What serverless-pypi kept of its upstream comes along when asked for, its digest checked."""
    bucket = moto.new_bucket()
    kin.put_in_bucket(moto, bucket, kin.serverless_pypi([TOOLS], {}))
    damaged = build_wheel("six", "2.0")
    for file, content in ((OTHER, OTHER.content), (damaged, b"damaged")):
        moto.client().put_object(
            Bucket=bucket,
            Key=f"cache/{kin.project_of(file)}/{file.filename}",
            Body=content,
            Metadata={"hashes": json.dumps({"sha256": file.sha256}), "url": "https://old.example/"},
        )
    done = importing(tmp_path, f"s3://{bucket}")
    assert done.exit_code == 0
    assert f"left: cache/other/{OTHER.filename}: it is upstream's" in done.stdout
    done = importing(tmp_path, f"s3://{bucket}", "--cache")
    assert done.exit_code == 3
    assert last(done).endswith("users and cached files taken: 1")
    assert "it was recorded with sha256" in done.stdout
    store = DirectoryStore(tmp_path / "store")
    assert store.get(f"mirror/files/other/{OTHER.filename}").body == OTHER.content
    assert [entry.key for entry in store.list("mirror/")] == [
        f"mirror/files/other/{OTHER.filename}"
    ]


def test_users(tmp_path: Path) -> None:
    """A user's record that cannot be read is named; users that are here stay as they are."""
    objects = kin.serverless_pypi([TOOLS], {"alice": ("Alices-pass-1", True)})
    objects[f"users/{'0' * 64}.json"] = b'{"hash": "plain", "upload": true}'
    source = folder(tmp_path, objects)
    done = importing(tmp_path, source)
    assert done.exit_code == 3
    assert f"not taken: users/{'0' * 64}.json: " in done.stdout
    assert last(done).endswith("users and cached files taken: 1")
    assert last(importing(tmp_path, source)).endswith("users and cached files taken: 0")
    store = DirectoryStore(tmp_path / "store")
    now = datetime.now(UTC)
    events = Trail(store).between(now - timedelta(days=1), now + timedelta(days=1))
    assert [event.change.action for event in events].count("put-user") == 1
    assert last(importing(tmp_path, source, "--no-users", "--dry-run")).endswith(
        "users: 0; nothing was changed"
    )


# --- what this project writes ---


def test_round_trip(tmp_path: Path, upstream: Upstream) -> None:
    """What is exported can be imported again, and is as it was."""
    importing(tmp_path, json_index(upstream).index)
    store, out = str(tmp_path / "store"), str(tmp_path / "out")
    assert CliRunner().invoke(cli, ["export", "--store", store, "--to", out]).exit_code == 0
    done = run(out, "--store", tmp_path / "second")
    assert done.exit_code == 0, done.output
    for name in ("acme-tools", "other"):
        first, second = (
            open_store(str(tmp_path / each), {}, 900).get(f"projects/{name}.json").body
            for each in ("store", "second")
        )
        assert json.loads(first) == json.loads(second)


def test_hidden_upstream_projects(tmp_path: Path, upstream: Upstream) -> None:
    """It is said which upstream projects will be hidden by the private ones."""
    upstream.add(OTHER)
    settings = {"UPSTREAM_INDEX_URL": upstream.index}
    store = str(tmp_path / "store")
    assert CliRunner().invoke(cli, ["reindex", "--store", store], env=settings).exit_code == 0
    done = importing(tmp_path, folder(tmp_path, kin.folders([TOOLS, OTHER])), "--dry-run")
    assert "upstream's 'other' will be hidden whole by the private one" in done.stderr
    assert "'acme-tools'" not in done.stderr
