"""What an upload leads to: the legacy form through the application, on memory and on a directory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distributions import BuiltDistribution, build_sdist, build_wheel, core_metadata, pack_zip
from forms import CONTENT_TYPE, SIGNATURE, Part, attestation, encode, parts
from indexes import JSON, UPLOADER, Index, content
from wheelyard.entry.http import Response
from wheelyard.errors import FileExists
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.names import project_name
from wheelyard.protocol.simple import parse_project, project_json
from wheelyard.publish.publisher import Publisher
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Doomed, Shelf
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore

NAME = project_name("acme-tools")
WHEEL = build_wheel("acme-tools", "1.0")
OTHER = build_wheel("acme-tools", "1.0", files={"acme_tools/__init__.py": b"other = 1\n"})
SDIST = build_sdist("acme-tools", "1.0")


@pytest.fixture(params=["memory", "directory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Index]:
    """What opens an index over one store, with the settings that a test wants."""
    store = DirectoryStore(tmp_path / "store") if request.param == "directory" else Index().store
    return lambda **env: Index(store, env)


def post(index: Index, sent: list[Part]) -> Response:
    """An upload of a form."""
    headers = {"content-type": CONTENT_TYPE}
    return index.ask("POST", "/legacy/", UPLOADER, headers, [encode(sent)])


def upload(index: Index, built: BuiltDistribution, **others: Any) -> Response:
    """An upload of a file as twine does it."""
    return post(index, parts(built, **others))


def detail(response: Response) -> str:
    """The detail of a problem."""
    return str(json.loads(content(response))["detail"])


def page(index: Index, name: str = "acme-tools", **request: Any) -> Any:
    """A project's page in JSON."""
    response = index.ask("GET", f"/simple/{name}/", headers={"accept": JSON}, **request)
    assert response.status == 200
    return json.loads(content(response))


def files(index: Index, name: str = "acme-tools") -> dict[str, Any]:
    """The files on a project's page, by filename."""
    return {file["filename"]: file for file in page(index, name)["files"]}


def shelf(index: Index, **rules: bool) -> Shelf:
    """The shelf of an index's store."""
    return Shelf(index.store, Catalogue(index.store), Rules(10**9, **rules))


def test_signature(place: Callable[..., Index]) -> None:
    """A PGP signature is stored, announced as gpg-sig and served beside its file."""
    index = place()
    assert post(index, parts(WHEEL, [Part("gpg_signature", SIGNATURE, "x.asc")])).status == 200
    assert upload(index, SDIST).status == 200
    listed = files(index)
    assert listed[WHEEL.filename]["gpg-sig"] is True
    assert "gpg-sig" not in listed[SDIST.filename]
    answer = index.get(f"/simple/acme-tools/{WHEEL.filename}.asc")
    assert (answer.status, content(answer)) == (200, SIGNATURE)
    assert answer.header("content-type") == "application/pgp-signature"
    assert index.get(f"/simple/acme-tools/{SDIST.filename}.asc").status == 404
    assert 'data-gpg-sig="true"' in content(index.get("/simple/acme-tools/")).decode()


def test_attestations(place: Callable[..., Index]) -> None:
    """Attestations become the provenance object of their file, linked absolutely on a secure origin."""
    index = place()
    sent = [attestation(WHEEL), attestation(WHEEL, "https://slsa.example/provenance/v1")]
    assert upload(index, WHEEL, attestations=json.dumps(sent)).status == 200
    assert upload(index, SDIST, attestations="[]").status == 200
    listed = {f["filename"]: f for f in page(index, scheme="https", host="p.example")["files"]}
    link = f"https://p.example/simple/acme-tools/{WHEEL.filename}.provenance"
    assert listed[WHEEL.filename]["provenance"] == link
    assert "provenance" not in listed[SDIST.filename]
    answer = index.get(f"/simple/acme-tools/{WHEEL.filename}.provenance")
    assert answer.header("content-type") == "application/vnd.pypi.integrity.v1+json"
    provenance = json.loads(content(answer))
    assert provenance["version"] == 1
    [bundle] = provenance["attestation_bundles"]
    assert bundle["attestations"] == sent
    assert bundle["publisher"]["kind"] == "Wheelyard"
    assert index.get(f"/simple/acme-tools/{SDIST.filename}.provenance").status == 404


