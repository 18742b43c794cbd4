"""Who may do what: every route and method, asked by everybody, of projects of every kind.

The expectation is computed here from the rules, in words that know nothing of the application.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import pytest
from obstore.store import MemoryStore

from distributions import build_wheel
from indexes import READER, UPLOADER, Index, content
from issuers import AUDIENCE, REPOSITORY, Issuer
from upstream import Upstream, running_upstream
from wheelyard.access.issuers import SigningKeys
from wheelyard.access.minting import Mint
from wheelyard.access.publishers import TrustedPublishers
from wheelyard.access.rights import rights
from wheelyard.access.tokens import Tokens
from wheelyard.access.users import Users
from wheelyard.entry.http import Response
from wheelyard.storage.objects import ObjectStore

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")

PRIVATE, MIRRORED = ("acme-own", "other"), ("acme-mirrored", "public")
PROJECTS = {
    "own": "acme-own",
    "other": "other",
    "own unknown": "acme-nothing",
    "unknown": "nothing",
    "own mirrored": "acme-mirrored",
    "mirrored": "public",
}
"""Projects by what they are to who is limited to ``acme-*``."""


class Asker(NamedTuple):
    """Somebody, and what the rules are for them."""

    known: bool
    reads_all: bool = True
    uploads: bool = False


ASKERS = {
    "nobody": Asker(known=False),
    "wrong password": Asker(known=False),
    "unknown user": Asker(known=False),
    "expired token": Asker(known=False),
    "revoked token": Asker(known=False),
    "reader": Asker(known=True),
    "uploader": Asker(known=True, uploads=True),
    "limited reader": Asker(known=True, reads_all=False),
    "limited uploader": Asker(known=True, reads_all=False, uploads=True),
    "reading token": Asker(known=True),
    "limited token": Asker(known=True, reads_all=False),
    "minted token": Asker(known=True, reads_all=False, uploads=True),
}

PROJECT_ROUTES = {
    "/simple/{p}/": 200,
    "/simple/{p}": 301,
    "/simple/{p}/?format=json": 200,
    "/simple/{p}/{f}": 200,
    "/simple/{p}/{f}.metadata": 200,
    "/simple/{p}/{f}.nothing": 404,
    "/+simple/{p}/": 200,
    "/legacy/+simple/{p}/": 200,
    "/simple/+simple/{p}/": 200,
    "/pypi/{p}/json": 200,
    "/pypi/{p}/1.0/json": 200,
    "/pypi/{p}/9.0/json": 404,
}
"""What a GET of each route about a project is answered with, where the project is there."""

NOT_FOR_MIRRORED = ("+simple/",)
"""Routes that have private projects alone."""

OTHER_ROUTES = {
    "/": 200,
    "/simple": 301,
    "/simple/": 200,
    "/nothing": 404,
    "/simple/a/b/c": 404,
    "/legacy/": None,
}
UPLOADS = ("/", "/legacy/", "/legacy", "/simple/", "/simple")


class World(NamedTuple):
    """An index, and the credentials of everybody."""

    here: Index
    credentials: dict[str, tuple[str, str] | None]

    def ask(self, method: str, path: str, asker: str) -> Response:
        """One request."""
        return self.here.ask(method, path, self.credentials[asker])


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Two private projects, two mirrored ones, and everybody who asks."""
    with running_upstream() as upstream:
        for project in MIRRORED:
            upstream.add(build_wheel(project, "1.0"), metadata=True)
        yield make_world(upstream)


def make_world(upstream: Upstream) -> World:
    """The index in front of an upstream, and everybody."""
    store = ObjectStore(MemoryStore())
    env = {
        "UPSTREAM_INDEX_URL": upstream.index,
        "UPSTREAM_UNKNOWN": "ask",
        "PASSWORD_ROUNDS": "10000",
    }
    index = Index(store, env)
    for project in PRIVATE:
        assert index.upload(build_wheel(project, "1.0")).status == 200
    # Whoever is wrong costs a slow hash each time: here, thousands of times.
    users = Users(store, rounds=1000)
    users.put(*READER)
    users.put("limited", "limited-password", rights=rights(False, ["acme-*"]))
    users.put("limiteduploader", "limited-password", rights=rights(["acme-*"], ["acme-*"]))
    issuer = Issuer()
    TrustedPublishers(store).add("github", {"repository": REPOSITORY}, ["acme-*"], issuer.url)
    mint = Mint(store, SigningKeys(time.monotonic, issuer.fetch), AUDIENCE, time.time)
    tokens = Tokens(store, time.time)
    long_ago = Tokens(store, lambda: time.time() - 3600)
    revoked = tokens.create("ci", rights(upload=True))
    tokens.revoke(revoked.record.id)
    expired = long_ago.create("ci", rights(upload=True), timedelta(minutes=1))
    return World(
        index,
        {
            "nobody": None,
            "wrong password": (READER[0], "wrong"),
            "unknown user": ("somebody", READER[1]),
            "expired token": ("__token__", expired.secret),
            "revoked token": ("__token__", revoked.secret),
            "reader": READER,
            "uploader": UPLOADER,
            "limited reader": ("limited", "limited-password"),
            "limited uploader": ("limiteduploader", "limited-password"),
            "reading token": ("__token__", tokens.create("ci", rights()).secret),
            "limited token": ("ci", tokens.create("ci", rights(False, ["acme-*"])).secret),
            "minted token": ("__token__", mint.exchange(issuer.token()).secret),
        },
    )


def path_of(route: str, project: str) -> str:
    """A route's path for a project and its one file."""
    return route.format(p=project, f=build_wheel(project, "1.0").filename)


