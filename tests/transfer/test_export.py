"""transfer.export: what is written where, in which order, and what a second export changes."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from distributions import BuiltDistribution, build_sdist, build_wheel
from indexes import Index
from servers import S3Server
from wheelyard.entry.cli import cli
from wheelyard.protocol.simple import parse_project
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.opening import open_store
from wheelyard.storage.store import Store
from wheelyard.transfer.export.exporter import Exporter, Report
from wheelyard.transfer.export.manifest import read_manifest
from wheelyard.transfer.export.options import Options
from wheelyard.transfer.export.plan import make_plan
from wheelyard.transfer.folder import Folder
from wheelyard.transfer.places import Described

TOOLS = build_wheel("acme-tools", "1.0", requires_python=">=3.11")
LOCAL = build_wheel("acme-tools", "1.1+build.5")
SDIST = build_sdist("acme-tools", "1.0")
OTHER = build_wheel("other", "2.0")

PLAIN = Options()


def index_of(store: Store, *files: BuiltDistribution) -> Index:
    """An index with these files."""
    index = Index(store)
    for file in files:
        assert index.upload(file).status == 200
    return index


def export(store: Store, folder: Path, options: Options = PLAIN) -> Report:
    """Export into a folder, and what was done."""
    target = Folder(folder)
    return Exporter(store, target, make_plan(store, options, read_manifest(target))).run()


def files_in(folder: Path) -> list[str]:
    """Every file below a folder but the manifest."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in found if name != ".wheelyard-export.json")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with two projects."""
    found = DirectoryStore(tmp_path / "store")
    index_of(found, TOOLS, LOCAL, SDIST, OTHER)
    return found


def test_layout(store: Store, tmp_path: Path) -> None:
    """Pages in both forms, files and their metadata stand in a folder for each project."""
    report = export(store, tmp_path / "out")
    assert files_in(tmp_path / "out") == sorted(
        [
            "index.html",
            "index.json",
            *(f"acme-tools/{name}" for name in ("index.html", "index.json")),
            *(f"acme-tools/{file.filename}" for file in (TOOLS, LOCAL, SDIST)),
            *(f"acme-tools/{file.filename}.metadata" for file in (TOOLS, LOCAL)),
            *(f"other/{name}" for name in ("index.html", "index.json", OTHER.filename)),
            f"other/{OTHER.filename}.metadata",
        ]
    )
    assert (report.projects, report.files, report.pages, report.removed) == (2, 7, 6, 0)
    assert (tmp_path / "out/acme-tools" / TOOLS.filename).read_bytes() == TOOLS.content


def test_pages(store: Store, tmp_path: Path) -> None:
    """A page says what the index says; a plus in a filename is encoded, as S3 would take it for a space."""
    export(store, tmp_path / "out")
    page = parse_project((tmp_path / "out/acme-tools/index.json").read_bytes())
    served = parse_project(store.get("projects/acme-tools.json").body)
    assert page.versions == served.versions
    for file, original in zip(page.files, served.files, strict=True):
        assert file == original._replace(url=original.filename.replace("+", "%2B"))
    html = (tmp_path / "out/acme-tools/index.html").read_text()
    assert f'href="{TOOLS.filename}#sha256={TOOLS.sha256}"' in html
    assert 'data-requires-python="&gt;=3.11"' in html
    root = json.loads((tmp_path / "out/index.json").read_bytes())
    assert [project["name"] for project in root["projects"]] == ["acme-tools", "other"]
    assert '<a href="acme-tools/">' in (tmp_path / "out/index.html").read_text()


def test_second_export(store: Store, tmp_path: Path) -> None:
    """A second export touches nothing but what changed since."""
    out = tmp_path / "out"
    export(store, out)
    before = {name: (out / name).stat().st_mtime_ns for name in files_in(out)}
    assert export(store, out) == Report(2, 0, 0, 0, ())
    newer = build_wheel("other", "2.1")
    index_of(store, newer)
    report = export(store, out)
    assert (report.files, report.pages, report.removed) == (2, 2, 0)
    touched = {name for name in before if (out / name).stat().st_mtime_ns != before[name]}
    assert touched == {"other/index.html", "other/index.json"}


def test_removal(store: Store, tmp_path: Path) -> None:
    """What the index no longer has is removed from the export, an emptied folder as well."""
    out = tmp_path / "out"
    export(store, out)
    (out / "mine.txt").write_text("not the export's")
    store.delete("projects/other.json")
    report = export(store, out)
    assert (report.files, report.pages, report.removed) == (0, 2, 4)
    assert not (out / "other").exists()
    assert (out / "mine.txt").exists()


