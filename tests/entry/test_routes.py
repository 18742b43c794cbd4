"""The HTTP contract, asked of the application directly."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from distributions import BuiltDistribution, build_sdist, build_wheel
from indexes import HTML, JSON, UPLOADER, Index, content
from wheelyard.entry.http import Response
from wheelyard.errors import StorageError
from wheelyard.protocol.names import project_name
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Stored

WHEEL = build_wheel("acme-tools", "1.0", requires_python=">=3.9")
LOCAL = build_wheel("acme-tools", "1.1+local.1")
SDIST = build_sdist("acme-tools", "1.0")


@pytest.fixture(params=["memory", "directory"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Index:
    """An index with three files of one project."""
    directory = request.param == "directory"
    made = Index(DirectoryStore(tmp_path / "store") if directory else ObjectStore(MemoryStore()))
    for built in (WHEEL, LOCAL, SDIST):
        assert made.upload(built).status == 200
    return made


def problem(response: Response) -> dict[str, object]:
    """The problem document of an error."""
    assert response.header("content-type") == "application/problem+json"
    document: dict[str, object] = json.loads(content(response))
    assert document["status"] == response.status
    assert set(document) == {"title", "detail", "status"}
    return document


def test_the_json_page(index: Index) -> None:
    """A project's page names every file with digest, size, time, metadata and a relative link."""
    response = index.get("/simple/acme-tools/", JSON)
    page = json.loads(content(response))
    assert response.status == 200
    assert response.header("content-type") == JSON
    assert response.header("cache-control") == "max-age=0, private"
    assert response.header("vary") == "Accept, Accept-Encoding"
    assert page["meta"] == {"api-version": "1.4"}
    assert page["versions"] == ["1.0", "1.1+local.1"]
    files = {file["filename"]: file for file in page["files"]}
    assert set(files) == {WHEEL.filename, LOCAL.filename, SDIST.filename}
    wheel = files[WHEEL.filename]
    assert wheel["url"] == WHEEL.filename
    assert wheel["hashes"] == {"sha256": WHEEL.sha256}
    assert wheel["size"] == len(WHEEL.content)
    assert wheel["requires-python"] == ">=3.9"
    assert wheel["upload-time"].endswith("Z")
    assert wheel["core-metadata"] == wheel["dist-info-metadata"]
    assert "core-metadata" not in files[SDIST.filename]


def test_metadata_has_the_promised_digest(index: Index) -> None:
    """The ``.metadata`` of a wheel is what the page's digest is of; an sdist has none."""
    page = json.loads(content(index.get("/simple/acme-tools/", JSON)))
    promised = {file["filename"]: file.get("core-metadata") for file in page["files"]}
    raw = content(index.get(f"/simple/acme-tools/{WHEEL.filename}.metadata"))
    assert promised[WHEEL.filename] == {"sha256": hashlib.sha256(raw).hexdigest()}
    assert b"Name: acme-tools" in raw
    assert index.get(f"/simple/acme-tools/{SDIST.filename}.metadata").status == 404


@pytest.mark.parametrize(
    ("accept", "query", "expected"),
    [
        (JSON, "", JSON),
        (HTML, "", HTML),
        ("text/html", "", "text/html; charset=utf-8"),
        (None, "", "text/html; charset=utf-8"),
        ("text/html", "?format=json", JSON),
        (JSON, "?format=html", "text/html; charset=utf-8"),
        (None, "?format=application/vnd.pypi.simple.v1%2Bjson", JSON),
        (None, "?format=application/vnd.pypi.simple.v1+json", JSON),
    ],
)
@pytest.mark.parametrize("path", ["/simple/", "/simple/acme-tools/"])
def test_forms(index: Index, path: str, accept: str | None, query: str, expected: str) -> None:
    """The page and the listing come in the form that is asked for, ``?format=`` first."""
    response = index.get(path + query, accept)
    assert (response.status, response.header("content-type")) == (200, expected)


@pytest.mark.parametrize("path", ["/simple/", "/simple/acme-tools/"])
def test_no_acceptable_form(index: Index, path: str) -> None:
    """A form that there is not is 406, never 300."""
    assert problem(index.get(path, "application/json"))["title"] == "Not acceptable"
    assert problem(index.get(path + "?format=xml"))["status"] == 406


