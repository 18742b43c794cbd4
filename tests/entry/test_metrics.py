"""metrics: what the functions count, as CloudWatch reads it."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

import lambdas
from distributions import build_wheel
from servers import S3Server
from upstream import Upstream
from wheelyard.access.users import Users
from wheelyard.entry.functions import http_handler
from wheelyard.metrics import label
from wheelyard.storage.opening import open_bucket

FUNCTION = "wheelyard-RequestFunction-A1B2C3"


@pytest.fixture
def environ(s3_moto: S3Server) -> Iterator[dict[str, str]]:
    """A function's environment, with a bucket that knows one user, who may upload."""
    environ = lambdas.environment(s3_moto, s3_moto.new_bucket(), AWS_LAMBDA_FUNCTION_NAME=FUNCTION)
    Users(open_bucket(environ, 900)).put("alice", "hunter2", upload=True)
    yield environ
    label("")


def counted(records: list[logging.LogRecord]) -> list[tuple[str, str]]:
    """The metrics in the log lines with their last dimension's value, each checked against the format.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    found = []
    for record in records:
        line = vars(record)
        if "_aws" not in line:
            continue
        assert record.levelno == logging.WARNING
        assert isinstance(line["_aws"]["Timestamp"], int)
        (definition,) = line["_aws"]["CloudWatchMetrics"]
        assert definition["Namespace"] == "Wheelyard"
        (whole, parts) = definition["Dimensions"]
        assert whole == ["FunctionName"]
        assert parts[:1] == whole
        assert line["FunctionName"] == FUNCTION
        for metric in definition["Metrics"]:
            assert metric["Unit"] == "Count"
            assert line[metric["Name"]] == 1
            found.append((metric["Name"], line[parts[-1]]))
    return found


def test_uploads_and_downloads(environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """Uploads, downloads and refused credentials are counted, once each; pages and HEADs are not."""
    upload, read = http_handler(environ, uploads=True), http_handler(environ, uploads=False)
    wheel = build_wheel("acme-rocket", "1.0")
    with caplog.at_level("WARNING", "wheelyard"):
        for _ in range(2):
            upload(lambdas.upload("acme-rocket", wheel, "alice", "hunter2"), None)
        file = lambdas.get(f"/simple/acme-rocket/{wheel.filename}", "alice", "hunter2")
        read(file, None)
        head: dict[str, Any] = {**file, "requestContext": {"http": {"method": "HEAD"}}}
        read(head, None)
        read(lambdas.get("/simple/acme-rocket/", "alice", "hunter2"), None)
        read(lambdas.get("/simple/acme-rocket/", "alice", "wrong"), None)
    assert counted(caplog.records) == [
        ("Uploads", "created"),
        ("Uploads", "same"),
        ("Downloads", "private file"),
        ("AuthenticationFailures", "wrong password"),
    ]


def test_mirror(
    environ: dict[str, str], upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """What upstream was asked for is a miss, what was stored is a hit, pages and files alike."""
    wheel = build_wheel("rocket", "1.0")
    upstream.add(wheel)
    settings = {"UPSTREAM_INDEX_URL": upstream.index, "UPSTREAM_UNKNOWN": "ask"}
    read = http_handler(environ | settings, uploads=False)
    with caplog.at_level("WARNING", "wheelyard"):
        for _ in range(2):
            path = f"/simple/rocket/{wheel.filename}"
            assert read(lambdas.get(path, "alice", "hunter2"), None)["statusCode"] == 302
    assert counted(caplog.records) == [
        ("MirrorMisses", "page"),
        ("Downloads", "mirrored file"),
        ("MirrorMisses", "mirrored file"),
        ("MirrorHits", "page"),
        ("Downloads", "mirrored file"),
        ("MirrorHits", "mirrored file"),
    ]


def test_elsewhere(environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """A process that is no function counts nothing at the levels that people run it with."""
    read = http_handler(environ | {"AWS_LAMBDA_FUNCTION_NAME": ""}, uploads=True)
    with caplog.at_level("INFO", "wheelyard"):
        read(
            lambdas.upload("acme-rocket", build_wheel("acme-rocket", "1.0"), "alice", "hunter2"),
            None,
        )
    assert [
        record.getMessage() for record in caplog.records if record.name == "wheelyard.metrics"
    ] == []
