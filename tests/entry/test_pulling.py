"""Large upstream files on Lambda: handed over by the request function, fetched by the pull function."""

import json
from typing import Any

import pytest

import lambdas
from distributions import build_wheel
from indexes import random_bytes
from sample_events import FOLDER
from servers import S3Server
from upstream import Answer, Upstream
from wheelyard.access.users import Users
from wheelyard.entry.functions import http_handler
from wheelyard.entry.pulling import pull_handler
from wheelyard.errors import InvalidPayload, UpstreamMismatch
from wheelyard.storage.opening import open_bucket

LARGE = build_wheel("demo", "1.0", files={"demo/data": random_bytes(9_000_000)})
SMALL = build_wheel("demo", "2.0")
ORDER = {"project": "demo", "filename": LARGE.filename}
INVOKED = "/2015-03-31/functions/pull/invocations"


@pytest.fixture
def environ(
    s3_moto: S3Server, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """A function's environment, in front of ``upstream``, which is told of invocations as well."""
    for name, value in (
        ("AWS_ENDPOINT_URL_LAMBDA", upstream.url),
        ("AWS_DEFAULT_REGION", s3_moto.region),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ):
        monkeypatch.setenv(name, value)
    upstream.answer(INVOKED, Answer(202), always=True)
    upstream.add(LARGE)
    upstream.add(SMALL)
    environ = lambdas.environment(
        s3_moto,
        s3_moto.new_bucket(),
        UPSTREAM_INDEX_URL=upstream.index,
        UPSTREAM_REDIRECT_SIZE="1000000",
        PULL_FUNCTION="pull",
    )
    Users(open_bucket(environ, 900)).put("alice", "hunter2", upload=True)
    return environ


def file(filename: str) -> dict[str, Any]:
    """A reader's event."""
    return lambdas.get(f"/simple/demo/{filename}", "alice", "hunter2")


def test_handed_over_and_pulled(environ: dict[str, str], upstream: Upstream) -> None:
    """A large file is had from upstream first, pulled once, and from then on had from S3."""
    handle = http_handler(environ, uploads=False)
    for _ in range(2):
        answer = handle(file(LARGE.filename), None)
        assert answer["statusCode"] == 302
        assert answer["headers"]["location"] == f"{upstream.url}/files/demo/{LARGE.filename}"
        assert answer["headers"]["cache-control"] == "no-store"
    (invoked,) = [asked for asked in upstream.asked if asked.method == "POST"]
    assert invoked.path == INVOKED
    assert invoked.headers["x-amz-invocation-type"] == "Event"
    order = json.loads(invoked.body)
    assert order == ORDER

    assert pull_handler(environ)(order, None) == {"stored": LARGE.filename}
    answer = handle(file(LARGE.filename), None)
    assert "X-Amz-Signature=" in answer["headers"]["location"]
    store = open_bucket(environ, 900)
    assert b"".join(store.read(f"mirror/files/demo/{LARGE.filename}")) == LARGE.content


def test_a_small_file_is_not_handed_over(environ: dict[str, str], upstream: Upstream) -> None:
    """What is not large is on S3 when the first answer comes."""
    answer = http_handler(environ, uploads=False)(file(SMALL.filename), None)
    assert "X-Amz-Signature=" in answer["headers"]["location"]
    assert upstream.paths("POST") == []


def test_invoking_fails(environ: dict[str, str], upstream: Upstream) -> None:
    """A client gets the file although nobody could be told to fetch it."""
    upstream.answer(INVOKED, Answer(403, b"{}"), always=True)
    assert http_handler(environ, uploads=False)(file(LARGE.filename), None)["statusCode"] == 302
    del environ["PULL_FUNCTION"]
    assert http_handler(environ, uploads=False)(file(LARGE.filename), None)["statusCode"] == 302


def test_a_wrong_file_is_reported(environ: dict[str, str], upstream: Upstream) -> None:
    """A file that is not what its page promises fails the invocation, and is not stored."""
    upstream.add(LARGE, content=b"something else")
    with pytest.raises(UpstreamMismatch):
        pull_handler(environ)(ORDER, None)
    assert list(open_bucket(environ, 900).list("mirror/files/")) == []


def test_what_became_private_is_not_pulled(environ: dict[str, str], upstream: Upstream) -> None:
    """An order for a name that is private, reserved or unknown asks upstream for no file."""
    uploaded = http_handler(environ, uploads=True)(
        lambdas.upload("demo", build_wheel("demo", "1.0"), "alice", "hunter2"), None
    )
    assert uploaded["statusCode"] == 200
    assert pull_handler(environ)(ORDER, None) == {"stored": None}
    reserved = pull_handler(environ | {"PRIVATE_NAMESPACES": "other"})
    assert reserved({"project": "other-x", "filename": "x"}, None) == {"stored": None}
    assert upstream.asked == []


def test_the_sample_event(environ: dict[str, str]) -> None:
    """The sample event is an order, for a file that this upstream does not have."""
    event = json.loads((FOLDER / "pull-file.json").read_text())
    assert pull_handler(environ)(event, None) == {"stored": None}


@pytest.mark.parametrize("event", [{}, [], "x", {"project": "../x", "filename": "y"}, None])
def test_not_an_order(environ: dict[str, str], event: object) -> None:
    """A payload that is no order is refused."""
    with pytest.raises(InvalidPayload):
        pull_handler(environ)(event, None)
