"""Files put straight into the deployed bucket."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import clients
from clients import PUBLISHER
from distributions import build_wheel
from stack import Stack
from wheelyard.protocol.names import project_name
from wheelyard.publish.session import Session, SessionFile, dump_session
from wheelyard.publish.withdrawals import Withdrawals
from wheelyard.storage.opening import open_bucket

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]

WITHIN = 60.0
"""Seconds in which an event has to have its effect."""

WHEEL = build_wheel("acme-dropped", "1.0", requires_python=">=3.9")
KEY = f"packages/acme-dropped/{WHEEL.filename}"


@pytest.fixture(scope="module")
def s3(stack: Stack) -> Any:
    """A client of the owner's; a user who reads is there."""
    user = {"username": PUBLISHER.name, "password": PUBLISHER.password, "upload": True}
    stack.administer({"putUser": user})
    return stack.client("s3")


@pytest.fixture
def dropped(stack: Stack, s3: Any) -> Iterator[None]:
    """A wheel that was put into the bucket, and is taken away afterwards."""
    s3.put_object(Bucket=stack.bucket, Key=KEY, Body=WHEEL.content)
    yield
    s3.delete_object(Bucket=stack.bucket, Key=KEY)


@pytest.mark.usefixtures("dropped")
def test_dropped_and_removed(stack: Stack, s3: Any) -> None:
    """A file that is dropped into the bucket appears in the index; removed, it disappears."""
    eventually(lambda: listed(stack) == [WHEEL.filename])
    answer = clients.get(f"{stack.index_url}acme-dropped/{WHEEL.filename}.metadata", PUBLISHER)
    assert b"Requires-Python: >=3.9" in answer.body
    s3.delete_object(Bucket=stack.bucket, Key=KEY)
    eventually(lambda: listed(stack) == [])


def test_unfit(stack: Stack, s3: Any) -> None:
    """What is no distribution is moved aside with a report, and the index knows nothing of it."""
    key = "packages/acme-unfit/acme_unfit-1.0-py3-none-any.whl"
    s3.put_object(Bucket=stack.bucket, Key=key, Body=b"no wheel")
    eventually(lambda: not keys(stack, s3, "packages/acme-unfit/"))
    aside = keys(stack, s3, "rejected/")
    (report,) = [
        name for name in aside if name.endswith("acme_unfit-1.0-py3-none-any.whl.report.json")
    ]
    body = json.load(s3.get_object(Bucket=stack.bucket, Key=report)["Body"])
    assert "not a valid wheel" in body["reason"]
    assert clients.get(f"{stack.index_url}acme-unfit/", PUBLISHER).status == 404


def test_withdrawn(stack: Stack, s3: Any) -> None:
    """What a session stored and could not publish is taken away when an order for it comes."""
    wheel = build_wheel("acme-withdrawn", "1.0")
    file = SessionFile(wheel.filename, len(wheel.content), {"sha256": wheel.sha256}, "", "")
    name = project_name("acme-withdrawn")
    publishing = Session("0" * 32, "ann", name, "1", 0, 0, "processing", (file,))
    key = f"packages/acme-withdrawn/{wheel.filename}"
    for path, body in (
        ("sessions/acme-withdrawn/1.json", dump_session(publishing)),
        (key, wheel.content),
    ):
        s3.put_object(Bucket=stack.bucket, Key=path, Body=body)
    aws = stack.emulator.environment
    environ = {**aws, "AWS_REGION": aws["AWS_DEFAULT_REGION"], "BUCKET": stack.bucket}
    store = open_bucket(environ, 60)
    assert store.exists(key)
    Withdrawals(store).order(name, wheel.filename, store.head(key))
    eventually(lambda: not keys(stack, s3, "withdrawn/"))
    assert not keys(stack, s3, "packages/acme-withdrawn/")
    assert clients.get(f"{stack.index_url}acme-withdrawn/", PUBLISHER).status == 404


def listed(stack: Stack) -> list[str]:
    """The files on the project's page."""
    accept = "application/vnd.pypi.simple.v1+json"
    answer = clients.get(f"{stack.index_url}acme-dropped/", PUBLISHER, accept=accept)
    if answer.status == 404:
        return ["no page"]
    return [file["filename"] for file in json.loads(answer.body)["files"]]


def keys(stack: Stack, s3: Any, prefix: str) -> list[str]:
    """The keys below a prefix."""
    found = s3.list_objects_v2(Bucket=stack.bucket, Prefix=prefix)
    return [item["Key"] for item in found.get("Contents", [])]


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it does."""
    deadline = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < deadline, "the event had no effect"
        time.sleep(0.2)
