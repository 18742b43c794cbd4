"""Files over the one-machine server's socket, on each event loop: parts, slow clients, broken ones."""

import http.client
import os
import secrets
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from distributions import build_wheel
from issuers import Authority
from running import PACKAGE, READER, Index, running
from upstream import Answer, Upstream

MB = 1024 * 1024
SMALL = build_wheel("acme-small", "1.0", files={"acme_small.bin": secrets.token_bytes(20_000)})
LARGE = build_wheel("acme-large", "1.0", files={"acme_large.bin": secrets.token_bytes(24 * MB)})
SMALL_PATH = f"/simple/acme-small/{SMALL.filename}"
LARGE_PATH = f"/simple/acme-large/{LARGE.filename}"
IDLE = 5
"""Seconds after which uvicorn closes a connection that is idle."""
THREADS = 64
"""That many requests are worked on at a time."""


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def index(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Index]:
    """A server with two files, where there is uvloop and where there is none."""
    folder = tmp_path_factory.mktemp("index")
    environ = {}
    if request.param == "asyncio":
        (folder / "uvloop.py").write_text("raise ImportError('it is not for this machine')")
        environ["PYTHONPATH"] = f"{folder}:{PACKAGE}"
    elif find_spec("uvloop") is None:
        pytest.skip("uvloop is not for this machine")
    with running(folder, environ) as index:
        index.publish(SMALL)
        index.publish(LARGE)
        maps = Path(f"/proc/{index.pid}/maps").read_text()
        assert ("uvloop" in maps) is (request.param == "uvloop")
        yield index


def ask(path: str, *headers: str, method: str = "GET") -> bytes:
    """A request as bytes."""
    lines = (f"{method} {path} HTTP/1.1", "Host: a", f"Authorization: {READER.authorization}")
    return "\r\n".join((*lines, *headers, "", "")).encode()


def connect(index: Index, stack: ExitStack, room: int | None = None) -> socket.socket:
    """A client's connection, which takes few bytes before it is read if ``room`` says so."""
    client = stack.enter_context(socket.socket())
    if room is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    client.settimeout(60)
    client.connect(("127.0.0.1", index.port))
    return client


def descriptors(index: Index) -> int:
    """How many files and sockets the server has open."""
    return len(list(Path(f"/proc/{index.pid}/fd").iterdir()))


def test_files_on_one_connection(index: Index) -> None:
    """Small and large files, whole, in part and only looked at, come rightly on one connection, again
    and again.
    """
    connection = http.client.HTTPConnection("127.0.0.1", index.port, timeout=60)
    credentials = {"Authorization": READER.authorization}
    whole: dict[str, str] = {}
    for _ in range(2):
        for path, content in ((SMALL_PATH, SMALL.content), (LARGE_PATH, LARGE.content)):
            for method, headers, status, expected in (
                ("GET", whole, 200, content),
                ("HEAD", whole, 200, b""),
                ("GET", {"Range": "bytes=5000-15000"}, 206, content[5000:15001]),
                ("GET", {"Range": "bytes=100-"}, 206, content[100:]),
            ):
                connection.request(method, path, headers=credentials | headers)
                answer = connection.getresponse()
                assert (answer.status, answer.read() == expected) == (status, True)
    connection.close()


def test_clients_that_do_not_read(index: Index) -> None:
    """100 clients that asked for a large file and do not read it hold nobody up, and get it in the end."""
    with ExitStack() as stack:
        slow = [connect(index, stack, 65536) for _ in range(100)]
        for client in slow:
            client.sendall(ask(LARGE_PATH, "Connection: close"))
            assert client.recv(12) == b"HTTP/1.1 200"
        assert index.page("acme-small")["name"] == "acme-small"
        assert index.request("GET", "/simple/", READER).status == 200
        assert index.request("GET", SMALL_PATH, READER).body == SMALL.content
        assert index.request("GET", LARGE_PATH, READER).body == LARGE.content
        for client in (slow[0], slow[-1]):
            assert b"".join(iter(lambda c=client: c.recv(MB), b"")).endswith(LARGE.content)  # type: ignore[misc]


