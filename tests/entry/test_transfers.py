"""Bodies over the one-machine server's socket: large ones, parts of them, many at once, broken ones."""

import asyncio
import base64
import gzip
import hashlib
import http.client
import os
import secrets
import signal
import socket
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

import forms
from distributions import BuiltDistribution, build_sdist, build_wheel, wheel_members, zip_entry
from running import READER, STRANGER, UPLOADER, Account, Answer, Index, running
from wheelyard.entry.http import Request, Response
from wheelyard.entry.server import Server
from wheelyard.errors import InvalidUpload

MB = 1024 * 1024
BLOCK = secrets.token_bytes(MB)
GROWTH = 200 * MB
"""How much more memory the server may take for one large transfer."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A server for the tests that leave it running."""
    with running(tmp_path_factory.mktemp("index")) as index:
        yield index


# --- large files ---


def large_wheel(folder: Path, megabytes: int) -> Path:
    """A wheel with one member of that size, which nothing compresses."""
    members = wheel_members("acme-models", "1.0", files={})
    weights, digest = "acme_models/weights.bin", hashlib.sha256()
    path = folder / "acme_models-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(zip_entry(weights), "w") as member:
            for _ in range(megabytes):
                member.write(BLOCK)
                digest.update(BLOCK)
        encoded = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
        row = f"{weights},sha256={encoded},{megabytes * MB}\n"
        for name, content in members.items():
            with_row = row.encode() + content if name.endswith("/RECORD") else content
            archive.writestr(zip_entry(name), with_row)
    return path


def sha256(path: Path) -> str:
    """The hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def post_file(index: Index, path: Path, digest: str) -> Answer:
    """Upload a file from the disk, as a stream with a length."""
    marker = BuiltDistribution(path.name, b"-- the file stands here --")
    form = forms.encode(forms.parts(marker, sha256_digest=digest, blake2_256_digest=None))
    before, after = form.split(marker.content)
    length = len(before) + path.stat().st_size + len(after)
    headers = {"Content-Type": forms.CONTENT_TYPE, "Content-Length": str(length)}

    def chunks() -> Iterator[bytes]:
        yield before
        with path.open("rb") as file:
            while chunk := file.read(MB):
                yield chunk
        yield after

    return index.request("POST", "/legacy/", UPLOADER, headers, chunks())


def download_digest(index: Index, path: str) -> str:
    """The sha256 of what a GET gives, without holding it."""
    digest = hashlib.sha256()
    with index.open("GET", path, READER) as answer:
        assert answer.status == 200
        while chunk := answer.read(MB):
            digest.update(chunk)
    return digest.hexdigest()


def memory(process: int, field: str) -> int:
    """Bytes, from ``VmRSS`` (now) or ``VmHWM`` (the most ever)."""
    status = Path(f"/proc/{process}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith(f"{field}:")]
    return int(line.split()[1]) * 1024


def test_a_gigabyte_up_and_down(tmp_path: Path) -> None:
    """A file of 1 GB is published and downloaded, the same to the byte, in bounded memory."""
    path = large_wheel(tmp_path, 1024)
    digest = sha256(path)
    with running(tmp_path) as index:
        index.publish(build_wheel("acme-widgets", "1.0"))
        before = memory(index.pid, "VmRSS")
        answer = post_file(index, path, digest)
        assert answer.status == 200, answer.body
        (file,) = index.page("acme-models")["files"]
        assert (file["hashes"]["sha256"], file["size"]) == (digest, path.stat().st_size)
        assert download_digest(index, f"/simple/acme-models/{path.name}") == digest
        growth = memory(index.pid, "VmHWM") - before
    assert growth < GROWTH, f"the server grew by {growth // MB} MB"


def test_a_file_over_the_limit(tmp_path: Path) -> None:
    """A file larger than MAX_FILE_SIZE is refused with 413, and nothing of it stays."""
    path = large_wheel(tmp_path, 3)
    with running(tmp_path, {"MAX_FILE_SIZE": str(2 * MB)}) as index:
        answer = post_file(index, path, sha256(path))
        assert answer.status == 413
        assert "larger than the 2097152 bytes" in answer.json()["detail"]
        assert stored(index) == []


def stored(index: Index) -> list[str]:
    """The files of packages, and those on their way, in the store."""
    root = index.store
    paths = [*root.glob("packages/**/*"), *root.glob(".staging/*")]
    return sorted(str(path.relative_to(root)) for path in paths if path.is_file())


# --- parts of files ---


@pytest.fixture(scope="module")
def sdist(index: Index) -> BuiltDistribution:
    """A published file of about 100 kB."""
    built = build_sdist("acme-parts", "1.0", files={"data.bin": BLOCK[:100_000]})
    index.publish(built)
    return built


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=50000-", 50_000, None),
        ("bytes=-22", -22, None),
        ("bytes=99000-999999", 99_000, None),
        ("bytes=-999999", 0, None),
    ],
)
def test_ranges(
    index: Index, sdist: BuiltDistribution, wanted: str, start: int, end: int | None
) -> None:
    """A range of a file is answered with 206 and exactly those bytes."""
    expected, size = sdist.content[start:end], len(sdist.content)
    answer = index.request("GET", f"/simple/acme-parts/{sdist.filename}", READER, {"Range": wanted})
    assert (answer.status, answer.body) == (206, expected)
    first = start % size
    span = f"bytes {first}-{first + len(expected) - 1}/{size}"
    assert answer.headers["content-range"] == span
    assert answer.headers["content-length"] == str(len(expected))


def test_a_range_that_is_not_there(index: Index, sdist: BuiltDistribution) -> None:
    """A range beyond the file's end is 416 with the file's size."""
    path = f"/simple/acme-parts/{sdist.filename}"
    answer = index.request("GET", path, READER, {"Range": "bytes=900000-"})
    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(sdist.content)}"


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-1,5-6",
        "lines=1-2",
        "bytes=x",
        "bytes=5-2",
        "bytes=\u00b2-",
        f"bytes={'9' * 5000}-",
        f"bytes=0-{'9' * 5000}",
    ],
)
def test_ranges_that_are_not_served(index: Index, sdist: BuiltDistribution, wanted: str) -> None:
    """Several ranges, another unit and nonsense are answered with the whole file."""
    answer = index.request("GET", f"/simple/acme-parts/{sdist.filename}", READER, {"Range": wanted})
    assert (answer.status, answer.body) == (200, sdist.content)


def test_conditions_on_files(index: Index, sdist: BuiltDistribution) -> None:
    """A file's tag revalidates it (304), and guards ranges: with another tag, the whole comes."""
    path = f"/simple/acme-parts/{sdist.filename}"
    head = index.request("HEAD", path, READER)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(sdist.content))
    assert head.headers["accept-ranges"] == "bytes"
    tag = head.headers["etag"]
    unchanged = index.request("GET", path, READER, {"If-None-Match": f'"other", {tag}'})
    assert (unchanged.status, unchanged.body, unchanged.headers["etag"]) == (304, b"", tag)
    wanted = {"Range": "bytes=0-9", "If-Range": tag}
    assert index.request("GET", path, READER, wanted).body == sdist.content[:10]
    changed = index.request("GET", path, READER, wanted | {"If-Range": '"other"'})
    assert (changed.status, changed.body) == (200, sdist.content)


