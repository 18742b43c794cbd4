"""The lines that the one-machine server writes of requests."""

import io
import json
import logging
from datetime import UTC, datetime

import pytest

from wheelyard.entry.http import Request, Response
from wheelyard.entry.logs import JsonFormatter, RequestLog, log_request

FULL = Request(
    "GET",
    "/simple/acme-\u00fc \ud800/",
    "secret=1",
    {"user-agent": "pip/26.3" * 100, "authorization": "Basic c2VjcmV0"},
    client="192.0.2.1",
    id="0123",
)


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (FULL, Response(200, (("content-length", "12"),), b"", "alice")),
        (Request("HEAD", "/", "", {}), Response(404, ())),
    ],
)
def test_the_same_line_either_way(
    request_: Request, response: Response, caplog: pytest.LogCaptureFixture
) -> None:
    """A request's line is the one that the logging package would write, to the last field."""
    stream = io.StringIO()
    before = datetime.now(UTC)
    RequestLog(stream)(request_, response, 0.0123)
    with caplog.at_level(logging.INFO):
        log_request(request_, response, 0.0123)
    (text,) = stream.getvalue().splitlines()
    line, usual = json.loads(text), json.loads(JsonFormatter().format(caplog.records[-1]))
    times = [datetime.fromisoformat(each.pop("timestamp")) for each in (line, usual)]
    assert line == usual
    assert (times[0] - before).total_seconds() > -0.001
    assert times[0] <= times[1]


def test_times_of_day() -> None:
    """Every line has its own time, to the millisecond, and times do not go back."""
    stream = io.StringIO()
    log = RequestLog(stream)
    for _ in range(50):
        log(FULL, Response(200, ()), 0)
    stamps = [json.loads(line)["timestamp"] for line in stream.getvalue().splitlines()]
    assert stamps == sorted(stamps)
    assert {len(stamp) for stamp in stamps} == {len("2026-11-22T12:34:56.789+00:00")}


class Full(io.StringIO):
    """A disk without room."""

    def write(self, text: str) -> int:
        raise OSError(28, f"no space left for {len(text)} characters")


def test_a_log_that_cannot_be_written() -> None:
    """A log that takes no more lines stops no request from being answered."""
    RequestLog(Full())(FULL, Response(200, ()), 0)
    closed = io.StringIO()
    closed.close()
    RequestLog(closed)(FULL, Response(200, ()), 0)