def test_every_representation_has_its_own_tag(index: Index) -> None:
    """Strong entity tags differ between types and encodings, and each is good for a 304."""
    tags = set()
    for accept in (JSON, HTML, "text/html"):
        for encoding in ("identity", "gzip"):
            headers = {"accept-encoding": encoding}
            response = index.get("/simple/acme-tools/", accept, accept_encoding=encoding)
            etag = response.header("etag")
            assert etag is not None
            assert etag.startswith('"')
            tags.add(etag)
            again = index.get(
                "/simple/acme-tools/", accept, **headers, if_none_match=f'"other", W/{etag}'
            )
            assert again.status == 304
            assert again.header("etag") == etag
            assert content(again) == b""
    assert len(tags) == 6


@pytest.mark.parametrize("path", ["/simple/", "/simple/acme-tools/", "/pypi/acme-tools/json"])
def test_gzip(index: Index, path: str) -> None:
    """A client that takes gzip gets it, however short the page is, and the same inside."""
    plain = index.get(path, JSON)
    packed = index.get(path, JSON, accept_encoding="gzip, deflate")
    assert packed.header("etag") != plain.header("etag")
    assert packed.header("content-encoding") == "gzip"
    assert plain.header("content-encoding") is None
    assert gzip.decompress(content(packed)) == content(plain)
    assert packed.header("content-length") == str(len(content(packed)))


def test_a_new_file_changes_the_tag(index: Index) -> None:
    """What was revalidated before an upload is not what is sent after it."""
    before = index.get("/simple/acme-tools/", JSON).header("etag")
    index.upload(build_wheel("acme-tools", "2.0"))
    after = index.get("/simple/acme-tools/", JSON, if_none_match=before or "")
    assert after.status == 200
    assert b"2.0" in content(after)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/simple", "simple/"),
        ("/simple?format=json", "simple/?format=json"),
        ("/simple/acme-tools", "acme-tools/"),
        ("/simple/Acme_Tools", "acme-tools/"),
        ("/simple/Acme_Tools/", "../acme-tools/"),
        ("/simple/acme..tools/?format=json", "../acme-tools/?format=json"),
        ("/simple/Acme.Tools/x-1.0+a.tar.gz", "../acme-tools/x-1.0+a.tar.gz"),
        ("/pypi/Acme.Tools/json", "../acme-tools/json"),
        ("/pypi/Acme.Tools/1.0/json", "../../acme-tools/1.0/json"),
    ],
)
def test_redirects_are_relative(index: Index, path: str, location: str) -> None:
    """A missing slash or another spelling is redirected so that it holds under any base path."""
    response = index.get(path)
    assert (response.status, response.header("location")) == (301, location)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/simple/unknown/",
        "/simple/not a name/",
        "/simple/-/",
        "/simple//",
        "/simple/acme-tools/unknown-1.0.tar.gz",
        "/simple/acme-tools/../../users/x.json",
        "/simple/acme-tools/..",
        f"/simple/acme-tools/{WHEEL.filename}/",
        "/simple/acme-tools/.metadata",
        "/simple/acme-tools/unknown.whl.metadata",
        "/pypi/unknown/json",
        "/pypi/acme-tools/9.9/json",
        "/pypi/acme-tools/nonsense/json",
        "/+simple/unknown/",
        "/-/health/",
        "/simple/acme-tools/\0",
    ],
)
def test_what_is_not_there(index: Index, path: str) -> None:
    """Whatever is not there is 404 with the reason."""
    assert problem(index.get(path))["title"] == "Not found"


def test_files(index: Index) -> None:
    """A file is its bytes, with a tag that is its digest, and may be kept for ever."""
    response = index.get(f"/simple/acme-tools/{WHEEL.filename}")
    assert response.status == 200
    assert content(response) == WHEEL.content
    assert response.header("etag") == f'"{WHEEL.sha256}"'
    assert response.header("accept-ranges") == "bytes"
    assert "immutable" in (response.header("cache-control") or "")
    again = index.get(f"/simple/acme-tools/{WHEEL.filename}", if_none_match=f'"{WHEEL.sha256}"')
    assert (again.status, content(again)) == (304, b"")


