"""Upstream misbehaving: never a 500 from here, and nothing wrong stored."""

import json
from typing import Any

import pytest
import requests

from distributions import build_wheel
from indexes import JSON, Index, content
from upstream import Answer, Upstream

WHEEL = build_wheel("demo", "1.0")
NEXT = build_wheel("demo", "2.0")
PAGE = "/simple/demo/"


def mirroring(upstream: Upstream, **env: str) -> Index:
    """An index in front of ``upstream`` that always asks anew."""
    return Index(env={"UPSTREAM_INDEX_URL": upstream.index, "UPSTREAM_PAGE_LIFETIME": "0", **env})


def filenames(index: Index) -> list[str]:
    """What the page lists."""
    response = index.get(PAGE, JSON)
    assert response.status == 200, content(response)
    document: Any = json.loads(content(response))
    return [file["filename"] for file in document["files"]]


def document(**keys: Any) -> Answer:
    """A page in JSON with these keys in place of good ones."""
    good = {"meta": {"api-version": "1.1"}, "name": "demo", "files": [], "versions": []}
    return Answer(body=json.dumps(good | keys).encode(), headers={"content-type": JSON})


def page_of(body: bytes, content_type: str) -> Answer:
    """Any answer."""
    return Answer(body=body, headers={"content-type": content_type})


BAD_PAGES = {
    "500": Answer(500),
    "401": Answer(401),
    "403": Answer(403),
    "418": Answer(418),
    "429": Answer(429, headers={"retry-after": "4000"}),
    "304 unasked": Answer(304),
    "206": Answer(206, b"{}", {"content-type": JSON}),
    "dropped": Answer(drop=True),
    "truncated": Answer(body=b'{"meta"', headers={"content-type": JSON}, content_length=4000),
    "half a document": page_of(b'{"meta": {"api-version": "1.0"}, "name": "de', JSON),
    "html that says it is json": page_of(b"<html><body></body></html>", JSON),
    "a login form": page_of(b"<html><form><a href='/login'>login</a></form></html>", "text/html"),
    "no content type": Answer(body=b"{}"),
    "a picture": page_of(b"\x89PNG", "image/png"),
    "api-version 2": document(meta={"api-version": "2.0"}),
    "api-version 999…": document(meta={"api-version": f"{'9' * 5000}.0"}),
    "no api-version": document(meta={"api-version": "new"}),
    "another form of v2": page_of(b"{}", "application/vnd.pypi.simple.v2+json"),
    "html of version 2": page_of(
        b'<meta name="pypi:repository-version" content="2.0"><a href="demo-1.0.tar.gz">x</a>',
        "text/html",
    ),
    "another project": document(name="other"),
    "no name": document(name=None),
    "a bad name": document(name="../../etc"),
    "files of the wrong type": document(files={"a": 1}),
    "a file of the wrong type": document(files=["demo-1.0.tar.gz"]),
    "half a character": document(files=[{"filename": "demo-\ud800.zip", "url": "", "hashes": {}}]),
    "no document": page_of(b"null", JSON),
    "a list": page_of(b"[]", JSON),
    "too deep": page_of(b"[" * 100_000, JSON),
    "a number": page_of(b"1" * 10_000, JSON),
    "not utf-8": page_of(b'{"name": "\xff"}', JSON),
    "a redirect loop": Answer(302, headers={"location": PAGE}),
    "a redirect to metadata": Answer(302, headers={"location": "http://169.254.169.254/"}),
    "a redirect nowhere": Answer(302, headers={"location": "http://[/"}),
    "bad gzip": Answer(
        body=b"nonsense", headers={"content-type": JSON, "content-encoding": "gzip"}
    ),
}


@pytest.mark.parametrize("bad", BAD_PAGES.values(), ids=BAD_PAGES)
def test_a_bad_page(upstream: Upstream, bad: Answer) -> None:
    """With nothing stored it is 502 or 503 with Retry-After, and nothing is stored of it."""
    upstream.answer(PAGE, bad, always=True)
    index = mirroring(upstream)
    response = index.get(PAGE, JSON)
    assert response.status in (502, 503)
    assert 1 <= int(response.header("retry-after") or 0) <= 300
    assert response.header("content-type") == "application/problem+json"
    assert list(index.store.list("mirror/")) == []