@pytest.mark.parametrize(
    ("scheme", "base", "expected"),
    [("https", "/stage", "https://p.example/stage/simple/acme-tools/"), ("http", "", None)],
)
def test_provenance_by_origin(
    place: Callable[..., Index], scheme: str, base: str, expected: str | None
) -> None:
    """The link is formed from the request's own origin, and left out where that is not secure."""
    index = place()
    upload(index, WHEEL, attestations=json.dumps([attestation(WHEEL)]))
    asked: Any = {"scheme": scheme, "host": "p.example", "base": base}
    link = expected and f"{expected}{WHEEL.filename}.provenance"
    assert page(index, **asked)["files"][0].get("provenance") == link
    html = content(index.ask("GET", "/simple/acme-tools/", **asked)).decode()
    assert ("data-provenance" in html) == (link is not None)
    assert link is None or f'data-provenance="{link}"' in html


def test_pages_of_origins_have_their_own_tags(place: Callable[..., Index]) -> None:
    """Where a page depends on the origin its ETag does too; where it does not, it is the same."""
    index = place()

    def tag(host: str) -> str | None:
        return index.ask("GET", "/simple/acme-tools/", host=host).header("etag")

    upload(index, SDIST)
    assert tag("a.example") == tag("b.example")
    upload(index, WHEEL, attestations=json.dumps([attestation(WHEEL)]))
    assert tag("a.example") != tag("b.example")


def test_identical_again(place: Callable[..., Index]) -> None:
    """The same file again is 200, changes nothing, and is not read back from the store."""
    index = place()
    upload(index, WHEEL)
    before = index.store.get(keys.project(NAME))
    index.store.delete(keys.package(NAME, WHEEL.filename))  # reading it would fail
    assert upload(index, WHEEL).status == 200
    assert index.store.get(keys.project(NAME)) == before


@pytest.mark.parametrize("setting", [{}, {"OVERWRITE": "never"}])
def test_other_content_is_refused(place: Callable[..., Index], setting: dict[str, str]) -> None:
    """Without OVERWRITE=allow a published file never changes."""
    index = place(**setting)
    upload(index, WHEEL)
    answer = upload(index, OTHER)
    assert answer.status == 400
    assert detail(answer).startswith("File already exists")
    assert content(index.get(f"/simple/acme-tools/{WHEEL.filename}")) == WHEEL.content


def test_overwriting(place: Callable[..., Index]) -> None:
    """OVERWRITE=allow replaces file, metadata, signature and digests alike."""
    index = place(OVERWRITE="allow")
    attested = json.dumps([attestation(WHEEL)])
    post(index, parts(WHEEL, [Part("gpg_signature", SIGNATURE, "x")], attestations=attested))
    metadata = core_metadata("acme-tools", "1.0", requires_python=">=3.12")
    other = build_wheel("acme-tools", "1.0", requires_python=">=3.12")
    assert upload(index, other).status == 200
    [file] = page(index)["files"]
    assert file["hashes"] == {"sha256": other.sha256}
    assert file["requires-python"] == ">=3.12"
    assert "gpg-sig" not in file
    assert "provenance" not in file
    served = f"/simple/acme-tools/{other.filename}"
    assert content(index.get(served)) == other.content
    assert content(index.get(f"{served}.metadata")) == metadata
    assert index.get(f"{served}.asc").status == 404
    assert not [
        e.key for e in index.store.list("packages/") if e.key.endswith((".asc", ".provenance"))
    ]


def test_overwriting_is_not_renaming(place: Callable[..., Index]) -> None:
    """A second sdist of a release is refused even where files may be overwritten."""
    index = place(OVERWRITE="allow")
    upload(index, SDIST)
    answer = upload(index, build_sdist("acme-tools", "1.0", format="zip"))
    assert answer.status == 400
    assert "a release can have one" in detail(answer)


def test_one_sdist_a_release(place: Callable[..., Index]) -> None:
    """A release has one source distribution, another release its own, and wheels as many as it likes."""
    index = place()
    assert upload(index, SDIST).status == 200
    zipped = build_sdist("acme-tools", "1.0", format="zip")
    assert upload(index, zipped).status == 400
    assert upload(index, build_sdist("acme-tools", "1.1", format="zip")).status == 200
    assert upload(index, WHEEL).status == 200
    assert upload(index, build_wheel("acme-tools", "1.0", build="1")).status == 200
    assert zipped.filename not in files(index)


def test_spellings_are_one_file(place: Callable[..., Index]) -> None:
    """A filename that only spells a published one differently is refused, naming that one."""
    index = place()
    upload(index, build_wheel("acme-tools", "1.0", tag="py2.py3-none-any"))
    respelt = build_wheel("acme-tools", "1.0", tag="py3.py2-none-any")
    answer = upload(index, respelt)
    assert answer.status == 400
    assert "in another spelling" in detail(answer)
    assert "acme_tools-1.0-py2.py3-none-any.whl" in detail(answer)
    assert respelt.filename not in files(index)


