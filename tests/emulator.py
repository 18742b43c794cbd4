"""MiniStack, an AWS emulator that runs Lambda functions as processes, on a free port of loopback.

What it does not do: it enforces no IAM policy, and it ignores the bucket's public access block,
lifecycle and encryption. ``test_template`` reads those from the template.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import boto3

import secrecy
import tools

REGION = "eu-central-1"
READY_WITHIN = 60.0
"""Seconds that it has to start."""


class MiniStack(NamedTuple):
    """A running emulator."""

    port: int

    @property
    def endpoint(self) -> str:
        """What ``AWS_ENDPOINT_URL`` is, for sam, boto3 and the functions."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point an AWS client at it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def reachable(self, address: str) -> str:
        """The address under which a Function URL or an API of AWS's form answers here.

        It says ``localhost`` where S3's says ``127.0.0.1``: another host, as on AWS, so clients leave
        the credentials out when they are redirected to S3.
        """
        url = urlsplit(address)
        identifier, _, kind = (url.hostname or "").partition(".")
        service = "execute-api" if kind.startswith("execute-api.") else "lambda-url"
        return f"http://localhost:{self.port}/_aws/{service}/{identifier}{url.path}"


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[MiniStack]:
    """Start it with its files in ``folder``, and stop it. Functions see ``environment`` too."""
    emulator = MiniStack(_free_port())
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [tools.tool("ministack")],
            # The functions inherit this environment, so it is as bare as Lambda's.
            env={
                "PATH": tools.search_path(),
                "HOME": str(folder),
                "TMPDIR": str(folder),
                "S3_DATA_DIR": str(folder / "s3"),
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(emulator.port),
                "MINISTACK_REGION": REGION,
                # What Lambda's runtime calls a variable by which libraries know where they run.
                "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            }
            | environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, emulator, folder / "log")
        yield emulator
        secrecy.tell(function_logs(emulator))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def function_logs(emulator: MiniStack) -> str:
    """What the functions of the account have printed, tracebacks included.

    Here they have no handler for their log lines, as Lambda's runtime has: those are collected where a
    function is called within a test.
    """
    session = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION
    )
    logs = session.client("logs", endpoint_url=emulator.endpoint)
    groups = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/lambda/")
    pages = [
        page
        for found in groups
        for group in found["logGroups"]
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group["logGroupName"]
        )
    ]
    return "\n".join(event["message"] for page in pages for event in page["events"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", emulator: MiniStack, log: Path) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(f"{emulator.endpoint}/_ministack/health", timeout=5):  # noqa: S310 (http)
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"MiniStack did not start:\n{log.read_text()}")
