"""Dependency confusion: what is private here is never mixed with what upstream has."""

import json
from hashlib import sha256
from typing import Any

import pytest

from distributions import build_wheel
from indexes import JSON, Index, content
from snapshot_files import put_snapshot
from upstream import Upstream

MINE = build_wheel("acme-tools", "1.0")
THEIRS = build_wheel("acme-tools", "99.0")
PAGE = "/simple/acme-tools/"


def mirroring(upstream: Upstream, index: Index | None = None, **env: str) -> Index:
    """An index in front of ``upstream``, over the store of ``index`` if there is one."""
    return Index(index.store if index else None, {"UPSTREAM_INDEX_URL": upstream.index, **env})


def names(index: Index) -> list[str]:
    """The filenames on the project's page."""
    document: Any = json.loads(content(index.get(PAGE, JSON)))
    return [file["filename"] for file in document["files"]]


def test_a_private_upload_hides_upstream_at_once(upstream: Upstream) -> None:
    """With upstream's page cached in two warm processes, the very next request sees the upload alone."""
    upstream.add(THEIRS, metadata=True)
    index = mirroring(upstream)
    other_process = mirroring(upstream, index)
    for process in (index, other_process):
        assert names(process) == [THEIRS.filename]
        for ending in ("", ".metadata"):
            assert process.get(f"{PAGE}{THEIRS.filename}{ending}").status == 200
    upstream.forget()
    assert index.upload(MINE).status == 200
    for process in (other_process, index, mirroring(upstream, index)):
        assert names(process) == [MINE.filename]
        for ending in ("", ".metadata"):
            assert process.get(f"{PAGE}{THEIRS.filename}{ending}").status == 404
            assert process.get(f"{PAGE}{MINE.filename}{ending}").status == 200
        assert json.loads(content(process.get("/pypi/acme-tools/json")))["info"]["version"] == "1.0"
    assert upstream.asked == []


def test_a_file_of_the_same_name(upstream: Upstream) -> None:
    """Where both have a file of one name, the private bytes are served."""
    mine, theirs = MINE, build_wheel("acme-tools", "1.0", requires=["evil"])
    assert mine.filename == theirs.filename
    upstream.add(theirs, metadata=True)
    index = mirroring(upstream)
    index.get(f"{PAGE}{theirs.filename}")
    assert index.upload(mine).status == 200
    assert content(index.get(f"{PAGE}{mine.filename}")) == mine.content
    assert b"evil" not in content(index.get(f"{PAGE}{mine.filename}.metadata"))


@pytest.mark.parametrize("env", [{"PRIVATE_NAMESPACES": "acme-"}, {"DENIED_PROJECTS": "*tools"}])
@pytest.mark.parametrize("mode", ["mirror", "redirect"])
def test_a_reserved_name_asks_nobody(upstream: Upstream, env: dict[str, str], mode: str) -> None:
    """A reserved or denied name causes no upstream request, stored pages and files of it are 404."""
    upstream.add(THEIRS, metadata=True)
    stored = mirroring(upstream)
    assert stored.get(f"{PAGE}{THEIRS.filename}").status == 200
    upstream.forget()
    index = mirroring(upstream, stored, UPSTREAM_MODE=mode, UPSTREAM_UNKNOWN="ask", **env)
    for path in (PAGE, f"{PAGE}{THEIRS.filename}", f"{PAGE}{THEIRS.filename}.metadata"):
        assert index.get(path).status == 404
    assert index.get("/pypi/acme-tools/json").status == 404
    assert upstream.asked == []
    assert index.upload(MINE).status == 200
    assert names(index) == [MINE.filename]


def test_names_before_any_snapshot(upstream: Upstream) -> None:
    """Without a snapshot, names are asked for."""
    upstream.add(THEIRS)
    assert names(mirroring(upstream)) == [THEIRS.filename]


@pytest.mark.parametrize(("unknown", "status"), [("deny", 404), ("ask", 200)])
def test_names_that_the_snapshot_does_not_have(
    upstream: Upstream, unknown: str, status: int
) -> None:
    """With a snapshot, a name that is not in it is 404, or asked for where that is set."""
    upstream.add(THEIRS)
    index = Index()
    put_snapshot(index.store, {"something-else": 5})
    index = mirroring(upstream, index, UPSTREAM_UNKNOWN=unknown)
    assert index.get(PAGE).status == status
    assert (upstream.asked == []) is (status == 404)


@pytest.mark.parametrize("same", [True, False])
def test_a_snapshot_of_another_upstream(upstream: Upstream, same: bool) -> None:
    """A snapshot says which names there are at the upstream that it was taken of, and at no other."""
    upstream.add(THEIRS)
    url = f"{upstream.index}/" if same else "https://another.example/simple/"
    index = Index()
    put_snapshot(index.store, {"something-else": 5}, sha256(url.encode()).hexdigest()[:32])
    assert mirroring(upstream, index).get(PAGE).status == (404 if same else 200)


def test_redirect_mode(upstream: Upstream) -> None:
    """Redirected, a client gets upstream's page without our credentials, and no file route is here."""
    url = upstream.with_credentials()
    index = mirroring(upstream, UPSTREAM_INDEX_URL=url, UPSTREAM_MODE="redirect")
    response = index.get(PAGE)
    assert response.status == 302
    assert response.header("location") == f"{upstream.index}/acme-tools/"
    assert response.header("cache-control") == "no-store"
    json = index.get(f"{PAGE}?format=json").header("location")
    assert json == f"{upstream.index}/acme-tools/?format=json"
    assert index.get(f"{PAGE}{THEIRS.filename}").status == 404
    assert index.get("/pypi/acme-tools/json").status == 404
    assert upstream.asked == []
    assert index.upload(MINE).status == 200
    assert names(index) == [MINE.filename]


@pytest.mark.parametrize(
    "env", [{"UPSTREAM_INDEX_URL": "none"}, {"UPSTREAM_MODE": "none"}, {"UPSTREAM_INDEX_URL": ""}]
)
def test_no_mirror(upstream: Upstream, env: dict[str, str]) -> None:
    """Without a mirror there are private projects and nothing else."""
    upstream.add(THEIRS)
    assert mirroring(upstream, None, **env).get(PAGE).status == 404
    assert upstream.asked == []
