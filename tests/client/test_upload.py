"""Uploading as a release team does it: from a folder to an index, or to its store."""

import json
import os
import select
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from distributions import BuiltDistribution, build_sdist, build_wheel
from forms import SIGNATURE, attestation
from indexes import random_bytes
from running import READER, UPLOADER, Index, environment, running
from servers import S3Server
from stores import Bucket
from wheelyard.access.users import Users
from wheelyard.client import session as client_session
from wheelyard.client.direct import upload_to_store
from wheelyard.client.files import Existing, Uploaded
from wheelyard.client.upload import upload
from wheelyard.entry.cli import cli
from wheelyard.errors import (
    Conflict,
    Forbidden,
    IndexRefuses,
    InvalidArchive,
    InvalidFilename,
    InvalidUpload,
    WheelyardError,
)
from wheelyard.protocol.names import project_name
from wheelyard.publish.session import current_session
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore

NAME = project_name("acme-tools")
WHEEL, SDIST = build_wheel("acme-tools", "1.0"), build_sdist("acme-tools", "1.0")
OTHER = build_wheel("acme-tools", "1.0", files={"acme_tools/__init__.py": b"other = 1"})
KIT = build_wheel("acme-kit", "2.0")


def dist(folder: Path, *built: BuiltDistribution) -> list[Path]:
    """The files in a folder, as a build leaves them."""
    folder.mkdir(exist_ok=True)
    for each in built:
        (folder / each.filename).write_bytes(each.content)
    return [folder / each.filename for each in built]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A server over a directory."""
    with running(tmp_path_factory.mktemp("server")) as index:
        yield index


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """A server over an empty directory."""
    with running(tmp_path / "server") as index:
        yield index


def send(index: Index, *files: Path, **options: Any) -> list[Uploaded]:
    """An upload with the uploader's credentials in the URL."""
    return upload(files, index.simple_url(UPLOADER), **options)


def listed(index: Index, name: str = "acme-tools") -> set[str]:
    """The files on a page."""
    answer = index.request("GET", f"/simple/{name}/", READER, {"Accept": "application/json, */*"})
    if answer.status == 404:
        return set()
    return {file["filename"] for file in index.page(name)["files"]}


def test_two_releases(index: Index, tmp_path: Path) -> None:
    """All files of a folder are published; sent again, they are found published."""
    files = dist(tmp_path / "dist", WHEEL, SDIST, KIT)
    told: list[int] = []

    def progress(total: int) -> Any:
        told.append(total)
        return told.append

    done = send(index, *files, progress=progress)
    assert {(each.filename, each.published) for each in done} == {
        (path.name, True) for path in files
    }
    assert told[0] == sum(told[1:]) == sum(path.stat().st_size for path in files)
    assert listed(index) == {WHEEL.filename, SDIST.filename}
    assert listed(index, "acme-kit") == {KIT.filename}
    assert not any(each.published for each in send(index, *files))


def test_existing(index: Index, tmp_path: Path) -> None:
    """What is published is left out, refused, or sent to be replaced, as was asked for."""
    send(index, *dist(tmp_path / "dist", WHEEL))
    [same] = dist(tmp_path / "dist", WHEEL)
    [other] = dist(tmp_path / "other", OTHER)
    [more] = dist(tmp_path / "dist", SDIST)
    with pytest.raises(InvalidUpload, match="published with other content"):
        send(index, other, more)
    with pytest.raises(InvalidUpload, match="is published"):
        send(index, same, more, existing=Existing.STRICT)
    with pytest.raises(Conflict, match="File already exists"):
        send(index, other, existing=Existing.FORCE)
    assert listed(index) == {WHEEL.filename}
    done = send(index, other, more, existing=Existing.SKIP)
    assert [each.published for each in done] == [False, True]
    assert listed(index) == {WHEEL.filename, SDIST.filename}