def test_pages_compressed_and_revalidated(index: Index, sdist: BuiltDistribution) -> None:
    """A page comes gzipped to those who take it, with a tag of its own that revalidates it."""
    for number in range(20):
        index.publish(build_wheel("acme-parts", f"2.{number}"))
    json_type = {"Accept": "application/vnd.pypi.simple.v1+json"}
    plain = index.request("GET", "/simple/acme-parts/", READER, json_type)
    zipped_type = json_type | {"Accept-Encoding": "gzip, deflate"}
    zipped = index.request("GET", "/simple/acme-parts/", READER, zipped_type)
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.headers["etag"] != plain.headers["etag"]
    again = zipped_type | {"If-None-Match": zipped.headers["etag"]}
    unchanged = index.request("GET", "/simple/acme-parts/", READER, again)
    assert (unchanged.status, unchanged.body) == (304, b"")
    head = index.request("HEAD", "/simple/acme-parts/", READER, zipped_type)
    assert head.headers["content-length"] == str(len(zipped.body))


# --- uploads that come to nothing ---


@pytest.mark.parametrize(
    ("account", "status"), [(None, 401), (STRANGER, 401), (READER, 403), (UPLOADER, 400)]
)
@pytest.mark.parametrize("chunked", [False, True])
def test_early_errors_reach_the_client(
    index: Index, account: Account | None, status: int, chunked: bool
) -> None:
    """A client that first sends 20 MB, then reads, is given the reason and not a broken connection."""
    headers = {"Content-Type": forms.CONTENT_TYPE} if status != 400 else {}
    size = {} if chunked else {"Content-Length": str(20 * MB)}
    answer = index.request("POST", "/legacy/", account, headers | size, (BLOCK for _ in range(20)))
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_a_connection_goes_on_after_an_early_error(index: Index) -> None:
    """The connection of a refused upload answers the next request."""
    connection = http.client.HTTPConnection("127.0.0.1", index.port, timeout=60)
    try:
        connection.request("POST", "/legacy/", BLOCK, {"Content-Type": forms.CONTENT_TYPE})
        refused = connection.getresponse()
        assert (refused.status, refused.read()[:1]) == (401, b"{")
        connection.request("GET", "/-/health")
        assert connection.getresponse().read() == b"ok\n"
    finally:
        connection.close()


