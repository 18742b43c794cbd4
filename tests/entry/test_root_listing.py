"""The root listing over HTTP: of the private projects, or the snapshot's as it is stored."""

import gzip
import json
import re
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from distributions import build_wheel
from indexes import HTML, JSON, READER, Index, content
from reindexing import Workflow
from upstream import Upstream
from wheelyard.access.rights import parse_rights
from wheelyard.access.users import Users
from wheelyard.mirror.manifest import parse_manifest
from wheelyard.mirror.snapshots import LOOK_AGAIN
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store

MIRROR = {"UPSTREAM_INDEX_URL": "https://upstream.example/simple/"}
WHEEL = build_wheel("acme-tools", "1.0")


class Signing(ObjectStore):
    """In memory, with links as S3 has them; notes what is written."""

    def __init__(self) -> None:
        super().__init__(
            MemoryStore(), sign=lambda method, key: f"https://s3.example/{method}/{key}"
        )
        self.written: list[str] = []

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str | None = None,
        content_encoding: str | None = None,
    ) -> str:
        """See ``Store.put``."""
        self.written.append(key)
        return super().put(key, body, content_type, content_encoding)


@pytest.fixture(params=["memory", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "memory":
        return ObjectStore(MemoryStore())
    return DirectoryStore(tmp_path / "store")


@pytest.fixture
def index(store: Store, upstream: Upstream) -> Index:
    """An index with a private project and a snapshot of two names."""
    assert Index(store).upload(WHEEL).status == 200
    upstream.add_names(["Flask", "six"])
    Workflow(store, upstream).run()
    return Index(store, MIRROR)


def names(index: Index) -> list[str]:
    """The names of the JSON listing."""
    document = json.loads(content(index.get("/simple/", JSON)))
    assert document["meta"] == {"api-version": "1.4"}
    return [project["name"] for project in document["projects"]]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [(JSON, JSON), (HTML, HTML), ("text/html", "text/html; charset=utf-8")],
)
def test_private_and_upstream_names_are_listed(
    index: Index, accept: str, content_type: str
) -> None:
    """Each form lists all of them, plain and compressed the same."""
    plain = index.get("/simple/", accept)
    packed = index.get("/simple/", accept, accept_encoding="gzip")
    body, compressed = content(plain), content(packed)
    for response, sent in ((plain, body), (packed, compressed)):
        assert response.status == 200
        assert response.header("content-type") == content_type
        assert response.header("content-length") == str(len(sent))
        assert response.header("vary") == "Accept, Accept-Encoding"
        assert response.header("cache-control") == "max-age=0, private"
    assert packed.header("content-encoding") == "gzip"
    assert gzip.decompress(compressed) == body
    assert re.findall(rb'(?:"name":"|<a href=")([a-z0-9-]+)', body) == [
        b"acme-tools",
        b"flask",
        b"six",
    ]


def test_each_representation_has_a_tag_of_its_own(index: Index) -> None:
    """A client that has the listing is told so, and not for another form of it."""
    tags = set()
    for accept in (JSON, HTML, "text/html"):
        for encoding in ("identity", "gzip"):
            tag = index.get("/simple/", accept, accept_encoding=encoding).header("etag")
            assert tag is not None
            tags.add(tag)
            again = index.get("/simple/", accept, accept_encoding=encoding, if_none_match=tag)
            assert again.status == 304
            assert content(again) == b""
    assert len(tags) == 6


def test_a_head_has_the_same_headers(index: Index) -> None:
    """And no body."""
    headers = {"accept": JSON}
    head = index.ask("HEAD", "/simple/", headers=headers)
    assert head.headers == index.ask("GET", "/simple/", headers=headers).headers
    assert head.body == b""


def test_before_any_snapshot_the_private_projects_are_listed(
    store: Store, upstream: Upstream
) -> None:
    """And a new snapshot shows in a running process."""
    now = 0.0
    index = Index(store, MIRROR, clock=lambda: now)
    assert index.upload(WHEEL).status == 200
    assert names(index) == ["acme-tools"]
    upstream.add_names(["six"])
    Workflow(store, upstream).run()
    now += LOOK_AGAIN
    assert names(index) == ["acme-tools", "six"]


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"UPSTREAM_INDEX_URL": "none"},
        {**MIRROR, "UPSTREAM_MODE": "none"},
        {**MIRROR, "UPSTREAM_MODE": "redirect"},
    ],
)
def test_where_nothing_is_mirrored_only_private_projects_are_listed(
    index: Index, env: dict[str, str]
) -> None:
    """Whatever snapshot may be stored; a new project is listed at once."""
    other = Index(index.store, env)
    assert names(other) == ["acme-tools"]
    assert other.upload(build_wheel("acme-more", "1.0")).status == 200
    assert names(other) == ["acme-more", "acme-tools"]