def test_force_where_it_is_allowed(tmp_path: Path) -> None:
    """An index with OVERWRITE=allow takes the replacement."""
    with running(tmp_path / "server", {"OVERWRITE": "allow"}) as index:
        send(index, *dist(tmp_path / "dist", WHEEL))
        send(index, *dist(tmp_path / "dist", OTHER), existing=Existing.FORCE)
        [file] = index.page("acme-tools")["files"]
        assert file["hashes"]["sha256"] == OTHER.sha256


def test_attestations(index: Index, tmp_path: Path) -> None:
    """Attestations beside a file are sent with it; signatures and attestations are no distributions."""
    [wheel] = dist(tmp_path / "dist", WHEEL)
    beside = wheel.with_name(f"{wheel.name}.publish.attestation")
    beside.write_text(json.dumps(attestation(WHEEL)))
    send(index, wheel, beside)
    answer = index.request("GET", f"/simple/acme-tools/{WHEEL.filename}.provenance", READER)
    assert answer.json()["attestation_bundles"][0]["attestations"] == [attestation(WHEEL)]


def test_one_bad_file(index: Index, tmp_path: Path) -> None:
    """If one file of a release is refused, none is published, and the index's reason is told."""
    files = dist(tmp_path / "dist", WHEEL, SDIST._replace(content=b"no archive"))
    with pytest.raises(IndexRefuses, match=r"400 .* is not a valid sdist"):
        send(index, *files)
    assert listed(index) == set()
    send(index, *dist(tmp_path / "dist", WHEEL, SDIST))
    assert listed(index) == {WHEEL.filename, SDIST.filename}


@pytest.mark.parametrize(
    ("user", "error", "says"),
    [
        (READER._replace(password="wrong"), IndexRefuses, "401"),
        (READER, Forbidden, "may read but not upload"),
    ],
    ids=["wrong password", "reader"],
)
def test_who_may_not(
    served: Index, tmp_path: Path, user: Any, error: type[WheelyardError], says: str
) -> None:
    """Who may not upload is told so."""
    with pytest.raises(error, match=says):
        upload(dist(tmp_path / "dist", WHEEL), served.simple_url(user))


@pytest.mark.parametrize("name", ["notes.txt", "acme.whl"])
def test_no_distributions(served: Index, tmp_path: Path, name: str) -> None:
    """What is no distribution is refused before anything is sent."""
    path = tmp_path / name
    path.write_bytes(b"")
    with pytest.raises(InvalidFilename, match=name):
        send(served, *dist(tmp_path / "dist", WHEEL), path)
    with pytest.raises(InvalidUpload, match="no distribution"):
        send(served)


def test_another_attempt_s_leftovers(index: Index, tmp_path: Path) -> None:
    """What an earlier attempt left in the session, other builds of the files included, gives way."""
    files = dist(tmp_path / "dist", OTHER, SDIST._replace(content=b"no archive"))
    with pytest.raises(IndexRefuses):
        send(index, *files)
    send(index, *dist(tmp_path / "dist", WHEEL))
    assert listed(index) == {WHEEL.filename}


class Cutting(socketserver.ThreadingTCPServer):
    """A way to a server on which the first connections that carry much are cut off in the middle."""

    daemon_threads = True

    def __init__(self, port: int, after: int, times: int) -> None:
        super().__init__(("127.0.0.1", 0), Forwarding)
        self.port, self.after, self.times = port, after, times


class Forwarding(socketserver.BaseRequestHandler):
    """One connection of a ``Cutting``."""

    server: Cutting

    def handle(self) -> None:
        """Forward in both directions, until one end closes or so many bytes went to the server."""
        forwarded = 0
        with socket.create_connection(("127.0.0.1", self.server.port)) as server:
            ends = {self.request: server, server: self.request}
            while True:
                for source in select.select(list(ends), [], [])[0]:
                    data = source.recv(1 << 18)
                    if not data:
                        return
                    ends[source].sendall(data)
                    forwarded += len(data) if source is self.request else 0
                    if forwarded > self.server.after and self.server.times:
                        self.server.times -= 1
                        return