@pytest.mark.parametrize("bad", BAD_PAGES.values(), ids=BAD_PAGES)
def test_a_page_gone_bad(upstream: Upstream, bad: Answer) -> None:
    """With a page stored, that is served, and stays as it is."""
    upstream.add(WHEEL)
    index = mirroring(upstream)
    assert filenames(index) == [WHEEL.filename]
    stored = {entry.key: entry.etag for entry in index.store.list("mirror/pages/")}
    upstream.answer(PAGE, bad, always=True)
    if bad.status != 304:
        upstream.add(NEXT)
    assert filenames(index) == [WHEEL.filename]
    assert {entry.key: entry.etag for entry in index.store.list("mirror/pages/")} == stored


def test_down(upstream: Upstream) -> None:
    """Nobody there: 503 with Retry-After."""
    upstream.stop()
    response = mirroring(upstream).get(PAGE)
    assert response.status == 503
    assert response.header("retry-after")


def test_slow(upstream: Upstream) -> None:
    """An answer that does not come in time is 503; with a page stored, that one is served."""
    upstream.add(WHEEL)
    index = mirroring(upstream, UPSTREAM_TIMEOUT="1")
    assert filenames(index) == [WHEEL.filename]
    with upstream.hold(PAGE):
        assert filenames(index) == [WHEEL.filename]


def test_500_then_fine(upstream: Upstream) -> None:
    """A failure that passes is not seen by the client."""
    upstream.add(WHEEL)
    upstream.answer(PAGE, Answer(500), Answer(502))
    assert filenames(mirroring(upstream)) == [WHEEL.filename]


def test_html_instead_of_json(upstream: Upstream) -> None:
    """Whoever was asked for JSON and answers HTML, saying so, is understood."""
    upstream.add(WHEEL)
    upstream.html_only = True
    assert filenames(mirroring(upstream)) == [WHEEL.filename]


def test_a_page_of_3_mb(upstream: Upstream) -> None:
    """A page of 5,000 files and more than 3 MB is served whole, its files too."""
    for number in range(5000):
        built = WHEEL._replace(filename=f"demo-1.{number}-py3-none-any.whl")
        upstream.add(built, requires_python=">=3.9", provenance=f"https://u.example/{'p' * 300}")
    assert len(requests.get(upstream.url + PAGE, headers={"accept": JSON}, timeout=9).content) > 3e6
    index = mirroring(upstream)
    assert len(filenames(index)) == 5000
    path = f"{PAGE}demo-1.4999-py3-none-any.whl"
    assert content(index.get(path)) == WHEEL.content


def test_sizes_that_no_file_has(upstream: Upstream) -> None:
    """A length or range of thousands of digits is none: the bytes count."""
    upstream.add(WHEEL)
    many = "9" * 5000
    path = f"/files/demo/{WHEEL.filename}"
    whole = Answer(body=WHEEL.content, headers={"content-length": many}, content_length=None)
    part = Answer(206, WHEEL.content, {"content-range": f"bytes 0-{many}/{many}"})
    index = mirroring(upstream)
    upstream.answer(path, part, whole)
    metadata = index.get(f"{PAGE}{WHEEL.filename}.metadata")
    assert metadata.status == 200, content(metadata)
    assert content(metadata).startswith(b"Metadata-Version")
    assert upstream.paths().count(path) == 2
    assert content(index.get(f"{PAGE}{WHEEL.filename}")) == WHEEL.content


@pytest.mark.parametrize("name", ["Demo", "DEMO", "de-mo", "de.mo", "De__mo"])
def test_another_spelling(upstream: Upstream, name: str) -> None:
    """A page whose name differs in spelling only is the right one; the page here has the normal name."""
    normal = "demo" if name[2:].lower() == "mo" else "de-mo"
    built = build_wheel(normal, "1.0")
    upstream.add(built, project=normal)
    upstream.projects[normal].extra["name"] = name
    response = mirroring(upstream).get(f"/simple/{normal}/", JSON)
    page: Any = json.loads(content(response))
    assert page["name"] == normal
    assert [file["filename"] for file in page["files"]] == [built.filename]


