"""Upstream projects through this index: pages, files, metadata."""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from distributions import (
    BuiltDistribution,
    build_sdist,
    build_wheel,
    core_metadata,
    pack_zip,
    wheel_members,
)
from indexes import HTML, JSON, Index, content, random_bytes
from upstream import Answer, Upstream
from wheelyard.storage.directory import DirectoryStore

WHEEL = build_wheel("demo", "1.0", requires_python=">=3.9")
SDIST = build_sdist("demo", "1.0")
NEXT = build_wheel("demo", "2.0")
PAGE = "/simple/demo/"
FILE = f"/files/demo/{WHEEL.filename}"


def mirroring(upstream: Upstream, **env: str) -> Index:
    """An index in front of ``upstream``."""
    return Index(env={"UPSTREAM_INDEX_URL": upstream.index, **env})


def page(index: Index, name: str = "demo") -> Any:
    """The page in JSON."""
    response = index.get(f"/simple/{name}/", JSON)
    assert response.status == 200, content(response)
    return json.loads(content(response))


def files(index: Index, name: str = "demo") -> dict[str, Any]:
    """The page's files by name."""
    return {file["filename"]: file for file in page(index, name)["files"]}


def download(index: Index, built: BuiltDistribution, ending: str = "") -> bytes:
    """A file's bytes, or what stands beside it."""
    response = index.get(f"/simple/demo/{built.filename}{ending}")
    assert response.status == 200, content(response)
    return content(response)


def status(index: Index, path: str) -> int:
    """The status of a reader's GET."""
    return index.get(path).status


# --- pages ---


def test_page_and_files(upstream: Upstream) -> None:
    """A project of upstream is offered with links to here, and each leads to upstream's bytes."""
    upstream.add(WHEEL, metadata=True)
    upstream.add(SDIST)
    index = mirroring(upstream)
    found = files(index)
    assert set(found) == {WHEEL.filename, SDIST.filename}
    assert {file["url"] for file in found.values()} == set(found)
    assert download(index, WHEEL) == WHEEL.content
    assert download(index, SDIST) == SDIST.content


def test_all_attributes_are_carried(upstream: Upstream) -> None:
    """What upstream says of a file is said here, in JSON and in HTML."""
    upstream.add(
        WHEEL,
        metadata=True,
        requires_python=">=3.9,<4",
        yanked='broken & "bad"',
        gpg_sig=True,
        provenance="https://upstream.example/integrity/demo",
    )
    upstream.projects["demo"].extra["project-status"] = {"status": "deprecated", "reason": "old"}
    index = mirroring(upstream)
    response = index.ask("GET", PAGE, headers={"accept": JSON}, host="index.example")
    document = json.loads(content(response))
    assert document["meta"] == {"api-version": "1.4"}
    assert document["project-status"] == {"status": "deprecated", "reason": "old"}
    assert document["versions"] == ["1.0"]
    (file,) = document["files"]
    metadata = upstream.projects["demo"].files[WHEEL.filename].metadata or b""
    digest = {"sha256": hashlib.sha256(metadata).hexdigest()}
    assert file == {
        "filename": WHEEL.filename,
        "url": WHEEL.filename,
        "hashes": {"sha256": WHEEL.sha256},
        "size": len(WHEEL.content),
        "upload-time": "2026-01-02T03:04:05.678901Z",
        "requires-python": ">=3.9,<4",
        "core-metadata": digest,
        "dist-info-metadata": digest,
        "yanked": 'broken & "bad"',
        "gpg-sig": True,
        "provenance": f"https://index.example/simple/demo/{WHEEL.filename}.provenance",
    }
    html = content(index.get(PAGE, HTML)).decode()
    assert 'data-requires-python="&gt;=3.9,&lt;4"' in html
    assert 'data-yanked="broken &amp; &quot;bad&quot;"' in html
    assert 'data-gpg-sig="true"' in html
    assert 'content="deprecated"' in html