def test_an_upload_that_breaks_off(tmp_path: Path) -> None:
    """A client that vanishes in the middle leaves nothing behind, and can send the file again."""
    built = build_sdist("acme-parts", "1.0", files={"data.bin": BLOCK})
    body = forms.encode(forms.parts(built))
    with running(tmp_path) as index:
        head = (
            "POST /legacy/ HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {UPLOADER.authorization}\r\n"
            f"Content-Type: {forms.CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", index.port)) as client:
            client.sendall(head.encode() + body[: len(body) // 2])
            index.wait_until(lambda: bool(stored(index)))
        index.wait_until(lambda: not stored(index))
        assert index.request("GET", "/simple/acme-parts/", READER).status == 404
        assert index.upload(built).status == 200


# --- many at once ---


def test_many_clients_at_once(index: Index, sdist: BuiltDistribution) -> None:
    """64 clients that read pages, download and publish at the same time are all answered rightly."""

    def work(number: int) -> None:
        built = build_wheel("acme-crowd", f"1.{number}")
        match number % 4:
            case 0:
                assert index.upload(built).status == 200
                versions = index.page("acme-crowd")["versions"]
                assert f"1.{number}" in versions
            case 1:
                path = f"/simple/acme-parts/{sdist.filename}"
                assert index.request("GET", path, READER).body == sdist.content
            case 2:
                assert index.request("GET", "/simple/", STRANGER).status == 401
            case _:
                listed = {file["filename"] for file in index.page("acme-parts")["files"]}
                assert sdist.filename in listed

    with ThreadPoolExecutor(64) as clients:
        list(clients.map(work, range(256)))
    assert len(index.page("acme-crowd")["files"]) == 64


def test_slow_uploads_do_not_hold_up_readers(tmp_path: Path) -> None:
    """100 uploads that have begun and do not go on leave the server answering everybody else."""
    head = (
        "POST /legacy/ HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {UPLOADER.authorization}\r\n"
        f"Content-Type: {forms.CONTENT_TYPE}\r\nContent-Length: 100000\r\n\r\n"
    )
    with running(tmp_path) as index, ExitStack() as slow:
        for _ in range(100):
            client = slow.enter_context(socket.create_connection(("127.0.0.1", index.port)))
            client.sendall(head.encode() + b"--")
        assert index.request("GET", "/simple/", READER).status == 200
        slow.close()


class Stalled:
    """A client that sends one chunk and then nothing, as an ASGI server hands it over."""

    scope: Mapping[str, object] = {
        "type": "http",
        "method": "POST",
        "path": "/legacy/",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"localhost")],
    }

    def __init__(self) -> None:
        self.sent: list[Mapping[str, object]] = []
        self._began = False

    async def receive(self) -> Mapping[str, object]:
        if self._began:
            await asyncio.Event().wait()
        self._began = True
        return {"type": "http.request", "body": b"--", "more_body": True}

    async def send(self, message: Mapping[str, object]) -> None:
        self.sent.append(message)


@pytest.mark.parametrize("reads", [False, True])
def test_clients_that_stop_sending_are_given_up(reads: bool) -> None:
    """A client that announced a body and sends no more of it is answered when patience ends."""
    taken: list[bytes] = []

    def handle(request: Request) -> Response:
        try:
            taken.extend(request.body if reads else ())
        except InvalidUpload as error:
            return Response(400, (), str(error).encode())
        return Response(401, (), b"who?")

    client = Stalled()
    asyncio.run(Server(handle, patience=0.05)(client.scope, client.receive, client.send))
    start, end = client.sent
    answers = {
        False: (401, b"who?"),
        True: (400, b"nothing more arrived for 0.05 s: send the file again"),
    }
    assert (start["status"], end["body"]) == answers[reads]
    assert taken == ([b"--"] if reads else [])


def test_a_download_under_way_is_finished(tmp_path: Path) -> None:
    """A download that has begun when the server is told to stop comes whole."""
    path = large_wheel(tmp_path, 64)
    with running(tmp_path) as index:
        assert post_file(index, path, digest := sha256(path)).status == 200
        received = hashlib.sha256()
        with index.open("GET", f"/simple/acme-models/{path.name}", READER) as answer:
            received.update(answer.read(MB))
            os.kill(index.pid, signal.SIGTERM)
            index.wait_until_closed()
            while chunk := answer.read(MB):
                received.update(chunk)
        assert received.hexdigest() == digest
        assert index.wait() == 0
