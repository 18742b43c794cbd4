"""Answers given at once: the same as before, to those who may have them, as long as nothing has changed."""

import http.client
import os
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
from wheelyard.entry.http import FileBody, Request, Response
from wheelyard.entry.recent import LARGEST_READ, LONGEST_QUESTION, Recent
from wheelyard.mirror.snapshots import LOOK_AGAIN
from wheelyard.protocol.names import project_name
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore

PAGE = "/simple/acme-tools/"
WHEEL_PATH = f"{PAGE}acme_tools-1.0-py3-none-any.whl"
LIMITED = ("limited", "limited-password")


class Desk:
    """What remembers answers, with a clock that stands still, over an index with one project."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.folder = folder
        store = DirectoryStore(folder)
        self.index = Index(store)
        Users(store).put(*LIMITED, rights=rights(read=["other-*"]))
        assert self.index.upload(build_wheel("acme-tools", "1.0")).status == 200
        clock = Clock(lambda: self.now, lambda: self.now)
        self.authenticator = Authenticator(store, clock)
        self.recent = Recent(store, self.authenticator, lambda: self.now)

    def answer(self, request: Request) -> Response:
        """As the application does: at once, or with work, which is remembered."""
        self.authenticator.identify(request.headers["authorization"])
        sources = self.recent.sources(request)
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
    desk.authenticator.identify(basic(*READER))
    sources = desk.recent.sources(asked())
    response = desk.answer(asked())
    assert desk.index.upload(build_wheel("acme-tools", "2.0")).status == 200
    desk.recent.keep(asked(), sources, response)
    assert desk.recent.find(asked()) is None


@pytest.mark.parametrize("path", [WHEEL_PATH, f"{WHEEL_PATH}.metadata"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_small_file_again(desk: Desk, path: str, method: str) -> None:
    """A small file, and what stands beside one, is given at once, in bytes, as long as it is there and
    the same.
    """
    request = asked(path, method=method)
    response = desk.answer(request)
    found = desk.recent.find(request)
    assert found is not None
    assert found.headers == response.headers
    key = keys.package(project_name("acme-tools"), path.rpartition("/")[2])
    content = desk.index.store.get(key).body
    assert found.body == (content if method == "GET" else b"")
    assert desk.recent.find(asked(path, method=method, range="bytes=0-9")) is None
    desk.index.store.delete(key)
    assert desk.recent.find(request) is None
    desk.index.store.put(key, content)
    assert desk.recent.find(request) is None, "its time and inode are others"


def test_a_small_file_is_counted(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Each download is counted, one that is given at once as well, and what stands beside is none."""
    requests = [
        asked(WHEEL_PATH),
        asked(WHEEL_PATH, method="HEAD"),
        asked(f"{WHEEL_PATH}.metadata"),
    ]
    for request in requests:
        desk.answer(request)
    caplog.clear()
    assert all(desk.recent.find(request) for request in requests)
    assert [record.getMessage() for record in caplog.records] == ["Downloads"]