@pytest.mark.parametrize("html_type", ["text/html", "text/html; charset=ISO-8859-1", HTML])
@pytest.mark.parametrize("links", ["relative", "absolute", "base"])
def test_html_upstreams(upstream: Upstream, html_type: str, links: str) -> None:
    """An upstream that only has HTML is mirrored as well, however its links are written."""
    upstream.html_only, upstream.html_type = True, html_type
    upstream.absolute, upstream.html_base = links == "absolute", links == "base"
    upstream.add(WHEEL, metadata=True, requires_python=">=3.9", yanked="no good", gpg_sig=False)
    index = mirroring(upstream)
    (file,) = page(index)["files"]
    assert file["hashes"] == {"sha256": WHEEL.sha256}
    assert file["requires-python"] == ">=3.9"
    assert file["yanked"] == "no good"
    assert file["gpg-sig"] is False
    assert set(file["core-metadata"]) == {"sha256"}
    assert download(index, WHEEL) == WHEEL.content


def test_a_page_without_sizes_is_of_version_1_0(upstream: Upstream) -> None:
    """Where upstream gives no sizes, the page does not claim a version that makes them mandatory."""
    upstream.html_only = True
    upstream.add(WHEEL)
    document = page(mirroring(upstream))
    assert document["meta"] == {"api-version": "1.0"}
    assert "size" not in document["files"][0]


def test_a_page_is_fetched_once(upstream: Upstream) -> None:
    """Within its lifetime a page is not asked for again, by another process over the store neither."""
    upstream.add(WHEEL)
    index = mirroring(upstream)
    page(index)
    page(index)
    download(index, WHEEL)
    page(Index(index.store, {"UPSTREAM_INDEX_URL": upstream.index}))
    assert upstream.paths() == [PAGE, FILE]


def test_a_page_is_revalidated(upstream: Upstream) -> None:
    """After its lifetime a page is asked for conditionally, and replaced when it changed."""
    upstream.add(WHEEL)
    index = mirroring(upstream, UPSTREAM_PAGE_LIFETIME="0")
    first = index.get(PAGE, JSON)
    second = index.get(PAGE, JSON, if_none_match=first.header("etag") or "")
    assert second.status == 304
    assert upstream.asked[1].headers["if-none-match"]
    upstream.add(NEXT)
    third = index.get(PAGE, JSON, if_none_match=first.header("etag") or "")
    assert third.status == 200
    assert NEXT.filename in files(index)


def test_another_upstream_is_another_index(upstream: Upstream) -> None:
    """What was stored of one upstream is not served when another one is set."""
    upstream.add(WHEEL)
    index = mirroring(upstream)
    page(index)
    other = Upstream()
    try:
        other.add(NEXT)
        assert set(files(Index(index.store, {"UPSTREAM_INDEX_URL": other.index}))) == {
            NEXT.filename
        }
    finally:
        other.stop()


def test_credentials(upstream: Upstream) -> None:
    """An upstream that wants credentials gets those of the URL, for pages and files."""
    url = upstream.with_credentials()
    upstream.add(WHEEL)
    index = mirroring(upstream, UPSTREAM_INDEX_URL=url)
    assert download(index, WHEEL) == WHEEL.content


def test_quarantined(upstream: Upstream) -> None:
    """No file of a project that upstream quarantined is served, not even one that is stored."""
    upstream.add(WHEEL)
    index = mirroring(upstream, UPSTREAM_PAGE_LIFETIME="0")
    download(index, WHEEL)
    upstream.projects["demo"].extra["project-status"] = {"status": "quarantined"}
    assert page(index)["files"] == []
    assert status(index, f"{PAGE}{WHEEL.filename}") == 404
    assert status(index, f"{PAGE}{WHEEL.filename}.metadata") == 404


def test_a_file_that_is_no_longer_listed(upstream: Upstream) -> None:
    """What upstream took off its page is gone here too."""
    upstream.add(WHEEL)
    upstream.add(NEXT)
    index = mirroring(upstream, UPSTREAM_PAGE_LIFETIME="0")
    download(index, WHEEL)
    del upstream.projects["demo"].files[WHEEL.filename]
    assert status(index, f"{PAGE}{WHEEL.filename}") == 404