def test_limited_users_see_what_they_may(index: Index) -> None:
    """Of upstream's names too: those of their projects and prefixes, and no other."""
    rights = parse_rights({"read": ["fl*", "acme-tools"]})
    Users(index.store).put("limited", "a-password-of-hers", rights=rights)
    response = index.ask("GET", "/simple/", ("limited", "a-password-of-hers"), {"accept": JSON})
    found = json.loads(content(response))["projects"]
    assert found == [{"name": "acme-tools"}, {"name": "flask"}]


# --- where the snapshot that is known was swept ---


def sweep(index: Index, upstream: Upstream, *, anew: bool = True) -> None:
    """Delete all that the active snapshot is made of, which may have been replaced before."""
    old = [
        entry.key for folder in (keys.LISTINGS, keys.SHARDS) for entry in index.store.list(folder)
    ]
    if anew:
        for name in ("Flask", "six"):
            upstream.names[name] = 2
        upstream.add_names(["seven"])
        Workflow(index.store, upstream).run()
    kept = manifest_keys(index.store) if anew else set()
    for key in set(old) - kept:
        index.store.delete(key)


def manifest_keys(store: Store) -> set[str]:
    """What the active snapshot is made of."""
    manifest = parse_manifest(store.get(keys.MANIFEST).body)
    digests = {manifest.listings.json.digest, manifest.listings.html.digest}
    found = {entry.key for entry in store.list(keys.LISTINGS)}
    listings = {key for key in found if key.split("/")[1].split(".")[0] in digests}
    return listings | {keys.shard(digest) for digest in manifest.shards if digest}


@pytest.mark.parametrize("accept", [JSON, "text/html"])
def test_a_swept_listing_is_looked_for_again(index: Index, upstream: Upstream, accept: str) -> None:
    """A process that knows a snapshot which is gone reads the manifest again, within the request."""
    assert content(index.get("/simple/", accept)).count(b"six") > 0
    sweep(index, upstream)
    answer = index.get("/simple/", accept)
    assert answer.status == 200
    body = content(answer)
    assert len(body) == int(answer.header("content-length") or 0)
    assert b"seven" in body


def test_a_swept_listing_is_looked_for_again_for_limited_users(
    index: Index, upstream: Upstream
) -> None:
    """As well as for those who see everything."""
    Users(index.store).put("limited", "a-password", rights=parse_rights({"read": ["s*"]}))

    def found() -> list[dict[str, str]]:
        answer = index.ask("GET", "/simple/", ("limited", "a-password"), {"accept": JSON})
        projects: list[dict[str, str]] = json.loads(content(answer))["projects"]
        return projects

    assert found() == [{"name": "six"}]
    sweep(index, upstream)
    assert found() == [{"name": "seven"}, {"name": "six"}]


def test_a_swept_shard_is_looked_for_again(index: Index, upstream: Upstream) -> None:
    """A project's page is as good as before, in the very request that finds the shard gone."""
    upstream.add(build_wheel("six", "1.0"))
    mirror = Index(index.store, {"UPSTREAM_INDEX_URL": upstream.index})
    assert mirror.get("/simple/", JSON).status == 200
    sweep(index, upstream)
    assert mirror.get("/simple/six/", JSON).status == 200


