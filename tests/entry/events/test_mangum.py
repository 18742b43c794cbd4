"""A second opinion on requests: Mangum, an adapter of Lambda events to ASGI that many use."""

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from mangum import Mangum

from fronts import FRONTS
from fronts.meaning import Meaning, listed, parameters
from fronts.wire import Event, Sent
from requests_of_clients import SENT
from wheelyard.entry.events import to_request

CONTEXT = SimpleNamespace(aws_request_id="0c4d2f5a-9b1e-4a7c-8a53-6d2b1f0e9c44")


class Difference(NamedTuple):
    """Where Mangum says otherwise: the fields, the fronts, the requests, and who is right why."""

    fields: frozenset[str]
    fronts: tuple[str, ...]
    requests: tuple[str, ...]
    reason: str


def _differ(fields: str, fronts: str, requests: tuple[str, ...], reason: str) -> Difference:
    return Difference(frozenset(fields.split()), tuple(fronts.split()), requests, reason)


ALL = tuple(SENT)
ENCODED = (
    "encoded plus",
    "space",
    "unicode",
    "not UTF-8",
    "unnormalised file",
    "encoded percent",
    "encoded slash",
    "encoded unreserved",
    "hatch",
)
DIFFERENCES = (
    _differ(
        "path",
        "http-api-2.0 http-api-1.0",
        ("encoded percent",),
        "An HTTP API gives the path decoded. Mangum decodes it once more: %252B becomes a plus.",
    ),
    _differ(
        "path",
        "http-api-2.0-stage http-api-1.0-stage http-api-2.0-domain",
        ALL,
        "An HTTP API gives the path with the stage, which is no part of ours. Mangum leaves it there.",
    ),
    _differ(
        "path",
        "edge-viewer edge-origin",
        ENCODED,
        "CloudFront gives the path encoded, and ASGI's is decoded. Mangum passes it on as it is.",
    ),
    _differ(
        "headers",
        "edge-viewer edge-origin",
        ("repeated header",),
        "CloudFront lists what repeats. Mangum takes the first of it.",
    ),
)


def mangum(event: Event) -> Meaning:
    """The request as an ASGI application gets it from Mangum."""
    seen: list[Meaning] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        query = parameters(scope["query_string"].decode())
        headers = ((name.decode(), value.decode()) for name, value in scope["headers"])
        seen.append(
            Meaning(scope["method"], scope["path"], query, listed(headers), message["body"])
        )
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    Mangum(application, lifespan="off", api_gateway_base_path="/pypi-index")(event, CONTEXT)
    return seen[0]


def ours(event: Event) -> Meaning:
    """The request as our application gets it."""
    request = to_request(event, CONTEXT, "/pypi-index")
    assert request is not None
    query, headers = parameters(request.query), listed(request.headers.items())
    return Meaning(request.method, request.path, query, headers, b"".join(request.body))


@pytest.fixture(autouse=True)
def _event_loop() -> Iterator[None]:
    """Mangum wants a current event loop, which pytest's thread has not."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        yield
    asyncio.set_event_loop(None)


@pytest.mark.parametrize("name", FRONTS)
@pytest.mark.parametrize("request_name", SENT)
def test_second_opinion(name: str, request_name: str) -> None:
    """Mangum understands every request as we do, except in what is listed, and there it does not."""
    event = json.loads(json.dumps(FRONTS[name].event(SENT[request_name])))
    theirs, own = mangum(event), ours(event)
    differing = {f for f in Meaning._fields if getattr(theirs, f) != getattr(own, f)}
    expected = {
        f for d in DIFFERENCES if name in d.fronts and request_name in d.requests for f in d.fields
    }
    assert differing == expected


@pytest.mark.parametrize("name", ["function-url", "http-api-2.0"])
def test_null_headers(name: str) -> None:
    """A null header map, which Mangum fails on, is an empty one to us."""
    event = FRONTS[name].event(Sent(path="/simple/")) | {"headers": None}
    with pytest.raises(AttributeError):
        mangum(event)
    assert ours(event) == Meaning("GET", "/simple/", {}, {}, b"")


def test_base_path_within_a_segment() -> None:
    """A path that merely begins with the letters of the base path loses them in Mangum, not here."""
    event = FRONTS["rest-api"].event(Sent(path="/pypi-indexes/"))
    assert mangum(event).path == "es/"
    assert ours(event).path == "/pypi-indexes/"