def test_a_file_behind_a_page(index: Index) -> None:
    """A file that was asked for together with a page comes whole, however long the client takes to read it:
    only a connection that is idle is closed.
    """
    index.page("acme-small")
    with ExitStack() as stack:
        client = connect(index, stack, 65536)
        client.sendall(ask("/simple/acme-small/") + ask(LARGE_PATH, "Connection: close"))
        time.sleep(IDLE + 1)
        received = b"".join(iter(lambda: client.recv(MB), b""))
    assert received.count(b"HTTP/1.1 200") == 2
    assert received.endswith(LARGE.content)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("asked", [1, 3])
def test_clients_that_leave(index: Index, at_once: bool, asked: int) -> None:
    """Of a client that goes away in the middle of a file nothing is left, also where it had asked for
    more files without waiting, and whether it closes or breaks off.
    """
    index.page("acme-small")
    before, lines = descriptors(index), len(index.requests())
    with ExitStack() as stack:
        clients = [connect(index, stack, 65536) for _ in range(20)]
        for client in clients:
            client.sendall(ask(LARGE_PATH) * asked)
            assert client.recv(12) == b"HTTP/1.1 200"
            if at_once:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    index.wait_until(lambda: descriptors(index) <= before)
    assert len(index.requests()) >= lines + len(clients)


def test_a_file_that_is_cut_short(index: Index) -> None:
    """Where a file has become shorter while it was sent, the connection breaks: no client takes the part
    for the whole.
    """
    built = build_wheel("acme-cut", "1.0", files={"acme_cut.bin": secrets.token_bytes(24 * MB)})
    index.publish(built)
    with ExitStack() as stack:
        client = connect(index, stack, 65536)
        client.sendall(ask(f"/simple/acme-cut/{built.filename}"))
        assert client.recv(12) == b"HTTP/1.1 200"
        os.truncate(index.store / "packages/acme-cut" / built.filename, 20 * MB)
        size = 0
        with suppress(ConnectionResetError):
            while chunk := client.recv(MB):
                size += len(chunk)
    assert size < len(built.content)


def test_files_over_tls(tmp_path: Path) -> None:
    """Over HTTPS, where the kernel cannot send them, files come as well, whole and in part."""
    with running(tmp_path, certificate=Authority(tmp_path).server("index")) as index:
        for built, path in ((SMALL, SMALL_PATH), (LARGE, LARGE_PATH)):
            index.publish(built)
            for _ in range(2):
                assert index.request("GET", path, READER).body == built.content
            part = index.request("GET", path, READER, {"Range": "bytes=7000-"})
            assert (part.status, part.body) == (206, built.content[7000:])


def test_clients_of_a_slow_upstream(upstream: Upstream, tmp_path: Path) -> None:
    """As many clients as there are threads wait for a file that upstream sends slowly: others are
    answered, and the ones that leave are let go while the file is still on its way.
    """
    upstream.add(LARGE)
    path, gate = f"/files/acme-large/{LARGE.filename}", threading.Event()

    def slowly() -> Iterator[bytes]:
        yield LARGE.content[:MB]
        gate.wait(60)
        yield LARGE.content[MB:]

    upstream.answer(path, Answer(body=slowly(), content_length=len(LARGE.content)))
    environ = {"UPSTREAM_INDEX_URL": upstream.index}
    with running(tmp_path, environ) as index, ExitStack() as stack:
        index.publish(SMALL)
        clients = [connect(index, stack) for _ in range(THREADS)]
        for client in clients:
            client.sendall(ask(LARGE_PATH, "Connection: close"))
        for client in clients:
            assert client.recv(12) == b"HTTP/1.1 200"
        assert index.request("GET", "/simple/", READER).status == 200
        left, stayed = clients[1:], clients[0]
        for client in left:
            client.close()
        index.wait_until(lambda: len(index.requests()) >= len(left))
        gate.set()
        assert b"".join(iter(lambda: stayed.recv(MB), b"")).endswith(LARGE.content)
