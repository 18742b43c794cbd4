"""Answers given at once: the same as before, to those who may have them, as long as nothing has changed."""

import socket
from pathlib import Path

import pytest

from distributions import build_wheel
from indexes import JSON, READER, UPLOADER, Index, basic
from running import READER as ACCOUNT
from running import running
from wheelyard.access.authentication import RECHECK_AFTER, Authenticator, Clock
from wheelyard.access.rights import rights
from wheelyard.access.users import Users
from wheelyard.entry.http import Request, Response
from wheelyard.entry.recent import Recent
from wheelyard.mirror.snapshots import LOOK_AGAIN
from wheelyard.protocol.names import project_name
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore

PAGE = "/simple/acme-tools/"
LIMITED = ("limited", "limited-password")


class Desk:
    """What remembers answers, with a clock that stands still, over an index with one project."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        store = DirectoryStore(folder)
        self.index = Index(store)
        Users(store).put(*LIMITED, rights=rights(read=["other-*"]))
        assert self.index.upload(build_wheel("acme-tools", "1.0")).status == 200
        clock = Clock(lambda: self.now, lambda: self.now)
        self.authenticator = Authenticator(store, clock)
        self.recent = Recent(store, self.authenticator, lambda: self.now)

    def answer(self, request: Request) -> Response:
        """As the application does: at once, or with work, which is remembered."""
        sources = self.recent.sources(request)
        self.authenticator.identify(request.headers["authorization"])
        response = self.index.application(request)
        self.recent.keep(request, sources, response)
        return response


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """One that has answered nothing."""
    return Desk(tmp_path)


def asked(
    path: str = PAGE,
    user: tuple[str, str] | None = READER,
    method: str = "GET",
    query: str = "",
    **headers: str,
) -> Request:
    """A request as pip sends it."""
    sent = {"accept": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    if user:
        sent["authorization"] = basic(*user)
    return Request(method, path, query, sent)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_same_again(desk: Desk, method: str) -> None:
    """What was answered once is given again, to the byte, with the name of who asks."""
    request = asked(method=method)
    assert desk.recent.find(request) is None
    response = desk.answer(request)
    assert desk.recent.find(request) == response
    desk.authenticator.identify(basic(*UPLOADER))
    again = desk.recent.find(asked(method=method, user=UPLOADER))
    assert again == response._replace(user=UPLOADER[0])


def test_not_modified_again(desk: Desk) -> None:
    """A client that has the page is told so at once."""
    request = asked(if_none_match=desk.answer(asked()).header("etag") or "")
    assert desk.answer(request).status == 304
    found = desk.recent.find(request)
    assert found is not None
    assert found.status == 304


@pytest.mark.parametrize(
    "other",
    [
        asked(method="HEAD"),
        asked(accept="text/html"),
        asked(accept_encoding="gzip"),
        asked(if_none_match='"another"'),
        asked(query="format=html"),
        asked()._replace(host="index.example"),
        asked()._replace(scheme="http"),
        asked("/simple/acme-tools"),
        asked("/legacy/+simple/acme-tools/"),
    ],
)
def test_another_question(desk: Desk, other: Request) -> None:
    """A request that could have another answer is not given this one."""
    desk.answer(asked())
    assert desk.recent.find(other) is None


@pytest.mark.parametrize("user", [None, (READER[0], "wrong"), ("nobody", READER[1]), LIMITED])
def test_nothing_for_others(desk: Desk, user: tuple[str, str] | None) -> None:
    """Without credentials that were verified, and that may see the project, nothing is given."""
    desk.answer(asked())
    desk.authenticator.identify(basic(*LIMITED))
    assert desk.recent.find(asked(user=user)) is None


def test_verified_long_ago(desk: Desk) -> None:
    """Credentials that are to be looked at again are not believed at once."""
    desk.answer(asked())
    desk.now = RECHECK_AFTER
    assert desk.recent.find(asked()) is None


def test_a_changed_project(desk: Desk) -> None:
    """A page is given no more from the instant that its project has changed, in any process."""
    desk.answer(asked())
    assert desk.index.upload(build_wheel("acme-tools", "2.0")).status == 200
    assert desk.recent.find(asked()) is None
    desk.index.store.delete(keys.project(project_name("acme-tools")))
    assert desk.recent.find(asked()) is None


def test_a_mirrored_page(desk: Desk) -> None:
    """A mirrored page is given as long as a snapshot is believed, its state is the same, and no private
    project has its name.
    """
    name, store = project_name("flask"), desk.index.store
    request = asked("/simple/flask/")
    page = Response(200, (), b"page", READER[0])

    def mirror() -> None:
        desk.authenticator.identify(basic(*READER))
        desk.recent.keep(request, desk.recent.sources(request), page)
        assert desk.recent.find(request) == page

    store.put(keys.mirror_urls(name), b"one")
    mirror()
    desk.now += LOOK_AGAIN
    assert desk.recent.find(request) is None
    mirror()
    store.put(keys.mirror_urls(name), b"two")
    assert desk.recent.find(request) is None
    mirror()
    store.put(keys.project(name), b"private")
    assert desk.recent.find(request) is None


def test_a_mirrored_page_of_a_short_life(desk: Desk) -> None:
    """An upstream page is not given again for longer than such a page may be believed."""
    store = desk.index.store
    store.put(keys.mirror_urls(project_name("flask")), b"1")
    request = asked("/simple/flask/")
    for lifetime, remembered in ((5.0, True), (0.0, False)):
        recent = Recent(store, desk.authenticator, lambda: desk.now, lifetime)
        desk.authenticator.identify(request.headers["authorization"])
        recent.keep(request, recent.sources(request), Response(200, (), b"a page"))
        assert (recent.find(request) is not None) is remembered
        desk.now += 5
        assert recent.find(request) is None


def test_what_changed_while_it_was_answered(desk: Desk) -> None:
    """A project that changes between the question and the answer is looked at anew."""
    sources = desk.recent.sources(asked())
    response = desk.answer(asked())
    assert desk.index.upload(build_wheel("acme-tools", "2.0")).status == 200
    desk.recent.keep(asked(), sources, response)
    assert desk.recent.find(asked()) is None


def test_only_pages(desk: Desk) -> None:
    """Neither files nor errors are remembered."""
    wheel = f"{PAGE}acme_tools-1.0-py3-none-any.whl"
    for request in (
        asked(wheel),
        asked("/simple/"),
        asked("/simple/nothing/"),
        asked("/simple/..%2f/"),
    ):
        desk.answer(request)
        assert desk.recent.find(request) is None


def test_requests_one_behind_the_other(tmp_path: Path) -> None:
    """Requests sent without waiting are answered in their order, whether at once, by a thread or by the
    kernel.
    """
    with running(tmp_path) as index:
        wheel = build_wheel("acme-tools", "1.0", files={"acme_tools.bin": b"x" * 500_000})
        index.publish(wheel)
        index.page("acme-tools")
        paths = [PAGE, f"{PAGE}{wheel.filename}", PAGE, "/simple/nothing/", PAGE, "/-/health"]
        lines = f"Host: a\r\nAccept: {JSON}\r\nAuthorization: {ACCOUNT.authorization}\r\n"
        sent = "".join(f"GET {path} HTTP/1.1\r\n{lines}\r\n" for path in paths)
        sent += f"GET {PAGE} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", index.port)) as client:
            client.sendall(sent.encode())
            received = b"".join(iter(lambda: client.recv(1 << 16), b""))
        statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [b"200", b"200", b"200", b"404", b"200", b"200", b"200"]
        assert received.count(wheel.content) == 1
        assert received.endswith(index.request("GET", PAGE, ACCOUNT, {"Accept": JSON}).body)