def expected(asker: Asker, route: str, method: str, kind: str) -> int:
    """The status by the rules, of a request that is about a project."""
    if not asker.known:
        return 401
    if method not in ("GET", "HEAD"):
        return 405
    if not asker.reads_all and "own" not in kind.split():
        return 404
    if PROJECT_ROUTES[route] == 301:
        return 301
    there = "unknown" not in kind
    if "mirrored" in kind and any(part in route for part in NOT_FOR_MIRRORED):
        there = False
    return PROJECT_ROUTES[route] if there else 404


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("asker", ASKERS)
def test_projects(world: World, asker: str, method: str) -> None:
    """Every route about a project answers everybody by the rules, whatever the project is."""
    answered = {
        (route, kind): world.ask(method, path_of(route, project), asker).status
        for route in PROJECT_ROUTES
        for kind, project in PROJECTS.items()
    }
    assert answered == {
        (route, kind): expected(ASKERS[asker], route, method, kind)
        for route in PROJECT_ROUTES
        for kind in PROJECTS
    }


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("asker", [name for name, asker in ASKERS.items() if not asker.reads_all])
def test_nothing_tells_hidden_from_absent(world: World, asker: str, method: str) -> None:
    """To who is limited, what may not be seen and what does not exist are one, byte for byte."""
    for route in PROJECT_ROUTES:
        shapes = [
            shape(world.ask(method, path_of(route, project), asker), project)
            for project in ("other", "public", "nothing")
        ]
        assert shapes[0] == shapes[1] == shapes[2], route
        # Nor does the answer say why: it is the one for a name that they may look for.
        if method == "GET" and PROJECT_ROUTES[route] != 301:
            absent = world.ask(method, path_of(route, "acme-nothing"), asker)
            assert shapes[0] == shape(absent, "acme-nothing"), route


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("asker", [name for name, asker in ASKERS.items() if not asker.known])
def test_strangers_learn_nothing(world: World, asker: str, method: str) -> None:
    """Without good credentials every path has one answer, whatever is wrong with them."""
    paths = [path_of(route, name) for route in PROJECT_ROUTES for name in PROJECTS.values()]
    answers = {
        shape(world.ask(method, path, asker), "-" * 9) for path in [*paths, *OTHER_ROUTES, *UPLOADS]
    }
    reference = shape(world.ask("GET", "/simple/", "nobody"), "-" * 9)
    ((status, headers, body),) = answers
    assert (status, headers) == (401, reference.headers)
    assert body == (b"" if method == "HEAD" else reference.body)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("asker", ASKERS)
def test_other_routes(world: World, asker: str, method: str) -> None:
    """The routes that are about no project answer everybody who is known alike."""
    for route, status in OTHER_ROUTES.items():
        answered = world.ask(method, route, asker).status
        if not ASKERS[asker].known:
            assert answered == 401, route
        elif method == "POST" and route in UPLOADS:
            assert answered == (400 if ASKERS[asker].uploads else 403), route
        elif status == 404:
            assert answered == 404, route
        elif method in ("GET", "HEAD") and status is not None:
            assert answered == status, route
        else:
            assert answered == 405, route


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("asker", ASKERS)
def test_open_routes(world: World, asker: str, method: str) -> None:
    """Health and trusted publishing ask nobody for credentials, and take none amiss."""
    reads = 200 if method in ("GET", "HEAD") else 405
    assert world.ask(method, "/-/health", asker).status == reads
    assert world.ask(method, "/_/oidc/audience", asker).status == reads
    for path in ("/_/oidc/mint-token", "/_/oidc/burn-token"):
        assert world.ask(method, path, asker).status == (422 if method == "POST" else 405)


@pytest.mark.parametrize("asker", ASKERS)
def test_uploads(world: World, asker: str) -> None:
    """Uploads are taken from who may, to projects that they may, by each of the paths."""
    who = ASKERS[asker]
    for path in UPLOADS:
        for kind, project in PROJECTS.items():
            if kind in ("own unknown", "unknown") and who.uploads:
                project = f"{project}-{asker.replace(' ', '-')}"
            if "mirrored" in kind:
                continue
            file = build_wheel(project, "1.0")
            answer = world.here.upload(file, user=world.credentials[asker], path=path)
            allowed = who.uploads and (who.reads_all or "own" in kind.split())
            assert answer.status == (401 if not who.known else 200 if allowed else 403), (
                path,
                kind,
            )
            if answer.status == 403:
                assert b"not upload" in content(answer)


@pytest.mark.parametrize("asker", ["limited reader", "limited uploader", "minted token"])
def test_refused_uploads_tell_nothing(world: World, asker: str) -> None:
    """A refused upload is answered alike whether or not there is such a project, or such a file."""
    answers = [
        shape(world.here.upload(build_wheel(name, version), user=world.credentials[asker]), name)
        for name, version in [
            ("other", "1.0"),
            ("other", "2.0"),
            ("public", "1.0"),
            ("nothing", "1.0"),
        ]
    ]
    assert {answer.status for answer in answers} == {403}
    assert all(answer == answers[0] for answer in answers)


class Shape(NamedTuple):
    """An answer with the project's name, which the client chose, taken out."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def shape(response: Response, name: str) -> Shape:
    """What of an answer could tell something."""
    escaped = name.replace("-", "_")
    headers = tuple(
        (key, value.replace(name, "*").replace(escaped, "*"))
        for key, value in response.headers
        if key != "content-length"
    )
    body = content(response).replace(name.encode(), b"*").replace(escaped.encode(), b"*")
    return Shape(response.status, headers, body)