SIZE = len(WHEEL.content)


@pytest.mark.parametrize(
    ("header", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=5-", 206, 5, SIZE),
        ("bytes=-7", 206, SIZE - 7, SIZE),
        (f"bytes=-{SIZE * 2}", 206, 0, SIZE),
        (f"bytes=0-{SIZE * 2}", 206, 0, SIZE),
        (f"bytes={SIZE - 1}-{SIZE - 1}", 206, SIZE - 1, SIZE),
        ("bytes=0-1,4-5", 200, 0, SIZE),
        ("bytes=5-4", 200, 0, SIZE),
        ("bytes=-", 200, 0, SIZE),
        ("bytes=a-b", 200, 0, SIZE),
        ("lines=0-1", 200, 0, SIZE),
        (f"bytes={SIZE}-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
    ],
)
def test_ranges(index: Index, header: str, status: int, start: int, end: int) -> None:
    """One range is sent alone; what is malformed, or several, is the whole file."""
    response = index.get(f"/simple/acme-tools/{WHEEL.filename}", range=header)
    assert response.status == status
    assert content(response) == WHEEL.content[start:end]
    expected = {206: f"bytes {start}-{end - 1}/{SIZE}", 416: f"bytes */{SIZE}", 200: None}
    assert response.header("content-range") == expected[status]


def test_if_range(index: Index) -> None:
    """A range of a file that is no longer the same is the whole of it."""
    path = f"/simple/acme-tools/{WHEEL.filename}"
    same = index.get(path, range="bytes=0-3", if_range=f'"{WHEEL.sha256}"')
    other = index.get(path, range="bytes=0-3", if_range='"other"')
    assert (same.status, other.status) == (206, 200)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/-/health",
        "/simple/",
        "/simple/acme-tools/",
        "/simple/acme-tools",
        f"/simple/acme-tools/{WHEEL.filename}",
        f"/simple/acme-tools/{WHEEL.filename}.metadata",
        "/pypi/acme-tools/json",
        "/pypi/acme-tools/1.0/json",
        "/+simple/acme-tools/",
        "/simple/unknown/",
    ],
)
def test_head_is_get_without_the_body(index: Index, path: str) -> None:
    """HEAD has GET's status and headers, the length included, and no body."""
    got, head = index.ask("GET", path), index.ask("HEAD", path)
    assert (head.status, head.headers) == (got.status, got.headers)
    assert content(head) == b""
    assert got.header("content-length") == str(len(content(got)))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/simple/", "GET, HEAD, POST"),
        ("DELETE", "/", "GET, HEAD, POST"),
        ("GET", "/legacy/", "POST"),
        ("OPTIONS", "/simple/acme-tools/", "GET, HEAD"),
        ("POST", "/simple/acme-tools/", "GET, HEAD"),
        ("POST", "/-/health", "GET, HEAD"),
        ("PATCH", "/pypi/acme-tools/json", "GET, HEAD"),
    ],
)
def test_wrong_methods(index: Index, method: str, path: str, allowed: str) -> None:
    """A wrong method is 405, and says which are right."""
    response = index.ask(method, path, UPLOADER)
    assert problem(response)["title"] == "Method not allowed"
    assert (response.status, response.header("allow")) == (405, allowed)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/", "/simple/", "/simple/acme-tools/", "/simple/unknown/", "/nothing", "/legacy/"]
)
def test_nobody_learns_anything(index: Index, method: str, path: str) -> None:
    """Without credentials every path is the same 401 with a challenge, whatever is there."""
    answers = [
        index.ask(method, path, user)
        for user in (None, ("reader", "wrong"), ("nobody", "reader-password"))
    ]
    reference = index.ask(method, "/anything", None)
    assert reference.status == 401
    assert (reference.header("www-authenticate") or "").startswith('Basic realm="')
    assert all(answer == reference for answer in answers)


def test_health_needs_nothing_and_tells_nothing(index: Index) -> None:
    """The health check answers without credentials."""
    response = index.ask("GET", "/-/health", None)
    assert (response.status, content(response)) == (200, b"ok\n")