@pytest.mark.parametrize("built", [WHEEL, OTHER], ids=["same", "other"])
def test_deleted_filename(place: Callable[..., Index], built: BuiltDistribution) -> None:
    """The name of a deleted file is not used again, for whatever content, unless a setting allows it."""
    index = place()
    upload(index, WHEEL)
    canonical = WHEEL.filename.replace("1.0", "1")
    shelf(index).remove(NAME, [Doomed(WHEEL.filename, canonical, WHEEL.sha256)])
    assert page(index)["files"] == []
    answer = upload(index, built)
    assert answer.status == 400
    assert "published and deleted" in detail(answer)
    assert page(index)["files"] == []
    assert not list(index.store.list(keys.PACKAGES))
    assert upload(place(REUSE_DELETED="allow"), built).status == 200
    assert files(index)[built.filename]["hashes"] == {"sha256": built.sha256}


def test_deletion_while_uploading(place: Callable[..., Index]) -> None:
    """A file whose tombstone appears while it is being listed does not stay listed."""
    index = place()
    upload(index, SDIST)

    class Deleting(Shelf):
        """Somebody deletes the file after this writer's last look."""

        def edit(self, name: Any, change: Any) -> bool:
            if not self.tombstones.find(NAME, canonical):
                self.remove(NAME, [Doomed(WHEEL.filename, canonical, WHEEL.sha256)])
                self.store.create(keys.package(NAME, WHEEL.filename), WHEEL.content)
            return super().edit(name, change)

    canonical = WHEEL.filename.replace("1.0", "1")
    deleting = Deleting(index.store, Catalogue(index.store), Rules(10**9))
    with pytest.raises(FileExists, match="published and deleted"):
        Publisher(deleting).publish(CONTENT_TYPE, [encode(parts(WHEEL))])
    assert list(files(index)) == [SDIST.filename]


@pytest.mark.parametrize("status", ["archived", "quarantined"])
def test_closed_projects(place: Callable[..., Index], status: Any) -> None:
    """Archived and quarantined projects refuse uploads, with the reason that was given."""
    index = place()
    upload(index, WHEEL)
    stored = index.store.get(keys.project(NAME))
    project = parse_project(stored.body)._replace(status=status, status_reason="see acme-kit")
    index.store.replace(keys.project(NAME), project_json(project), stored.etag)
    answer = upload(index, SDIST)
    assert answer.status == 403
    assert f"is {status} and takes no uploads: see acme-kit" in detail(answer)
    assert not [e for e in index.store.list(keys.PACKAGES) if SDIST.filename in e.key]


def test_deprecated_projects_take_uploads(place: Callable[..., Index]) -> None:
    """A deprecated project still does, and stays deprecated."""
    index = place()
    upload(index, WHEEL)
    stored = index.store.get(keys.project(NAME))
    project = parse_project(stored.body)._replace(status="deprecated")
    index.store.replace(keys.project(NAME), project_json(project), stored.etag)
    assert upload(index, SDIST).status == 200
    assert page(index)["project-status"] == {"status": "deprecated"}


def test_too_large(place: Callable[..., Index]) -> None:
    """A file beyond MAX_FILE_SIZE is 413, and the answer names the command that sends large files."""
    index = place(MAX_FILE_SIZE="100")
    answer = upload(index, WHEEL)
    assert answer.status == 413
    assert "wheelyard upload" in detail(answer)


def egg() -> BuiltDistribution:
    """An egg as setuptools made them."""
    metadata = core_metadata("acme-tools", "1.0", metadata_version="1.1")
    members = {"EGG-INFO/PKG-INFO": metadata, "acme_tools/__init__.py": b""}
    return BuiltDistribution("acme_tools-1.0-py3.11.egg", pack_zip(members))


@pytest.mark.parametrize(
    ("built", "filetype"),
    [
        (build_sdist("acme-tools", "1.0", format="bztar"), "sdist"),
        (build_sdist("acme-tools", "1.0", format="xztar"), "sdist"),
        (egg(), "bdist_egg"),
    ],
    ids=["bz2", "xz", "egg"],
)
def test_legacy_formats(
    place: Callable[..., Index], built: BuiltDistribution, filetype: str
) -> None:
    """Formats of the past are taken only where a setting says so."""
    refused = upload(place(), built, filetype=filetype)
    assert refused.status == 400
    answer = upload(place(LEGACY_FORMATS="allow"), built, filetype=filetype)
    assert answer.status == 200, detail(answer)
    assert list(files(place())) == [built.filename]