@contextmanager
def cutting(port: int, after: int, times: int) -> Iterator[int]:
    """The port of a ``Cutting``."""
    with Cutting(port, after, times) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def test_broken_connections(index: Index, tmp_path: Path) -> None:
    """A connection that breaks in the middle of a part is made again, and the part sent again."""
    data = random_bytes(20 * 1024 * 1024)
    large = build_wheel("acme-tools", "1.0", files={"acme_tools/data": data})
    with cutting(index.port, after=5_000_000, times=2) as port:
        url = f"http://{UPLOADER.name}:{UPLOADER.password}@127.0.0.1:{port}/"
        sent: list[int] = []
        upload(dist(tmp_path / "dist", large), url, progress=lambda _total: sent.append)
    assert sum(sent) == len(large.content)
    assert min(sent) < 0  # what had to be sent again
    [file] = index.page("acme-tools")["files"]
    assert file["hashes"]["sha256"] == large.sha256


class Losing(socketserver.ThreadingTCPServer):
    """A way to a server on which the first answer to each request that changes something is lost."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Dropping)
        self.port = port
        self.lost: set[bytes] = set()


class Dropping(socketserver.BaseRequestHandler):
    """One connection of a ``Losing``."""

    server: Losing

    def handle(self) -> None:
        """Forward in both directions, until one end closes or an answer comes that is to be lost."""
        loses = False
        with socket.create_connection(("127.0.0.1", self.server.port)) as server:
            ends = {self.request: server, server: self.request}
            while True:
                for source in select.select(list(ends), [], [])[0]:
                    data = source.recv(1 << 18)
                    if not data or (loses and source is server):
                        return
                    line = data.partition(b"\r\n")[0]
                    if line.startswith((b"POST ", b"DELETE ")) and line not in self.server.lost:
                        self.server.lost.add(line)
                        loses = True
                    ends[source].sendall(data)


def test_lost_answers(index: Index, tmp_path: Path) -> None:
    """Whatever request's answer is lost, the upload goes on from there, and ends well."""
    paths = dist(tmp_path / "dist", WHEEL, SDIST)
    with Losing(index.port) as way:
        thread = threading.Thread(target=way.serve_forever, args=(0.05,))
        thread.start()
        try:
            url = f"http://{UPLOADER.name}:{UPLOADER.password}@127.0.0.1:{way.server_address[1]}/"
            upload(paths, url)
        finally:
            way.shutdown()
            thread.join()
    assert len(way.lost) == 7, (
        "a session, an announcement, bytes and completion of each file, the end"
    )
    assert listed(index) == {WHEEL.filename, SDIST.filename}


# --- 300 MB, to S3 ---


def memory_peak(pid: int) -> int:
    """Bytes of memory that a process has had at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def test_large_files_to_s3(
    s3_weed: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 MB go straight to S3, killed in the middle and gone on with, and are published with the sdist.

    Nothing is to be seen before, the bytes of complete parts are sent once, and the index needs little
    memory.
    """
    bucket = s3_weed.new_bucket()
    environ = {
        "AWS_REGION": s3_weed.region,
        "AWS_ENDPOINT_URL_S3": s3_weed.url,
        "AWS_ACCESS_KEY_ID": s3_weed.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": s3_weed.credentials.secret_access_key,
    }
    users = Users(Bucket(s3_weed, bucket).open())
    users.put(UPLOADER.name, UPLOADER.password, upload=True)
    users.put(READER.name, READER.password)
    files = {f"acme_tools/{n}": random_bytes(30 * 1024 * 1024) for n in range(10)}
    large = build_wheel("acme-tools", "1.0", files=files)
    paths = dist(tmp_path / "dist", large, SDIST)
    (tmp_path / "server").mkdir()
    index = Index(tmp_path / "server", store=f"s3://{bucket}", environ=environ)
    index.start()
    try:
        [worker, *_] = [*index.workers(), index.pid]
        before = memory_peak(worker)
        killed_after(index, paths, parts=5, bucket=Bucket(s3_weed, bucket))
        assert listed(index) == set()
        starts: list[int] = []
        piece = client_session.Piece.__init__

        def counted(self: Any, path: Path, start: int, size: int, advance: Any) -> None:
            if path.name == large.filename:
                starts.append(start)
            piece(self, path, start, size, advance)

        monkeypatch.setattr(client_session.Piece, "__init__", counted)
        send(index, *paths)
        assert 0 not in starts
        assert len(starts) <= 14
        assert listed(index) == {large.filename, SDIST.filename}
        assert memory_peak(worker) - before < 200 * 1024 * 1024
    finally:
        index.kill()
    stored = Bucket(s3_weed, bucket).open().head(f"packages/acme-tools/{large.filename}")
    assert stored.size == len(large.content) > 300_000_000