@pytest.mark.parametrize(
    "entry",
    [
        {"filename": "../../../etc/passwd"},
        {"filename": "demo-1.0/x.tar.gz"},
        {"filename": "demo-1.0\n.tar.gz"},
        {"filename": "demo-1.0.exe"},
        {"filename": "demo.tar.gz"},
        {"filename": "other-1.0.tar.gz"},
        {"filename": "demo_x-1.0-py3-none-any.whl"},
        {"filename": "demo-1.0-py3-none-any.whl.metadata"},
        {"filename": ".whl"},
        {"filename": "demo-" + "1" * 300 + ".tar.gz"},
        {"url": "ftp://files.example/demo-3.0.tar.gz"},
        {"url": "file:///etc/passwd"},
        {"url": "javascript:alert(1)"},
        {"url": "http://[broken/demo-3.0.tar.gz"},
        {"url": "http://host:port/demo-3.0.tar.gz"},
        {"url": "https:///demo-3.0.tar.gz"},
        {"url": "http://a.example/\r\nx: y"},
    ],
    ids=lambda entry: repr(entry)[:40],
)
def test_a_bad_file_is_left_out(upstream: Upstream, entry: dict[str, str]) -> None:
    """An entry whose name or link cannot be used does not take the good ones with it."""
    bad = {"filename": "demo-3.0.tar.gz", "url": "../../files/demo-3.0.tar.gz", "hashes": {}}
    good = {"filename": WHEEL.filename, "url": "x.whl", "hashes": {"sha256": WHEEL.sha256}}
    upstream.answer(PAGE, document(files=[bad | entry, good]), always=True)
    assert filenames(mirroring(upstream)) == [WHEEL.filename]


@pytest.mark.parametrize(
    ("said", "served"),
    [
        ({"size": -1}, {"size": None}),
        ({"size": 1.0}, {"size": None}),
        ({"size": 10**30}, {"size": None}),
        ({"upload-time": "yesterday"}, {"upload-time": None}),
        ({"upload-time": "2026-01-02T03:04:05"}, {"upload-time": None}),
        ({"upload-time": "2026-13-02T03:04:05Z"}, {"upload-time": None}),
        (
            {"upload-time": "2026-01-02T03:04:05+01:00"},
            {"upload-time": "2026-01-02T02:04:05.000000Z"},
        ),
        ({"hashes": {"sha256": "abc"}}, {"hashes": {}}),
        ({"hashes": {"sha256": "Z" * 64, "crc32": "00000000"}}, {"hashes": {}}),
        ({"hashes": {"SHA256": "AB" * 32}}, {"hashes": {"sha256": "ab" * 32}}),
        ({"requires-python": ">=3.9\n<4"}, {"requires-python": None}),
        ({"yanked": ""}, {"yanked": True}),
        ({"yanked": "a\nb"}, {"yanked": True}),
        ({"yanked": None}, {"yanked": None}),
        ({"gpg-sig": "yes"}, {"gpg-sig": None}),
        ({"core-metadata": {"sha256": "short"}}, {"core-metadata": True}),
        ({"core-metadata": False}, {"core-metadata": True}),
        ({"provenance": "nonsense:"}, {"provenance": None}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_value_is_left_out(
    upstream: Upstream, said: dict[str, object], served: dict[str, object]
) -> None:
    """What clients would stop at does not reach them."""
    entry = {"filename": WHEEL.filename, "url": "x.whl", "hashes": {}, "size": 5}
    upstream.answer(PAGE, document(files=[entry | said]), always=True)
    response = mirroring(upstream).get(PAGE, JSON)
    (file,) = json.loads(content(response))["files"]
    for key, value in served.items():
        assert file.get(key) == value