def test_quarantine(store: Store, tmp_path: Path) -> None:
    """A quarantined project has a page that says so, and no files."""
    out = tmp_path / "out"
    export(store, out)
    document = json.loads(store.get("projects/other.json").body)
    document["project-status"] = {"status": "quarantined"}
    store.put("projects/other.json", json.dumps(document).encode())
    export(store, out)
    assert [name for name in files_in(out) if name.startswith("other/")] == [
        "other/index.html",
        "other/index.json",
    ]
    assert "quarantined" in (out / "other/index.html").read_text()


class Watched(Folder):
    """Says at each step what the pages link to that is not there."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.stale: list[str] = []
        self.steps = 0
        self.dies_after = 10**9

    def look(self) -> None:
        """Note every link that leads nowhere."""
        self.steps += 1
        if self.steps > self.dies_after:
            raise KeyboardInterrupt
        root = self.root / "index.json"
        if root.exists():
            for project in json.loads(root.read_bytes())["projects"]:
                if not (self.root / project["name"] / "index.html").exists():
                    self.stale.append(f"{self.steps}: page of {project['name']}")
        for page in self.root.glob("*/index.json"):
            for file in parse_project(page.read_bytes()).files:
                for ending in ("", ".metadata") if file.core_metadata else ("",):
                    if not (page.parent / (file.filename + ending)).exists():
                        self.stale.append(f"{self.steps}: {file.filename}{ending}")

    def write(self, key: str, body: bytes, described: Described) -> None:
        super().write(key, body, described)
        self.look()

    def remove(self, key: str) -> None:
        super().remove(key)
        self.look()


def change(store: Store) -> None:
    """One project more, one fewer, and one with another file."""
    index_of(store, build_wheel("brand-new", "1.0"), build_wheel("acme-tools", "3.0"))
    store.delete("projects/other.json")


def test_no_stale_links(store: Store, tmp_path: Path) -> None:
    """At no moment does a page link to what is not there."""
    export(store, tmp_path / "out")
    change(store)
    target = Watched(tmp_path / "out")
    Exporter(store, target, make_plan(store, Options(), read_manifest(target))).run()
    assert target.stale == []
    assert target.steps > 6


@pytest.mark.parametrize("steps", range(0, 12, 2))
def test_interrupted(store: Store, tmp_path: Path, steps: int) -> None:
    """Broken off at any step, an export leaves no stale link and nothing that the next one forgets."""
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    export(store, out)
    change(store)
    target = Watched(out)
    target.dies_after = steps
    exporter = Exporter(store, target, make_plan(store, Options(), read_manifest(target)))
    with pytest.raises(KeyboardInterrupt):
        exporter.run()
    assert target.stale == []
    store.delete("projects/brand-new.json")
    export(store, out)
    export(store, fresh)
    assert files_in(out) == files_in(fresh)
    assert export(store, out) == Report(1, 0, 0, 0, ())


def test_missing_file(store: Store, tmp_path: Path) -> None:
    """A file that is listed and gone from the store is named, and no page links to it."""
    store.delete(f"packages/acme-tools/{TOOLS.filename}")
    report = export(store, tmp_path / "out")
    assert [unfit.key for unfit in report.unfit] == [f"acme-tools/{TOOLS.filename}"]
    page = parse_project((tmp_path / "out/acme-tools/index.json").read_bytes())
    assert [file.filename for file in page.files] == [SDIST.filename, LOCAL.filename]
    assert not list((tmp_path / "out").rglob(f"{TOOLS.filename}*"))


def test_damaged_file(store: Store, tmp_path: Path) -> None:
    """A stored file that is not the listed one is not exported."""
    store.put(f"packages/other/{OTHER.filename}", TOOLS.content)
    report = export(store, tmp_path / "out")
    assert OTHER.sha256 in report.unfit[0].reason
    assert not (tmp_path / "out/other" / OTHER.filename).exists()


@pytest.mark.parametrize("name", ["../../evil.whl", "index.html", "a/b-1.0.tar.gz"])
def test_edited_page(store: Store, tmp_path: Path, name: str) -> None:
    """What somebody put into a stored page as a filename leads nowhere outside, and replaces no page."""
    document = json.loads(store.get("projects/other.json").body)
    document["files"][0]["filename"] = name
    store.put("projects/other.json", json.dumps(document).encode())
    report = export(store, tmp_path / "out")
    assert len(report.unfit) == 1
    assert "Links for other" in (tmp_path / "out/other/index.html").read_text()
    assert not (tmp_path / "evil.whl").exists()


def test_hard_links(store: Store, tmp_path: Path) -> None:
    """With links, an exported file is the store's own, and takes no second place."""
    export(store, tmp_path / "out", Options(link=True))
    exported = tmp_path / "out/other" / OTHER.filename
    stored = store.local_path(f"packages/other/{OTHER.filename}")
    assert stored is not None
    assert exported.samefile(stored)
    assert exported.read_bytes() == OTHER.content