@pytest.mark.parametrize("path", ["/simple/", "/simple/six/"])
def test_a_listing_that_is_lost_is_an_error(index: Index, upstream: Upstream, path: str) -> None:
    """Where no other snapshot is active it is 503, and nothing is sent of an answer 200."""
    assert index.get("/simple/", JSON).status == 200
    sweep(index, upstream, anew=False)
    assert index.get(path, JSON).status == 503


# --- where the way back cannot carry it ---


@pytest.fixture
def far(upstream: Upstream) -> Index:
    """An index on a store that gives links, with a snapshot."""
    store = Signing()
    upstream.add_names(["six"])
    Workflow(store, upstream).run()
    store.written.clear()
    return Index(store, MIRROR)


def location(index: Index, accept: str, method: str = "GET", **headers: str) -> str:
    """Where a request is redirected that can carry hardly anything."""
    sent = {"accept": accept, **headers}
    response = index.ask(
        method, "/simple/", READER, sent, host="index.example", base="/prod", limit=10
    )
    assert response.status == 302
    assert response.header("cache-control") == "no-store"
    return response.header("location") or ""


def _object(index: Index, link: str) -> tuple[str, bytes]:
    method, _, key = link.removeprefix("https://s3.example/").partition("/")
    return method, index.store.get(key).body


def test_json_is_redirected_to_as_it_is(far: Index) -> None:
    """Nothing is written for it; compressed only for who takes that; a link holds for its method."""
    assert isinstance(far.store, Signing)
    far.store.written.clear()
    method, plain = _object(far, location(far, JSON))
    assert method == "GET"
    assert json.loads(plain)["projects"] == [{"name": "six"}]
    link = location(far, JSON, **{"accept-encoding": "gzip"})
    assert gzip.decompress(_object(far, link)[1]) == plain
    assert link.endswith(".json.gz")
    assert location(far, JSON, "HEAD").startswith("https://s3.example/HEAD/")
    assert far.store.written == []


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_html_is_given_links_that_hold_elsewhere(far: Index, encoding: str) -> None:
    """Once for each origin, by a base; the second request writes nothing."""
    assert isinstance(far.store, Signing)
    far.store.written.clear()
    headers = {"accept-encoding": encoding}
    link = location(far, "text/html", **headers)
    body = _object(far, link)[1]
    page = gzip.decompress(body) if encoding == "gzip" else body
    assert b'<base href="https://index.example/prod/simple/">' in page
    assert b'<a href="six/">six</a>' in page
    assert [key.split("/")[0] + "/" for key in far.store.written] == [keys.OVERSIZE]
    assert location(far, "text/html", **headers) == link
    assert len(far.store.written) == 1


@pytest.mark.parametrize("accept", [JSON, "text/html"])
def test_nobody_is_redirected_to_a_swept_listing(
    far: Index, upstream: Upstream, accept: str
) -> None:
    """The link is to the one that is active."""
    location(far, accept)
    sweep(far, upstream)
    for entry in list(far.store.list(keys.OVERSIZE)):
        far.store.delete(entry.key)
    assert b"seven" in _object(far, location(far, accept))[1]


def test_a_host_cannot_break_out_of_the_base(far: Index) -> None:
    """The host is the client's to say, so it is escaped."""
    response = far.ask(
        "GET", "/simple/", headers={"accept": "text/html"}, host='x"><script>', limit=10
    )
    page = _object(far, response.header("location") or "")[1]
    assert b"<script>" not in page
    assert page.count(b"<base ") == 1


def test_what_the_way_back_can_carry_is_not_redirected(far: Index) -> None:
    """A small index is answered directly, with relative links."""
    response = far.ask("GET", "/simple/", headers={"accept": "text/html"}, limit=1_000_000)
    assert response.status == 200
    assert b"<base" not in content(response)
