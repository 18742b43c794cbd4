"""S3 servers on loopback, for the tests: moto inside this process, SeaweedFS beside it.

moto knows the whole of S3's vocabulary; SeaweedFS checks signatures and their expiry, and stores large
files as a server does. Both start in about a second, on ports that are free, and keep what they hold
only as long as they run.
"""

import json
import secrets
import socket
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from wheelyard.storage.presign import Credentials

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from mypy_boto3_s3 import S3Client

READY_WITHIN = 30.0
"""Seconds that a server has to answer; it takes one or two even on a busy machine."""

START_ATTEMPTS = 3
"""A port that was free may be taken by another process before the server has it."""


class S3Server(NamedTuple):
    """A running S3: where it is, and how to sign for it."""

    url: str
    region: str
    credentials: Credentials

    def client(self) -> "S3Client":
        """A boto3 client: what the tests look at the server with, independently of this project."""
        return _client(self)

    def new_bucket(self) -> str:
        """The name of a bucket that was just made and that nobody else uses."""
        name = f"bucket-{secrets.token_hex(8)}"
        self.client().create_bucket(Bucket=name)
        return name


@lru_cache
def _client(server: S3Server) -> "S3Client":
    return boto3.session.Session().client(
        "s3",
        endpoint_url=server.url,
        region_name=server.region,
        aws_access_key_id=server.credentials.access_key_id,
        aws_secret_access_key=server.credentials.secret_access_key,
        aws_session_token=server.credentials.session_token,
        config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"),
    )


class Request(NamedTuple):
    """A request as the server saw it; header names in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


class Recorder:
    """What a server was asked; and, by ``refuse``, which requests it answers with an error instead."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refuse: Callable[[Request], int | None] = lambda _request: None

    def __call__(self, environ: "WSGIEnvironment") -> int | None:
        """Note the request; the status to refuse it with, or None."""
        request = Request(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            environ["QUERY_STRING"],
            {
                name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
                for name, value in environ.items()
                if name.startswith("HTTP_")
            },
        )
        self.requests.append(request)
        return self.refuse(request)


class _Quiet(MotoRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def moto_server(
    recorder: Recorder | None = None,
    before: "Callable[[WSGIApplication], WSGIApplication] | None" = None,
) -> Iterator[S3Server]:
    """moto in a thread. It takes any credentials, but handles one request at a time, as S3 seems to.

    Without that, moto looks and writes in two steps, and two conditional writes can both win. ``before``
    puts something in front of it.
    """
    application = DomainDispatcherApplication(create_backend_app)
    one_at_a_time = threading.Lock()

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        refused = recorder(environ) if recorder else None
        if refused is not None:
            start_response(f"{refused} Refused", [("content-length", "0")])
            return []
        with one_at_a_time:
            return list(application(environ, start_response))

    handling = before(serve) if before else serve
    server = make_server("127.0.0.1", 0, handling, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield S3Server(
            f"http://127.0.0.1:{server.server_port}",
            "us-east-1",
            Credentials("moto", "moto-secret"),
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def weed_server(folder: Path) -> Iterator[S3Server]:
    """SeaweedFS as a process with its data below ``folder``; it knows one access key, made for it."""
    credentials = Credentials("AKIDWEED", secrets.token_hex(20))
    process, ports = _start_weed(folder, credentials)
    try:
        yield _weed(ports, credentials)
    finally:
        _stop_weed(process, ports)


def _start_weed(
    folder: Path, credentials: Credentials
) -> tuple["subprocess.Popen[bytes]", dict[str, int]]:
    for attempt in range(START_ATTEMPTS):
        ports = _free_ports(_WEED_PORTS)
        process = _run_weed(folder / str(attempt), credentials, ports)
        if _answers(_weed(ports, credentials), process):
            return process, ports
        _stop_weed(process, ports)
    logs = [log.read_text(errors="replace") for log in sorted(folder.glob("*/weed.log"))]
    raise RuntimeError("SeaweedFS did not start:\n" + "\n".join(logs))


_ADMIN_GRPC = 10_000
"""SeaweedFS' own worker looks for the administration's second port this far from the first."""

_WEED_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
    "admin.port",
)


def _run_weed(
    folder: Path, credentials: Credentials, ports: dict[str, int]
) -> "subprocess.Popen[bytes]":
    data = folder / "data"
    data.mkdir(parents=True)
    key = {"accessKey": credentials.access_key_id, "secretKey": credentials.secret_access_key}
    identity = {"name": "tests", "credentials": [key], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    options = {
        "dir": data,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.telemetry": "false",
        # Every bucket has volumes of its own, and the tests make many buckets.
        "volume.max": 10_000,
        "webdav": "false",
        "admin.ui": "false",
        "admin.port.grpc": ports["admin.port"] + _ADMIN_GRPC,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": folder / "s3.json",
        "s3.localSocket": folder / "s3.sock",
        "filer.localSocket": folder / "filer.sock",
        "s3.autoCreateBucket": "false",
        **ports,
    }
    with (folder / "weed.log").open("wb") as log:
        return subprocess.Popen(
            [
                Path(sysconfig.get_path("scripts"), "weed"),
                "mini",
                *(f"-{name}={value}" for name, value in options.items()),
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _weed(ports: dict[str, int], credentials: Credentials) -> S3Server:
    return S3Server(f"http://127.0.0.1:{ports['s3.port']}", "us-east-1", credentials)


def _stop_weed(process: "subprocess.Popen[bytes]", ports: dict[str, int]) -> None:
    # Killed, because leaving in good order takes it four seconds and there is nothing to save.
    process.kill()
    process.wait()
    for port in (*ports.values(), ports["admin.port"] + _ADMIN_GRPC):
        for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108  # its choice
            left.unlink(missing_ok=True)


def _answers(server: S3Server, process: "subprocess.Popen[bytes]") -> bool:
    """Whether ``server`` takes a write before its time is over; its listener is up before the rest."""
    deadline = time.monotonic() + READY_WITHIN
    client = server.client()
    while process.poll() is None and time.monotonic() < deadline:
        try:
            client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="ready", Body=b"ready")
        except (BotoCoreError, ClientError):
            time.sleep(0.1)
        else:
            return True
    return False


def _free_ports(names: Iterable[str]) -> dict[str, int]:
    """A port for each name, all different: every one is held until the last is known."""
    with ExitStack() as held:
        return {name: _hold_port(held, second=name == "admin.port") for name in names}


def _hold_port(held: ExitStack, *, second: bool) -> int:
    """A free port; with ``second``, the one that is ``_ADMIN_GRPC`` higher is free as well."""
    while True:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
        try:
            if second:
                held.enter_context(socket.socket()).bind(("127.0.0.1", port + _ADMIN_GRPC))
        except (OSError, OverflowError):
            continue
        return port
