"""Documents that are remembered."""

import json
from typing import Any

import pytest

from distributions import build_wheel
from indexes import Index, content
from wheelyard.index.catalogue import Catalogue
from wheelyard.index.documents import Document
from wheelyard.protocol.model import Project
from wheelyard.protocol.names import project_name
from wheelyard.protocol.simple import project_json
from wheelyard.publish.rebuild import rebuild
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Shelf
from wheelyard.settings import Settings
from wheelyard.storage import keys
from wheelyard.storage.store import Stored

NAME = project_name("acme-tools")
WHEEL = build_wheel("acme-tools", "1.0")
JSON = "application/vnd.pypi.simple.v1+json"
KEY = keys.project(NAME)


@pytest.fixture
def index() -> Index:
    """An index with a wheel, which has read nothing yet."""
    index = Index()
    assert index.upload(WHEEL).status == 200
    return Index(index.store)


BROKEN = [
    b"",
    b"not JSON",
    b"\xff\xfe",
    b"[" * 100_000,
    b"null",
    b"[]",
    b"{}",
    b'{"files": 1}',
    b'{"name":"acme-tools","files":null}',
    b'{"name":"acme-tools","files":[1]}',
    b'{"name":"acme-tools","files":[{}]}',
    b'{"name":"acme-tools","files":[{"filename":7,"url":"x","hashes":{}}]}',
    b'{"meta":{"api-version":"1.4"},"name":"acme-tools","files":1}',
    b'{"meta":{"api-version":"1.4"},"name":"acme-tools","files":[',
    b'{"meta":{"api-version":"1.4"},"name":"other","files":[]}',
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda raw: repr(raw[:60]))
def test_a_document_that_was_broken_from_outside(
    index: Index, caplog: pytest.LogCaptureFixture, broken: bytes
) -> None:
    """Whoever asks is told 500 in the index's own words; the log has the key; a rebuild mends it."""
    before = index.store.get(KEY).body
    index.store.put(KEY, broken)
    for path, accept in (
        ("/simple/acme-tools/", JSON),
        ("/simple/acme-tools/", "text/html"),
        (f"/simple/acme-tools/{WHEEL.filename}", "*/*"),
        (f"/simple/acme-tools/{WHEEL.filename}.metadata", "*/*"),
        ("/pypi/acme-tools/json", "*/*"),
    ):
        caplog.clear()
        answer = Index(index.store).get(path, accept)
        assert answer.status == 500
        assert json.loads(content(answer))["detail"].startswith("A stored object cannot be read")
        assert repr(KEY) in caplog.text
    assert index.upload(build_wheel("acme-tools", "2.0")).status == 500
    index.store.delete("packages/acme-tools/acme_tools-2.0-py3-none-any.whl")
    shelf = Shelf(index.store, Catalogue(index.store), Rules.of(Settings.from_env({})))
    rebuild(shelf, lambda _: lambda _: None)
    assert index.store.get(KEY).body == before
    assert Index(index.store).get("/simple/acme-tools/", JSON).status == 200


def test_a_document_that_was_edited_soundly(index: Index) -> None:
    """However it was written, it is served as the index writes it."""
    before = content(index.get("/simple/acme-tools/", JSON))
    document = json.loads(before)
    document["_note"] = "by hand"
    for written in (json.dumps(document, indent=2), json.dumps(document, sort_keys=True) + "\n"):
        index.store.put(KEY, written.encode())
        assert content(Index(index.store).get("/simple/acme-tools/", JSON)) == before


def test_our_own_documents_are_not_parsed(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which would be most of a large page's cost."""
    monkeypatch.setattr("wheelyard.protocol.simple.parse_project", None)
    assert index.get("/simple/acme-tools/", JSON).status == 200
    index.store.put(KEY, project_json(Project(NAME)))
    assert Index(index.store).get("/simple/acme-tools/", JSON).status == 200


@pytest.mark.parametrize(
    "broken", [b"", b"not JSON", b"[]", b'{"names":1}', b'{"names":[1]}', b'{"names":["a b"]}']
)
def test_a_broken_catalogue(index: Index, caplog: pytest.LogCaptureFixture, broken: bytes) -> None:
    """The root listing is 500 and the log has the key; pages go on; a rebuild mends it."""
    key = keys.catalogue(NAME)
    index.store.put(key, broken)
    index = Index(index.store)
    assert index.get("/simple/", JSON).status == 500
    assert repr(key) in caplog.text
    assert index.get("/simple/acme-tools/", JSON).status == 200
    shelf = Shelf(index.store, Catalogue(index.store), Rules.of(Settings.from_env({})))
    rebuild(shelf, lambda _: lambda _: None)
    listed = json.loads(content(Index(index.store).get("/simple/", JSON)))["projects"]
    assert listed == [{"name": "acme-tools"}]


def test_rendering_while_it_is_measured() -> None:
    """A document's size can be asked for while another thread renders a page of it."""
    document = Document(NAME, Stored(b"{}", '"1"'))

    class Page(bytes):
        def __len__(self) -> int:
            document.rendered("by another thread", lambda: b"more")
            return super().__len__()

    document.rendered("html", lambda: Page(b"page"))
    assert document.size >= len(b"{}") + len(b"page")


def test_many_variants() -> None:
    """Of many variants the newest are remembered."""
    document = Document(NAME, Stored(b"{}", '"1"'))
    made: list[int] = []

    def page(number: int) -> Any:
        def render() -> bytes:
            made.append(number)
            return b"page"

        return render

    for number in range(100):
        document.rendered(str(number), page(number))
    document.rendered("99", page(99))
    document.rendered("0", page(0))
    assert made == [*range(100), 0]