def test_unknown(upstream: Upstream) -> None:
    """What upstream does not have is 404 here, a project, a file and what stands beside one."""
    upstream.add(WHEEL)
    index = mirroring(upstream)
    assert status(index, "/simple/nothing/") == 404
    assert status(index, f"{PAGE}demo-9.9.tar.gz") == 404
    assert status(index, f"{PAGE}{WHEEL.filename}.asc") == 404
    assert status(index, f"{PAGE}{WHEEL.filename}.provenance") == 404
    assert status(index, f"{PAGE}{WHEEL.filename}.exe") == 404


def test_json_api(upstream: Upstream) -> None:
    """The public index's JSON form has an upstream project's metadata too."""
    upstream.add(WHEEL, metadata=True)
    index = mirroring(upstream)
    document = json.loads(content(index.get("/pypi/demo/json")))
    assert document["info"]["summary"] == "The demo package"
    assert document["urls"][0]["digests"] == {"sha256": WHEEL.sha256}
    assert status(index, "/pypi/demo/3.0/json") == 404


def test_the_upload_view_shows_what_was_uploaded(upstream: Upstream) -> None:
    """``+simple`` knows nothing of upstream: hatch would skip files that are not here."""
    upstream.add(WHEEL)
    assert status(mirroring(upstream), "/legacy/+simple/demo/") == 404


# --- files ---


def test_many_clients_one_fetch(upstream: Upstream) -> None:
    """Twenty clients at once cause one request for the page and one for the file."""
    upstream.add(WHEEL)
    index = mirroring(upstream)
    found: list[bytes] = []

    def client() -> None:
        page(index)
        found.append(download(index, WHEEL))

    with upstream.hold(FILE):
        with upstream.hold(PAGE):
            threads = [threading.Thread(target=client) for _ in range(20)]
            for thread in threads:
                thread.start()
            while not upstream.paths():
                threading.Event().wait(0.005)
        while FILE not in upstream.paths():
            threading.Event().wait(0.005)
    for thread in threads:
        thread.join()
    assert found == [WHEEL.content] * 20
    assert upstream.paths() == [PAGE, FILE]


def test_ranges_of_a_mirrored_file(upstream: Upstream, tmp_path: Path) -> None:
    """A mirrored file has ranges and an entity tag, as a private one has."""
    upstream.add(WHEEL)
    env = {"UPSTREAM_INDEX_URL": upstream.index}
    index = Index(DirectoryStore(tmp_path), env)
    path = f"{PAGE}{WHEEL.filename}"
    part = index.get(path, range="bytes=0-3")
    assert (part.status, content(part)) == (206, WHEEL.content[:4])
    assert part.header("etag") == f'"{WHEEL.sha256}"'
    head = index.ask("HEAD", path)
    assert head.header("content-length") == str(len(WHEEL.content))


def test_upstream_stopped(upstream: Upstream) -> None:
    """What was fetched once is served when upstream is gone, by a new process too."""
    upstream.add(WHEEL, metadata=True)
    index = mirroring(upstream, UPSTREAM_PAGE_LIFETIME="0")
    before = (page(index), download(index, WHEEL), download(index, WHEEL, ".metadata"))
    upstream.stop()
    env = {"UPSTREAM_INDEX_URL": upstream.index, "UPSTREAM_PAGE_LIFETIME": "0"}
    for later in (index, Index(index.store, env)):
        after = (page(later), download(later, WHEEL), download(later, WHEEL, ".metadata"))
        assert after == before


def test_a_wrong_digest(upstream: Upstream) -> None:
    """A file that is not what its page promises is not stored, and the answer names both digests."""
    other = b"other bytes"
    upstream.add(WHEEL, content=other)
    index = mirroring(upstream)
    response = index.get(f"{PAGE}{WHEEL.filename}")
    assert response.status == 502
    detail = json.loads(content(response))["detail"]
    assert WHEEL.sha256 in detail
    assert hashlib.sha256(other).hexdigest() in detail
    assert list(index.store.list("mirror/files/")) == []


@pytest.mark.parametrize("wrong", ["md5", "sha512"])
def test_every_digest_counts(upstream: Upstream, wrong: str) -> None:
    """A file is refused if one of several digests is wrong."""
    hashes = {name: hashlib.new(name, WHEEL.content).hexdigest() for name in ("md5", "sha512")}
    upstream.add(WHEEL, hashes={"sha256": WHEEL.sha256, **hashes, wrong: hashes[wrong][::-1]})
    assert status(mirroring(upstream), f"{PAGE}{WHEEL.filename}") == 502