@pytest.mark.parametrize(
    ("url", "href"),
    [
        ("../packages/", "../../packages/other/"),
        ("/files/", "/files/other/"),
        ("https://cdn.example/packages/", "https://cdn.example/packages/other/"),
    ],
)
def test_files_elsewhere(store: Store, tmp_path: Path, url: str, href: str) -> None:
    """With a URL for the store's own files, only pages are written, and link there."""
    export(store, tmp_path / "out", Options(files_url=url))
    assert all(name.endswith(("index.html", "index.json")) for name in files_in(tmp_path / "out"))
    html = (tmp_path / "out/other/index.html").read_text()
    assert f'href="{href}{OTHER.filename}#' in html


@pytest.mark.parametrize(
    ("index_url", "link"),
    [
        ("", None),
        ("http://index.example/simple/", None),
        (
            "https://index.example/simple/",
            f"https://index.example/simple/other/{OTHER.filename}.provenance",
        ),
    ],
)
def test_attestations(store: Store, tmp_path: Path, index_url: str, link: str | None) -> None:
    """Attestations are exported, and announced where the index has a secure address."""
    document = json.loads(store.get("projects/other.json").body)
    document["files"][0]["provenance"] = f"{OTHER.filename}.provenance"
    store.put("projects/other.json", json.dumps(document).encode())
    store.put(f"packages/other/{OTHER.filename}.provenance", b'{"version":1}')
    export(store, tmp_path / "out", Options(index_url=index_url))
    (file,) = parse_project((tmp_path / "out/other/index.json").read_bytes()).files
    assert file.provenance == link
    assert (tmp_path / "out/other" / f"{OTHER.filename}.provenance").exists()
    store.put(f"packages/other/{OTHER.filename}.provenance", b'{"version":1,"more":1}')
    assert export(store, tmp_path / "out", Options(index_url=index_url)).files == 1


# --- the command ---


def run(*arguments: str | Path) -> Result:
    """``wheelyard export`` as it is typed."""
    return CliRunner().invoke(cli, ["export", *map(str, arguments)])


def test_command(store: Store, tmp_path: Path) -> None:
    """It says what it did in one line, and ends with 0."""
    done = run("--store", tmp_path / "store", "--to", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert done.stdout == "projects: 2; written: 7 files and 6 pages; removed: 0\n"
    again = run("--store", tmp_path / "store", "--to", tmp_path / "out")
    assert again.stdout == "projects: 2; written: 0 files and 0 pages; removed: 0\n"
    full = run("--store", tmp_path / "store", "--to", tmp_path / "out", "--full")
    assert full.stdout == "projects: 2; written: 7 files and 6 pages; removed: 0\n"


def test_dry_run(store: Store, tmp_path: Path) -> None:
    """A dry run names what would be written and removed, and changes nothing."""
    where = ("--store", tmp_path / "store", "--to", tmp_path / "out")
    done = run(*where, "--dry-run")
    assert done.exit_code == 0
    assert f"write   other/{OTHER.filename}" in done.stdout.splitlines()
    assert "write   index.html" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1].startswith("projects: 2; to write: 7 files (")
    assert not (tmp_path / "out").exists()
    run(*where)
    store.delete("projects/other.json")
    done = run(*where, "--dry-run")
    assert f"remove  other/{OTHER.filename}" in done.stdout.splitlines()
    assert (tmp_path / "out/other" / OTHER.filename).exists()