def killed_after(index: Index, paths: list[Path], parts: int, bucket: Bucket) -> None:
    """Begin an upload in a process of its own, and kill it once so many parts are there."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "wheelyard",
            "upload",
            "--index-url",
            index.simple_url(),
            *map(str, paths),
        ],
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    client = bucket.server.client()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for each in client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []):
            found = client.list_parts(
                Bucket=bucket.name, Key=each["Key"], UploadId=each["UploadId"]
            )
            if len(found.get("Parts", [])) >= parts:
                process.send_signal(signal.SIGKILL)
        if process.poll() is not None:
            break
        time.sleep(0.02)
    assert process.wait(10) == -signal.SIGKILL, "it was done before it was killed"


# --- straight into the store ---


def test_to_a_directory(tmp_path: Path) -> None:
    """Into a store the same files go by the same rules, each release at once."""
    store = DirectoryStore(tmp_path / "store")
    files = dist(tmp_path / "dist", WHEEL, SDIST, KIT)
    assert all(each.published for each in upload_to_store(files, store))
    assert not any(each.published for each in upload_to_store(files, store))
    assert not list(store.list("uploads/"))
    with pytest.raises(InvalidUpload):
        upload_to_store(dist(tmp_path / "dist", OTHER), store)
    upload_to_store(dist(tmp_path / "dist", OTHER), store, existing=Existing.FORCE)
    stored = store.get(f"packages/acme-tools/{OTHER.filename}").body
    assert stored == OTHER.content
    bad = dist(tmp_path / "bad", build_sdist("acme-kit", "2.0")._replace(content=b"x"))
    with pytest.raises(WheelyardError, match="not a valid sdist"):
        upload_to_store(bad, store)


def test_to_s3_by_the_command_line(
    s3_moto: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command takes bucket, prefix, region, endpoint, profile and encryption as options."""
    bucket = s3_moto.new_bucket()
    (tmp_path / "credentials").write_text(
        "[release]\naws_access_key_id = moto\naws_secret_access_key = secret\n"
    )
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    [wheel] = dist(tmp_path / "dist", WHEEL)
    arguments = [
        "upload", str(wheel), "--store", f"s3://{bucket}", "--prefix", "acme/index",
        "--profile", "release", "--region", s3_moto.region, "--s3-endpoint-url", s3_moto.url,
        "--sse", "aws:kms", "--sse-kms-key-id", "alias/acme",
    ]  # fmt: skip
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{WHEEL.filename}: published\n"
    key = f"acme/index/packages/acme-tools/{WHEEL.filename}"
    head = s3_moto.client().head_object(Bucket=bucket, Key=key)
    assert head["ServerSideEncryption"] == "aws:kms"
    again = CliRunner().invoke(cli, [*arguments, "--strict"])
    assert isinstance(again.exception, InvalidUpload)


