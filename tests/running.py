"""The index as users run it: ``wheelyard serve``, a process on a free port of loopback over a directory.

Two users are there before the first start: one who uploads and one who only reads.
"""

import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import forms
import secrecy
from distributions import BuiltDistribution
from wheelyard.access.users import Users
from wheelyard.storage.directory import DirectoryStore

PACKAGE = Path(__file__).parent.parent / "layers/wheelyard"

READY_WITHIN = 30.0
"""Seconds that the server has to answer, and to stop; it takes less than one, but not on a busy machine."""

START_ATTEMPTS = 3
"""A port that was free may be taken by another process before the server has it."""


class Account(NamedTuple):
    """Somebody's credentials, on the client's side."""

    name: str
    password: str

    @property
    def authorization(self) -> str:
        """The header's value (RFC 7617)."""
        return "Basic " + b64encode(f"{self.name}:{self.password}".encode()).decode()


UPLOADER = Account("uploader", "Upl0ad-pass-4711")
READER = Account("reader", "Read0nly-pass-0815")
STRANGER = Account("uploader", "wrong-pass-1234")


class Answer(NamedTuple):
    """An HTTP answer as it came over the socket: no redirect followed, nothing decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Index:
    """``wheelyard serve`` over ``store``, started and stopped as often as a test likes."""

    def __init__(
        self,
        folder: Path,
        *,
        store: str | None = None,
        environ: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        certificate: Path | None = None,
    ) -> None:
        """``folder`` takes the logs and, unless ``store`` says another place, what is stored.

        ``environ`` has further variables for the server, ``options`` further ones of its command line.
        With ``certificate``, a file of it and its key, it serves HTTPS.
        """
        self.folder = folder
        self.location = store or str(folder / "store")
        self.out = folder / "server.out"
        self.log = folder / "server.log"
        self.port = 0
        self._environ = dict(environ or {})
        self._options = [*options, *(["--tls-cert", str(certificate)] if certificate else [])]
        self._certificate = certificate
        self._scheme = "https" if certificate else "http"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def store(self) -> Path:
        """The directory of what is stored."""
        return Path(self.location)

    @property
    def url(self) -> str:
        """The origin, with a slash at its end."""
        return f"{self._scheme}://127.0.0.1:{self.port}/"

    @property
    def upload_url(self) -> str:
        """Where twine and its like post."""
        return f"{self.url}legacy/"

    def simple_url(self, account: Account | None = UPLOADER) -> str:
        """The index URL, with the credentials of ``account`` in it."""
        user = f"{account.name}:{account.password}@" if account else ""
        return f"{self._scheme}://{user}127.0.0.1:{self.port}/simple/"

    @property
    def pid(self) -> int:
        """The process that was started; the ones that answer requests are its children."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it was started and neither stopped nor killed."""
        return self._process is not None

    def start(self) -> None:
        """Start, on a port that is free, and wait until it answers."""
        for _ in range(START_ATTEMPTS):
            self.port = free_port()
            self._process = self.spawn("--port", str(self.port), *self._options)
            if self._answers():
                return
            self.kill()
        raise RuntimeError(f"the server did not start:\n{self.printed()}\n{self.log_text()}")

    def spawn(self, *options: str) -> "subprocess.Popen[bytes]":
        """The command as a process of its own group, with nobody waiting for it."""
        with self.out.open("ab") as out, self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "wheelyard", "serve", "--store", self.location, *options],
                cwd=self.folder,
                env=environment() | self._environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + READY_WITHIN
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                return self.request("GET", "/-/health").status == 200
            except OSError:
                time.sleep(0.02)
        return False

    def wait_until_ready(self) -> None:
        """Return when the server answers."""
        assert self._answers(), f"the server does not answer:\n{self.log_text()}"

    def wait_until(self, comes_true: Callable[[], bool]) -> None:
        """Return when something that the server does has happened."""
        deadline = time.monotonic() + READY_WITHIN
        while not comes_true():
            assert time.monotonic() < deadline, f"it does not happen:\n{self.log_text()}"
            time.sleep(0.01)

    def wait_until_closed(self) -> None:
        """Return when the server takes no more connections."""
        self.wait_until(lambda: not self._listens())

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGTERM, *, group: bool = False) -> int:
        """Ask the server to stop and wait until it has; returns its exit status.

        With ``group`` its children are signalled as well, as a terminal does it.
        """
        assert self._process is not None, "the server was not started"
        if group:
            os.killpg(self._process.pid, how)
        else:
            self._process.send_signal(how)
        return self.wait()

    def wait(self) -> int:
        """Wait until the server, told to stop, has stopped; returns its exit status."""
        assert self._process is not None, "the server was not started"
        try:
            return self._process.wait(READY_WITHIN)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the server does not stop:\n{self.log_text()}") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """End the server and its children at once, as a power cut would; one that is gone stays gone."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        secrecy.tell(self.log_text())

    def request(
        self,
        method: str,
        path: str,
        account: Account | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """One request on a connection of its own. ``path`` is sent as it is."""
        with self.open(method, path, account, headers, body) as answer:
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        account: Account | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """One request whose answer is read within the block."""
        authorization = {"Authorization": account.authorization} if account else {}
        connection = self._connection()
        try:
            connection.request(method, path, body, {**authorization, **(headers or {})})
            yield connection.getresponse()
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._certificate is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        context = ssl.create_default_context(cafile=self._certificate)
        # The certificate itself is what is trusted, not who signed it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)

    def upload(self, file: BuiltDistribution, account: Account | None = UPLOADER) -> Answer:
        """Send the legacy form for a file."""
        headers = {"Content-Type": forms.CONTENT_TYPE}
        return self.request("POST", "/legacy/", account, headers, forms.encode(forms.parts(file)))

    def publish(self, *files: BuiltDistribution) -> None:
        """Have the files in the index."""
        for file in files:
            answer = self.upload(file)
            assert answer.status == 200, answer

    def page(self, project: str, account: Account = READER) -> Any:
        """A project's page in JSON."""
        answer = self.request(
            "GET", f"/simple/{project}/", account, {"Accept": "application/vnd.pypi.simple.v1+json"}
        )
        assert answer.status == 200, answer
        return answer.json()

    def edit_page(self, project: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """Change a project's stored document, as someone with access to the store may."""
        store, key = DirectoryStore(self.store), f"projects/{project}.json"
        stored = store.get(key)
        document = json.loads(stored.body)
        edit(document)
        store.replace(key, json.dumps(document).encode(), stored.etag)

    def printed(self) -> str:
        """What the server said to the person who started it."""
        return self.out.read_text()

    def log_text(self) -> str:
        """The whole log."""
        return self.log.read_text()

    def log_lines(self) -> list[dict[str, Any]]:
        """The log, line by line; each is JSON."""
        return [json.loads(line) for line in self.log_text().splitlines()]

    def requests(self) -> list[dict[str, Any]]:
        """The log's lines of all requests so far: a line is written just after the answer was sent."""
        marker = f"/-/marker-{secrets.token_hex(8)}"
        self.request("GET", marker)
        self.wait_until(lambda: marker in self.log_text())
        lines = [line for line in self.log_lines() if "path" in line]
        return [line for line in lines if not line["path"].startswith("/-/")]

    def workers(self) -> list[int]:
        """The processes that answer requests."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        # Beside them there is multiprocessing's resource tracker.
        return [int(pid) for pid in children if b"spawn_main" in _command(pid)]


def add_users(store: Path) -> None:
    """Have ``UPLOADER`` and ``READER`` among the users of the store."""
    users = Users(DirectoryStore(store))
    users.put(UPLOADER.name, UPLOADER.password, upload=True)
    users.put(READER.name, READER.password)


@contextmanager
def running(
    folder: Path,
    environ: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    certificate: Path | None = None,
) -> Iterator[Index]:
    """A server over a new store in ``folder``; asserts that it stops cleanly in the end."""
    index = Index(folder, environ=environ, options=options, certificate=certificate)
    add_users(index.store)
    index.start()
    try:
        yield index
        assert not index.runs or index.stop() == 0, index.log_text()
        index.log_lines()
    finally:
        index.kill()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def environment() -> dict[str, str]:
    """What the server's process needs of this one's environment, without anybody's settings."""
    needed = ("PATH", "HOME", "LANG", "TMPDIR")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in needed or name.startswith("COVERAGE_")
    }
    return kept | {"PYTHONPATH": str(PACKAGE), "UPSTREAM_INDEX_URL": "none"}


def _command(pid: str) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