def test_incomplete(store: Store, tmp_path: Path) -> None:
    """What could not be exported is named with the reason, and the exit status is 3."""
    store.delete(f"packages/acme-tools/{TOOLS.filename}")
    done = run("--store", tmp_path / "store", "--to", tmp_path / "out")
    assert done.exit_code == 3
    assert done.stdout.startswith(f"not exported: acme-tools/{TOOLS.filename}: ")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--to", "out", "--pages", "directory-keys"], "use --pages index.html"),
        (["--to", "store"], "the store itself"),
        (["--to", "out", "--store", "missing"], "there is no store in 'missing'"),
        (["--to", "out", "--store", "empty"], "'empty' has no project"),
        (["--to", "gs://bucket/prefix"], "use a directory or s3://bucket/prefix"),
    ],
)
def test_wrong_places(
    store: Store, tmp_path: Path, options: list[str], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store or target that cannot be meant is refused, saying what to use."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    done = run("--store", "store", *options)
    assert done.exit_code != 0
    assert not (tmp_path / "missing").exists()
    assert part in done.output + str(done.exception)
    assert not (tmp_path / "out").exists()


# --- buckets ---


def heads(server: S3Server, bucket: str) -> dict[str, Any]:
    """What each key of a bucket is answered with."""
    client = server.client()
    found = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {each["Key"]: client.head_object(Bucket=bucket, Key=each["Key"]) for each in found}


def test_bucket(store: Store, tmp_path: Path, moto: S3Server) -> None:
    """In a bucket every key has its content type, pages are revalidated and files kept for good."""
    bucket = moto.new_bucket()
    done = run("--store", tmp_path / "store", "--to", f"s3://{bucket}/simple")
    assert done.exit_code == 0, (done.output, done.exception)
    found = heads(moto, bucket)
    assert set(found) == {f"simple/{name}" for name in files_in_export(store, tmp_path)}
    page = found["simple/other/index.html"]
    assert (page["ContentType"], page["CacheControl"]) == ("text/html; charset=utf-8", "max-age=0")
    assert found["simple/other/index.json"]["ContentType"] == "application/vnd.pypi.simple.v1+json"
    file = found[f"simple/other/{OTHER.filename}"]
    assert file["ContentType"] == "application/octet-stream"
    assert file["CacheControl"] == "public, max-age=31536000, immutable"
    again = run("--store", tmp_path / "store", "--to", f"s3://{bucket}/simple")
    assert "written: 0 files and 0 pages" in again.stdout


def files_in_export(store: Store, tmp_path: Path) -> Iterable[str]:
    """What an export consists of, the manifest as well."""
    export(store, tmp_path / "expected")
    return [*files_in(tmp_path / "expected"), ".wheelyard-export.json"]


def test_directory_keys(store: Store, tmp_path: Path, moto: S3Server) -> None:
    """Pages can have keys that end with a slash, as a bucket behind CloudFront is asked for them."""
    bucket = moto.new_bucket()
    options = ("--pages", "directory-keys", "--no-json")
    done = run("--store", tmp_path / "store", "--to", f"s3://{bucket}/simple", *options)
    assert done.exit_code == 0, (done.output, done.exception)
    found = heads(moto, bucket)
    assert {key for key in found if key.endswith("/")} == {
        "simple/",
        "simple/acme-tools/",
        "simple/other/",
    }
    assert found["simple/other/"]["ContentType"] == "text/html; charset=utf-8"
    assert not any(key.endswith(("index.html", "index.json")) for key in found)
    run("--store", tmp_path / "store", "--to", f"s3://{bucket}/simple")
    assert not any(key.endswith("/") for key in heads(moto, bucket))


@pytest.mark.parametrize("s3", ["moto", "weed"])
def test_from_bucket_to_bucket(s3: str, request: pytest.FixtureRequest) -> None:
    """From one bucket into another, S3 copies the files itself, and gives them the export's headers."""
    server: S3Server = request.getfixturevalue(s3)
    source, target = server.new_bucket(), server.new_bucket()
    location = f"s3://{source}/private/store"
    index_of(open_store(location, os.environ, 900), TOOLS, LOCAL)
    done = run("--store", location, "--to", f"s3://{target}")
    assert done.exit_code == 0, (done.output, done.exception)
    found = heads(server, target)
    key = f"acme-tools/{LOCAL.filename}"
    body = server.client().get_object(Bucket=target, Key=key)["Body"].read()
    assert body == LOCAL.content
    assert found[key]["CacheControl"] == "public, max-age=31536000, immutable"
    again = run("--store", location, "--to", f"s3://{target}")
    assert "written: 0 files and 0 pages" in again.stdout