def test_unsigned_requests(
    s3_moto: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without credentials a bucket that is open to all can still be written to."""
    bucket = s3_moto.new_bucket()
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    s3_moto.client().put_bucket_policy(Bucket=bucket, Policy=policy)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    [wheel] = dist(tmp_path / "dist", WHEEL)
    arguments = ["upload", str(wheel), "--store", f"s3://{bucket}", "--no-sign-request"]
    done = CliRunner().invoke(cli, [*arguments, "--s3-endpoint-url", s3_moto.url])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("straight", [False, True], ids=["to the index", "to the store"])
def test_signatures(index: Index, tmp_path: Path, straight: bool) -> None:
    """A signature that is given with its file is sent with it, as twine does; one that is not, is not."""
    files = dist(tmp_path / "dist", WHEEL, SDIST)
    signatures = [path.with_name(f"{path.name}.asc") for path in files]
    for path in signatures:
        path.write_bytes(SIGNATURE)
    given = [*files, signatures[0]]
    if straight:
        upload_to_store(given, DirectoryStore(index.store))
    else:
        send(index, *given)
    signed = {file["filename"]: file.get("gpg-sig") for file in index.page("acme-tools")["files"]}
    assert signed == {WHEEL.filename: True, SDIST.filename: None}
    answer = index.request("GET", f"/simple/acme-tools/{WHEEL.filename}.asc", READER)
    assert answer.body == SIGNATURE


def test_a_failed_upload_to_the_store(tmp_path: Path) -> None:
    """What could not be published straight into a store leaves nothing there, and nobody in the way."""
    broken = WHEEL._replace(content=b"no wheel")
    store = DirectoryStore(tmp_path / "store")
    with pytest.raises(InvalidArchive):
        upload_to_store(dist(tmp_path / "dist", SDIST, broken), store)
    assert not list(store.list(keys.UPLOADED))
    assert not list(store.list(keys.PACKAGES))
    left = current_session(store, NAME, "1")
    assert left is not None
    assert left.status == "canceled"


def test_staging(index: Index, tmp_path: Path) -> None:
    """A staged release is at an address of its own, and published when it is sent again."""
    files = [str(path) for path in dist(tmp_path / "dist", WHEEL, SDIST)]
    arguments = ["upload", *files, "--index-url", index.simple_url(UPLOADER)]
    staged = CliRunner().invoke(cli, [*arguments, "--stage"])
    assert staged.exit_code == 0, staged.output
    address, *said = staged.stdout.splitlines()
    assert said == [f"{WHEEL.filename}: staged", f"{SDIST.filename}: staged"]
    assert listed(index) == set()
    path = address.removeprefix("staged at ").partition("/upload/")[2]
    page = index.request("GET", f"/upload/{path}acme-tools/", READER)
    assert WHEEL.filename in page.body.decode()
    done = CliRunner().invoke(cli, arguments)
    assert done.stdout.splitlines()[0] == f"{WHEEL.filename}: published"
    assert listed(index) == {WHEEL.filename, SDIST.filename}
    assert index.request("GET", f"/upload/{path}", READER).status == 404


def test_the_command_line(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command says what became of each file; credentials may come from the environment."""
    [wheel] = dist(tmp_path / "dist", WHEEL)
    monkeypatch.setenv("TWINE_USERNAME", UPLOADER.name)
    monkeypatch.setenv("TWINE_PASSWORD", UPLOADER.password)
    arguments = ["upload", str(wheel), "--index-url", index.upload_url]
    done = [CliRunner().invoke(cli, arguments) for _ in range(2)]
    assert [run.stdout for run in done] == [
        f"{WHEEL.filename}: published\n",
        f"{WHEEL.filename}: was published before\n",
    ]
    for wrong in (
        ["upload", str(wheel)],
        [*arguments, "--store", "x"],
        [*arguments, "--strict", "--force"],
        ["upload", str(wheel), "--store", "x", "--stage"],
    ):
        assert CliRunner().invoke(cli, wrong).exit_code == 2