def test_readers_may_not_upload(index: Index) -> None:
    """An upload without the role is 403 with the reason."""
    response = index.upload(build_wheel("acme-tools", "3.0"), user=("reader", "reader-password"))
    assert response.status == 403
    assert "ask for the upload role" in str(problem(response)["detail"])


@pytest.mark.parametrize("path", ["/", "/legacy/", "/legacy", "/simple/", "/simple"])
def test_upload_paths(index: Index, path: str) -> None:
    """Every path that clients are configured with takes uploads."""
    assert index.upload(build_wheel("acme-tools", "4.0"), path=path).status == 200
    assert b"4.0" in content(index.get("/simple/acme-tools/"))


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/+simple/acme-tools/", "../../simple/acme-tools/"),
        ("/legacy/+simple/Acme_Tools/", "../../../simple/acme-tools/"),
        ("/simple/+simple/acme-tools", "../../../simple/acme-tools/"),
    ],
)
def test_existing_files_for_hatch(index: Index, path: str, link: str) -> None:
    """Under every path that takes uploads there is the page as HTML, its links leading to the files."""
    response = index.get(path, "*/*")
    assert (response.header("content-type") or "").startswith("text/html")
    assert f'href="{link}{WHEEL.filename}#sha256={WHEEL.sha256}"'.encode() in content(response)


def test_the_json_api(index: Index) -> None:
    """The document of a project has its newest release's metadata, and every release's files."""
    document = json.loads(content(index.get("/pypi/acme-tools/json")))
    assert document["info"]["name"] == "acme-tools"
    assert document["info"]["version"] == "1.1+local.1"
    assert set(document["releases"]) == {"1.0", "1.1+local.1"}
    (url,) = document["urls"]
    assert url["filename"] == LOCAL.filename
    assert url["url"] == f"../../simple/acme-tools/{LOCAL.filename}"
    assert (url["packagetype"], url["digests"]["sha256"]) == ("bdist_wheel", LOCAL.sha256)


def test_the_json_api_of_a_release(index: Index) -> None:
    """A release is found by any spelling of its version, with its own files and metadata."""
    document = json.loads(content(index.get("/pypi/acme-tools/1.0.0/json")))
    assert document["info"]["requires_python"] == ">=3.9"
    assert {url["packagetype"] for url in document["urls"]} == {"bdist_wheel", "sdist"}
    assert document["urls"][0]["url"].startswith("../../../simple/acme-tools/")
    assert "releases" not in document


def edit(index: Index, **changes: object) -> None:
    """Change the stored document from outside, as an operator might."""
    key = keys.project(project_name("acme-tools"))
    document = json.loads(index.store.get(key).body)
    index.store.put(key, json.dumps(document | changes, indent=2).encode())


def test_an_edit_from_outside_is_seen_at_the_next_request(index: Index) -> None:
    """A stored document that somebody edits is what the next request is answered with."""
    index.get("/simple/acme-tools/", JSON)
    file = {"filename": WHEEL.filename, "url": WHEEL.filename, "hashes": {}, "yanked": "bad"}
    edit(index, files=[file])
    assert json.loads(content(index.get("/simple/acme-tools/", JSON)))["files"] == [file]
    assert b'data-yanked="bad"' in content(index.get("/simple/acme-tools/"))
    assert index.get(f"/simple/acme-tools/{SDIST.filename}").status == 404


def test_a_quarantined_project_offers_no_files(index: Index) -> None:
    """Quarantine hides every file from pages and downloads, and takes no uploads."""
    edit(index, **{"project-status": {"status": "quarantined", "reason": "malware"}})
    page = json.loads(content(index.get("/simple/acme-tools/", JSON)))
    assert page["files"] == []
    assert page["project-status"] == {"status": "quarantined", "reason": "malware"}
    assert WHEEL.filename.encode() not in content(index.get("/simple/acme-tools/"))
    assert index.get(f"/simple/acme-tools/{WHEEL.filename}").status == 404
    assert index.get(f"/simple/acme-tools/{WHEEL.filename}.metadata").status == 404
    refused = index.upload(build_wheel("acme-tools", "5.0"))
    assert refused.status == 403
    assert "malware" in str(problem(refused)["detail"])