def test_a_mirrored_file(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A mirrored file is given as long as its page is, and is counted as what the mirror had."""
    name, store = project_name("flask"), desk.index.store
    store.put(keys.mirror_urls(name), b"urls")
    store.put(keys.mirror_file(name, "flask-1.tar.gz"), b"content")
    request = asked("/simple/flask/flask-1.tar.gz")
    desk.authenticator.identify(basic(*READER))
    sources = desk.recent.sources(request)
    path = desk.folder / keys.mirror_file(name, "flask-1.tar.gz")
    desk.recent.keep(request, sources, Response(200, (), FileBody(path, 0, 7)))
    found = desk.recent.find(request)
    assert found is not None
    assert found.body == b"content"
    assert caplog.records[-1].getMessage() == "Downloads MirrorHits"
    desk.now += LOOK_AGAIN
    assert desk.recent.find(request) is None


def test_a_file_that_was_fetched_for_this_answer(desk: Desk) -> None:
    """A file that was not there when it was asked for is not remembered: nobody looked at it."""
    name, store = project_name("flask"), desk.index.store
    store.put(keys.mirror_urls(name), b"urls")
    request = asked("/simple/flask/flask-1.tar.gz")
    desk.authenticator.identify(basic(*READER))
    sources = desk.recent.sources(request)
    store.put(keys.mirror_file(name, "flask-1.tar.gz"), b"content")
    path = desk.folder / keys.mirror_file(name, "flask-1.tar.gz")
    desk.recent.keep(request, sources, Response(200, (), FileBody(path, 0, 7)))
    assert desk.recent.find(request) is None


@pytest.mark.parametrize("path", ["/simple/nothing/", "/simple/nothing/a-1.whl"])
def test_what_is_not_there(desk: Desk, path: str) -> None:
    """That there is no such project is said again at once, for as long as a snapshot is believed, and no
    more from the instant that it is published.
    """
    request = asked(path)
    assert desk.answer(request).status == 404
    found = desk.recent.find(request)
    assert found is not None
    assert (found.status, found.user) == (404, READER[0])
    assert found.reason.startswith("there is no project 'nothing'")
    desk.now += LOOK_AGAIN
    assert desk.recent.find(request) is None
    desk.answer(request)
    assert desk.recent.find(request) is not None
    assert desk.index.upload(build_wheel("nothing", "1.0")).status == 200
    assert desk.recent.find(request) is None


def test_a_file_that_is_not_there(desk: Desk) -> None:
    """That a private project has no such file is said again until the project changes."""
    request = asked(f"{PAGE}acme_tools-2.0-py3-none-any.whl")
    assert desk.answer(request).status == 404
    desk.now += RECHECK_AFTER
    desk.authenticator.identify(basic(*READER))
    assert desk.recent.find(request) is not None
    assert desk.index.upload(build_wheel("acme-tools", "2.0")).status == 200
    assert desk.recent.find(request) is None


@pytest.mark.parametrize("path", [PAGE, WHEEL_PATH, "/simple/flask/"])
def test_what_is_hidden_from_one(desk: Desk, path: str) -> None:
    """That a project is not there for somebody who may not see it is said to nobody else."""
    desk.authenticator.identify(basic(*READER))
    assert desk.answer(asked(path, user=LIMITED)).status == 404
    assert desk.recent.find(asked(path)) is None
    assert desk.recent.find(asked(path, user=LIMITED)) is None


def test_a_large_file(desk: Desk) -> None:
    """A large file is left to be sent by whoever can, but needs no work before."""
    name, wheel = project_name("acme-large"), build_wheel("acme-large", "1.0")
    assert desk.index.upload(wheel).status == 200
    key = keys.package(name, wheel.filename)
    for size, kind in ((LARGEST_READ, bytes), (LARGEST_READ + 1, FileBody)):
        desk.index.store.put(key, bytes(size))
        request = asked(f"/simple/acme-large/{wheel.filename}")
        assert desk.recent.find(request) is None
        assert desk.answer(request).status == 200
        found = desk.recent.find(request)
        assert found is not None
        assert isinstance(found.body, kind)


def test_nothing_else(desk: Desk) -> None:
    """Neither parts of files, nor other listings, nor other errors are remembered."""
    for request, status in (
        (asked(WHEEL_PATH, range="bytes=0-9"), 206),
        (asked(WHEEL_PATH, range="bytes=99999999-"), 416),
        (asked("/simple/"), 200),
        (asked("/simple/Acme_Tools/"), 301),
        (asked("/simple/..%2f/"), 404),
        (asked("/simple/acme-tools/a\0b"), 404),
        (asked(accept="image/png"), 406),
    ):
        assert desk.answer(request).status == status
        assert desk.recent.find(request) is None


@pytest.mark.parametrize("path", [PAGE, WHEEL_PATH, "/simple/nothing/", "/simple/"])
def test_nothing_is_looked_at_for_strangers(desk: Desk, path: str) -> None:
    """No file is looked at before it is known who asks, nor for one who may not see it: the time that an
    answer takes tells nothing of what there is.
    """
    settle(desk)
    assert desk.recent.sources(asked(path)) is None
    assert desk.recent.sources(asked(path, user=None)) is None
    desk.authenticator.identify(basic(*LIMITED))
    assert desk.recent.sources(asked(path, user=LIMITED)) is None
    desk.authenticator.identify(basic(*READER))
    assert desk.recent.sources(asked(path)) is not None


def test_a_long_question(desk: Desk) -> None:
    """What a client sends is not remembered at any length: memory is bounded by what is answered."""
    tag = desk.answer(asked()).header("etag") or ""
    for size, remembered in ((10, True), (LONGEST_QUESTION, False)):
        request = asked(if_none_match=tag, range="x" * size)
        assert desk.answer(request).status == 304
        assert (desk.recent.find(request) is not None) is remembered


def test_a_part_of_an_older_file(desk: Desk) -> None:
    """A whole file in place of a part, for one who has a part of another, is nobody else's answer."""
    assert desk.answer(asked(WHEEL_PATH, range="bytes=10-", if_range='"old"')).status == 200
    assert desk.recent.find(asked(WHEEL_PATH, range="bytes=10-")) is None


def test_a_name_that_no_file_can_have(desk: Desk) -> None:
    """A filename that the file system's encoding does not have is one that is not there."""
    assert desk.answer(asked(f"{PAGE}\ud800.whl")).status == 404


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


def test_the_same_head_again(tmp_path: Path) -> None:
    """What is answered at once comes with the very status line and headers of the answer before."""
    with running(tmp_path) as index:
        wheel = build_wheel("acme-tools", "1.0")
        index.publish(wheel)
        connection = http.client.HTTPConnection("127.0.0.1", index.port, timeout=60)
        for path in (PAGE, f"{PAGE}{wheel.filename}", "/simple/nothing/"):
            answers = []
            for _ in range(3):
                connection.request("GET", path, headers={"Authorization": ACCOUNT.authorization})
                answer = connection.getresponse()
                headers = {name: value for name, value in answer.getheaders() if name != "date"}
                answers.append((answer.status, answer.reason, headers, answer.read()))
            assert answers[0] == answers[1] == answers[2]
        connection.close()


def settle(desk: Desk) -> None:
    """Let the catalogue have changed a while ago."""
    folder = desk.folder / keys.CATALOGUE
    before = folder.stat().st_mtime_ns - 60_000_000_000
    os.utime(folder, ns=(before, before))


def test_the_root_again(desk: Desk) -> None:
    """The root is given again as long as no project came or went and a snapshot would be believed."""
    settle(desk)
    request = asked("/simple/")
    response = desk.answer(request)
    assert b"acme-tools" in response.body
    assert desk.recent.find(request) == response
    desk.now += LOOK_AGAIN
    assert desk.recent.find(request) is None


def test_the_root_of_a_new_project(desk: Desk) -> None:
    """A project's first upload is in the root at once."""
    settle(desk)
    request = asked("/simple/")
    desk.answer(request)
    assert desk.index.upload(build_wheel("acme-more", "1.0")).status == 200
    assert desk.recent.find(request) is None
    assert b"acme-more" in desk.answer(request).body


def test_the_root_just_changed(desk: Desk) -> None:
    """Nothing is remembered of a catalogue that could change again within the same tick of the clock."""
    request = asked("/simple/")
    desk.answer(request)
    assert desk.recent.find(request) is None


def test_the_root_of_who_sees_little(desk: Desk) -> None:
    """The root of one who sees few projects is nobody else's, and the whole one is not theirs."""
    settle(desk)
    theirs, whole = asked("/simple/", LIMITED), asked("/simple/")
    assert b"acme-tools" not in desk.answer(theirs).body
    desk.authenticator.identify(basic(*READER))
    assert desk.recent.find(whole) is None
    desk.answer(whole)
    assert desk.recent.find(theirs) is None
