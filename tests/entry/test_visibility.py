"""What a limited reader sees: what may not be read looks as if it did not exist."""

import json

import pytest
from obstore.store import MemoryStore

from distributions import build_wheel
from indexes import JSON, Index, content
from wheelyard.access.rights import rights
from wheelyard.access.users import Users
from wheelyard.entry.http import Response
from wheelyard.storage.objects import ObjectStore

LIMITED = ("limited", "limited-password")
OWN, OTHER = build_wheel("acme-tools", "1.0"), build_wheel("other", "1.0")


@pytest.fixture
def index() -> Index:
    """An index with two projects, of which the user ``limited`` may read and upload one."""
    made = Index(ObjectStore(MemoryStore()))
    Users(made.store).put(*LIMITED, rights=rights(["acme-*"], ["acme-*"]))
    for built in (OWN, OTHER):
        assert made.upload(built).status == 200
    return made


def test_the_listing_has_what_may_be_read(index: Index) -> None:
    """A limited reader has a root listing of their own, with a tag of its own that is good for a 304."""
    answers = {}
    for accept in (JSON, "text/html"):
        whole = index.get("/simple/", accept)
        part = index.ask("GET", "/simple/", LIMITED, {"accept": accept})
        assert whole.header("etag") != part.header("etag")
        tag = {"accept": accept, "if-none-match": part.header("etag") or ""}
        assert index.ask("GET", "/simple/", LIMITED, tag).status == 304
        assert index.ask("GET", "/simple/", headers=tag).status == 200
        answers[accept] = content(part)
    assert [project["name"] for project in json.loads(answers[JSON])["projects"]] == ["acme-tools"]
    assert b"acme-tools" in answers["text/html"]
    assert b"other" not in answers["text/html"]


@pytest.mark.parametrize(
    "path",
    [
        "/simple/{0}/",
        "/simple/{0}",
        "/simple/{0}/{0}-1.0-py3-none-any.whl",
        "/simple/{0}/{0}-1.0-py3-none-any.whl.metadata",
        "/pypi/{0}/json",
        "/pypi/{0}/1.0/json",
        "/pypi/{0}/9.9/json",
        "/+simple/{0}/",
        "/legacy/+simple/{0}/",
        "/simple/{0}/?format=json",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_hidden_is_as_absent(index: Index, path: str, method: str) -> None:
    """Status, headers and body for a hidden project are those for one that there is not."""
    hidden = index.ask(method, path.format("other"), LIMITED)
    absent = index.ask(method, path.format("othex"), LIMITED)
    assert _shape(hidden, "other") == _shape(absent, "othex")
    if method == "GET":
        assert hidden.status == 404
    # In a place that the reader may look at, absence reads the same.
    within = index.ask(method, path.format("acme-x"), LIMITED)
    if not path.endswith("/{0}"):
        assert _shape(hidden, "other")[0] == _shape(within, "acme-x")[0]
        assert _shape(hidden, "other")[2] == _shape(within, "acme-x")[2]


def test_what_may_be_read_is_as_for_everybody(index: Index) -> None:
    """A limited reader gets the same page, file and metadata as others."""
    for path in ("", OWN.filename, f"{OWN.filename}.metadata"):
        path = f"/simple/acme-tools/{path}"
        assert content(index.ask("GET", path, LIMITED)) == content(index.get(path))
    assert index.ask("GET", "/simple/Acme_Tools/", LIMITED).status == 301


def test_uploading_elsewhere(index: Index) -> None:
    """An upload to another project is refused with the reason, whether or not there is such a project."""
    assert index.upload(build_wheel("acme-tools", "2.0"), user=LIMITED).status == 200
    assert index.upload(build_wheel("acme-new", "1.0"), user=LIMITED).status == 200
    hidden = index.upload(build_wheel("other", "2.0"), user=LIMITED)
    absent = index.upload(build_wheel("othex", "2.0"), user=LIMITED)
    assert hidden.status == 403
    reason = json.loads(content(hidden))["detail"]
    assert reason == "user 'limited' may not upload to project 'other', only to: acme-*"
    assert _shape(hidden, "other") == _shape(absent, "othex")
    assert index.get("/simple/other/").status == 200
    assert b"2.0" not in content(index.get("/simple/other/"))
    assert index.get("/simple/othex/").status == 404


def _shape(response: Response, name: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """The answer with the project's name, which the client chose, taken out."""
    headers = [(key, value.replace(name, "…")) for key, value in response.headers]
    return response.status, headers, content(response).replace(name.encode(), b"...")
