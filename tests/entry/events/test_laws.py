"""What holds for any request and for any event."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fronts import BASE_PATH, FRONTS
from fronts.meaning import Meaning, listed, meaning, parameters
from fronts.wire import Front, Sent
from wheelyard.entry.events import to_request
from wheelyard.errors import InvalidUpload, TooLarge

_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_NAME = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=12)
_VALUE = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), max_size=20
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
_TYPES = ("text/plain", "application/json", "application/octet-stream")


def _all_quoted(text: str) -> str:
    return quote(text, safe="/")


def _barely_quoted(text: str) -> str:
    return quote(text, safe="/!*'()@+,;:=&$")


@st.composite
def client_requests(draw: st.DrawFn) -> Sent:
    """Any request, percent-encoded more or less, none of its names repeating."""
    encode: Callable[[str], str] = draw(st.sampled_from([_all_quoted, _barely_quoted]))
    path = encode("/" + "/".join(draw(st.lists(_TEXT, max_size=4))))
    pairs = draw(st.dictionaries(_TEXT, _TEXT, max_size=4))
    query = "&".join(f"{quote(name, '')}={quote(value, '')}" for name, value in pairs.items())
    headers = draw(st.dictionaries(_NAME.map("x-my-{}".format), _VALUE, max_size=4))
    headers["content-type"] = draw(st.sampled_from(_TYPES))
    method = draw(st.sampled_from(_METHODS))
    return Sent(method, path, query, tuple(headers.items()), draw(st.binary(max_size=64)))


@pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS.keys())
@given(sent=client_requests())
def test_round_trip(front: Front, sent: Sent) -> None:
    """From request to event and back is the identity."""
    request = to_request(front.event(sent), None, BASE_PATH)
    assert request is not None
    assert meaning(sent) == Meaning(
        request.method,
        request.path,
        parameters(request.query),
        listed((name, request.headers[name]) for name, _ in sent.headers),
        b"".join(request.body),
    )


_KEYS = [
    "version", "requestContext", "http", "method", "httpMethod", "rawPath", "rawQueryString",
    "path", "headers", "cookies", "body", "multiValueHeaders", "queryStringParameters",
    "multiValueQueryStringParameters", "isBase64Encoded", "elb", "identity", "sourceIp",
    "stage", "domainName", "requestId", "Records", "cf", "config", "request", "response", "uri",
    "querystring", "clientIp", "origin", "s3", "data", "encoding", "inputTruncated",
    "eventType", "host", "value",
]  # fmt: skip
_WORDS = (
    "GET",
    "2.0",
    "1.0",
    "/a%2",
    "%",
    "prod",
    "$default",
    "x.lambda-url.y",
    "base64",
    "\ud800",
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(_WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_KEYS) | st.text(), inner, max_size=6)
    ),
    max_leaves=24,
)


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value inside of a JSON value."""
    yield at
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*at, index))
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*at, key))


@st.composite
def broken_events(draw: st.DrawFn) -> object:
    """A true event in which something was replaced by any JSON."""
    front = draw(st.sampled_from(list(FRONTS.values())))
    event = json.loads(
        json.dumps(front.event(Sent("POST", "/a%20b", "a=b", (("A", "b"),), b"\xff")))
    )
    *way, last = draw(st.sampled_from([place for place in _places(event) if place]))
    inner = event
    for key in way:
        inner = inner[key]
    inner[last] = draw(_JSON)
    return event


@given(event=broken_events() | _JSON, base_path=st.text(max_size=5))
def test_never_fails(event: object, base_path: str) -> None:
    """Whatever JSON arrives is None, or a request whose fields have their types."""
    request = to_request(event, None, base_path)
    if request is None:
        return
    assert request.path.startswith("/")
    assert request.scheme in {"http", "https"}
    fields = (request.method, request.query, request.host, request.base, request.client, request.id)
    assert all(isinstance(field, str) for field in fields)
    assert all(isinstance(value, str) for value in request.headers.values())
    with suppress(TooLarge, InvalidUpload):
        assert all(isinstance(chunk, bytes) for chunk in request.body)