@pytest.mark.parametrize("accept", [JSON, "text/html"])
@pytest.mark.parametrize(
    "damaged", [b"", b"{", b"[]", b'{"meta": {"api-version": "1.4"}, "name": "acm']
)
def test_a_damaged_document_is_not_served(index: Index, damaged: bytes, accept: str) -> None:
    """A document that cannot be parsed is an error in the log, not a broken page or a 404."""
    index.store.put(keys.project(project_name("acme-tools")), damaged)
    response = index.ask("GET", "/simple/acme-tools/", headers={"accept": accept}, id="r-17")
    assert response.status == 500
    assert "see the log" in str(problem(response)["detail"])
    assert "r-17" in str(problem(response)["detail"])


class FailingStore(ObjectStore):
    """A store that cannot be read."""

    broken = False

    def get(self, key: str) -> Stored:
        if self.broken:
            raise StorageError("bucket-name: connection refused")
        return super().get(key)


def test_an_unreachable_store_is_503_and_says_nothing_of_it() -> None:
    """While the store does not answer, clients are asked to try again, without internals."""
    store = FailingStore(MemoryStore())
    index = Index(store)
    assert index.get("/simple/x/").status == 404
    store.broken = True
    response = index.get("/simple/x/")
    assert (response.status, response.header("retry-after")) == (503, "5")
    assert "bucket-name" not in content(response).decode()


def test_the_welcome_page_escapes_the_host(index: Index) -> None:
    """The page for people names the address that it was reached at, and trusts nothing in it."""
    page = content(index.ask("GET", "/", host='"><script>', base="/Prod")).decode()
    assert "&quot;&gt;&lt;script&gt;/Prod/simple/" in page
    assert "<script>" not in page


def test_a_name_is_private_whole(index: Index) -> None:
    """The root listing names the project as soon as its first upload is acknowledged."""
    index.upload(build_wheel("brand-new", "1.0"))
    names = json.loads(content(index.get("/simple/", JSON)))["projects"]
    assert names == [{"name": "acme-tools"}, {"name": "brand-new"}]


def test_an_index_without_uploads_refuses_them() -> None:
    """Where uploads go elsewhere, POST is a wrong method."""
    from wheelyard.entry.application import application
    from wheelyard.entry.http import Request
    from wheelyard.settings import Settings

    index = Index()
    reading = application(Settings.from_env({}), index.store, uploads=False)
    from indexes import basic

    request = Request("POST", "/simple/", "", {"authorization": basic(*UPLOADER)})
    response = reading(request)
    assert (response.status, response.header("allow")) == (405, "GET, HEAD")


def built_large(files: int) -> list[BuiltDistribution]:
    """Many small wheels of one project."""
    return [build_wheel("large", f"1.{number}") for number in range(files)]


def test_a_page_too_large_for_the_way_back_is_redirected(tmp_path: Path) -> None:
    """Where the answer could not carry the page, it is fetched from the store, links absolute."""
    signed: list[tuple[str, str]] = []

    def sign(method: str, key: str) -> str:
        signed.append((method, key))
        return f"https://bucket.example/{key}"

    index = Index(ObjectStore(MemoryStore(), "", sign))
    for built in built_large(12):
        assert index.upload(built).status == 200
    limits: dict[str, object] = {"limit": 1000, "host": "index.example", "base": "/Prod"}
    response = index.ask("GET", "/simple/large/", headers={"accept": JSON}, **limits)  # type: ignore[arg-type]
    location = response.header("location") or ""
    assert (response.status, response.header("cache-control")) == (302, "no-store")
    stored = index.store.get(location.removeprefix("https://bucket.example/")).body
    urls = [file["url"] for file in json.loads(stored)["files"]]
    assert len(urls) == 12
    assert all(url.startswith("https://index.example/Prod/simple/large/large-1.") for url in urls)
    small = index.ask("GET", "/simple/", headers={"accept": JSON}, **limits)  # type: ignore[arg-type]
    assert small.status == 200