def test_a_file_without_digest(upstream: Upstream) -> None:
    """It is served, and its digest is recorded: from then on the page has it."""
    upstream.add(WHEEL, hashes={})
    index = mirroring(upstream)
    assert files(index)[WHEEL.filename]["hashes"] == {}
    assert download(index, WHEEL) == WHEEL.content
    assert files(index)[WHEEL.filename]["hashes"] == {"sha256": WHEEL.sha256}


def test_a_changed_file(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """When upstream offers other bytes under a stored filename, the stored ones stay, and it is logged."""
    upstream.add(WHEEL)
    index = mirroring(upstream, UPSTREAM_PAGE_LIFETIME="0")
    assert download(index, WHEEL) == WHEEL.content
    evil = BuiltDistribution(WHEEL.filename, b"something else")
    upstream.add(evil)
    assert files(index)[WHEEL.filename]["hashes"] == {"sha256": WHEEL.sha256}
    assert download(index, WHEEL) == WHEEL.content
    assert "security" in caplog.text
    assert evil.sha256 in caplog.text


def test_a_changed_file_that_was_away(upstream: Upstream) -> None:
    """A file that left upstream's page and comes back with other bytes is still the stored one."""
    upstream.add(WHEEL)
    upstream.add(NEXT)
    index = mirroring(upstream, UPSTREAM_PAGE_LIFETIME="0")
    assert download(index, WHEEL) == WHEEL.content
    del upstream.projects["demo"].files[WHEEL.filename]
    page(index)
    upstream.add(BuiltDistribution(WHEEL.filename, b"something else"))
    assert files(index)[WHEEL.filename]["hashes"] == {"sha256": WHEEL.sha256}
    assert download(index, WHEEL) == WHEEL.content


def test_a_changed_file_that_is_not_stored(upstream: Upstream) -> None:
    """Before a file was ever fetched, upstream's latest word on it counts."""
    upstream.add(WHEEL)
    index = mirroring(upstream, UPSTREAM_PAGE_LIFETIME="0")
    page(index)
    again = BuiltDistribution(WHEEL.filename, random_bytes(50))
    upstream.add(again)
    assert download(index, WHEEL) == again.content


def test_too_large_a_file(upstream: Upstream) -> None:
    """More than MAX_FILE_SIZE is not fetched to its end."""
    upstream.add(WHEEL)
    index = mirroring(upstream, MAX_FILE_SIZE="100")
    assert status(index, f"{PAGE}{WHEEL.filename}") == 502


@pytest.mark.parametrize(
    "broken",
    [Answer(503), Answer(drop=True), Answer(body=WHEEL.content[:99], content_length=100)],
)
def test_a_file_is_tried_again(upstream: Upstream, broken: Answer) -> None:
    """A download that breaks off begins anew, and what is stored is whole."""
    upstream.add(WHEEL)
    upstream.answer(FILE, broken, broken)
    assert download(mirroring(upstream), WHEEL) == WHEEL.content


def test_signature_and_attestations(upstream: Upstream) -> None:
    """``.asc`` and ``.provenance`` are fetched when asked for, and kept."""
    upstream.add(WHEEL, gpg_sig=True, provenance=f"{upstream.url}/integrity/demo")
    upstream.answer(f"{FILE}.asc", Answer(body=b"signature"))
    upstream.answer("/integrity/demo", Answer(body=b'{"version":1}'))
    index = mirroring(upstream)
    for _ in range(2):
        assert download(index, WHEEL, ".asc") == b"signature"
        assert download(index, WHEEL, ".provenance") == b'{"version":1}'


# --- metadata ---


def test_metadata_of_upstream(upstream: Upstream) -> None:
    """Upstream's metadata is passed on with its digest, fetched once, and the wheel not at all."""
    upstream.add(WHEEL, metadata=True)
    index = mirroring(upstream)
    promised = files(index)[WHEEL.filename]["core-metadata"]["sha256"]
    for _ in range(2):
        assert hashlib.sha256(download(index, WHEEL, ".metadata")).hexdigest() == promised
    assert upstream.paths() == [PAGE, f"{FILE}.metadata"]


def test_metadata_out_of_the_wheel(upstream: Upstream) -> None:
    """Where upstream has none it is announced all the same, and read from the wheel's end."""
    big = build_wheel("demo", "1.0", files={"demo/data": random_bytes(3_000_000)})
    upstream.add(big)
    index = mirroring(upstream)
    assert files(index)[big.filename]["core-metadata"] is True
    assert download(index, big, ".metadata") == core_metadata("demo", "1.0")
    asked = [asked for asked in upstream.asked if asked.path.startswith("/files/")]
    assert len(asked) <= 2
    assert all("range" in asked.headers for asked in asked)
    assert download(index, big, ".metadata") == core_metadata("demo", "1.0")
    assert len(upstream.paths()) == 1 + len(asked)


def test_metadata_at_the_wheels_beginning(upstream: Upstream) -> None:
    """METADATA far from the wheel's end takes one more request."""
    members = wheel_members("demo", "1.0", files={"demo/data": random_bytes(500_000)})
    ordered = dict(sorted(members.items(), key=lambda item: "METADATA" not in item[0]))
    built = BuiltDistribution(WHEEL.filename, pack_zip(ordered))
    upstream.add(built)
    assert download(mirroring(upstream), built, ".metadata") == core_metadata("demo", "1.0")


def test_metadata_without_ranges(upstream: Upstream) -> None:
    """Where upstream gives no ranges, the wheel is fetched whole, once."""
    upstream.ranges = False
    upstream.add(WHEEL)
    index = mirroring(upstream)
    assert b"Name: demo" in download(index, WHEEL, ".metadata")
    upstream.forget()
    assert download(index, WHEEL) == WHEEL.content
    assert upstream.asked == []


@pytest.mark.parametrize(
    "answer",
    [Answer(404), Answer(body=b"Name: other"), Answer(403)],
)
def test_wrong_metadata(upstream: Upstream, answer: Answer) -> None:
    """Announced metadata that is not there or not right is replaced by the wheel's own."""
    upstream.add(WHEEL, metadata=True)
    upstream.answer(f"{FILE}.metadata", answer, always=True)
    index = mirroring(upstream)
    promised = files(index)[WHEEL.filename]["core-metadata"]["sha256"]
    assert hashlib.sha256(download(index, WHEEL, ".metadata")).hexdigest() == promised


def test_metadata_that_is_nowhere(upstream: Upstream) -> None:
    """If not even the wheel has what upstream announces, nothing wrong is served."""
    upstream.add(WHEEL, metadata=b"Name: something else")
    upstream.answer(f"{FILE}.metadata", Answer(404), always=True)
    index = mirroring(upstream)
    assert status(index, f"{PAGE}{WHEEL.filename}.metadata") == 502
    assert list(index.store.list("mirror/files/")) == []


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize(
    "content_of_wheel",
    [
        b"",
        b"no zip at all",
        pack_zip({"demo/__init__.py": b""}),
        pack_zip({"a.dist-info/METADATA": b"1", "b.dist-info/METADATA": b"2"}),
        WHEEL.content[:-30],
    ],
    ids=["empty", "no zip", "no metadata", "two", "cut"],
)
def test_unreadable_wheel(upstream: Upstream, content_of_wheel: bytes, ranges: bool) -> None:
    """A wheel whose metadata cannot be read is served, and its metadata no longer announced."""
    upstream.ranges = ranges
    broken = BuiltDistribution(WHEEL.filename, content_of_wheel)
    upstream.add(broken)
    index = mirroring(upstream)
    assert files(index)[WHEEL.filename]["core-metadata"] is True
    assert status(index, f"{PAGE}{WHEEL.filename}.metadata") == 404
    assert "core-metadata" not in files(index)[WHEEL.filename]
    assert download(index, broken) == content_of_wheel


def test_an_sdist_has_no_metadata(upstream: Upstream) -> None:
    """An sdist's is neither announced nor served, unless upstream does."""
    upstream.add(SDIST)
    index = mirroring(upstream)
    assert "core-metadata" not in files(index)[SDIST.filename]
    assert status(index, f"{PAGE}{SDIST.filename}.metadata") == 404
