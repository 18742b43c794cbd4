"""Whatever the front, the client gets the response that the application gave, if it fits."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fronts import FRONTS
from fronts.wire import Front, Received, Sent
from wheelyard.entry.events import from_response, limit, to_request
from wheelyard.entry.http import FileBody, Headers, Response

every_front = pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS.keys())

PAGE = b'{"meta": {"api-version": "1.4"}, "files": []}'
HTML = "<p>Füße 📦\x00</p>".encode()
ZIPPED = gzip.compress(PAGE, mtime=0)
JSON = ("content-type", "application/vnd.pypi.simple.v1+json")
REALM = 'Basic realm="packages"'
RESPONSES: dict[str, Response] = {
    "text": Response(200, (JSON, ("content-length", str(len(PAGE))), ("etag", '"a"')), PAGE),
    "unicode": Response(200, (("content-type", "text/html; charset=utf-8"),), HTML),
    "gzip": Response(200, (JSON, ("content-encoding", "gzip")), ZIPPED),
    "binary": Response(200, (("content-type", "application/octet-stream"),), b"PK\xff\x00"),
    "redirect": Response(302, (("location", "https://s3.example/a%2Bb?X=1&Y=2"),)),
    "not modified": Response(304, (("etag", '"a"'), ("vary", "Accept"), ("vary", "Origin"))),
    "head": Response(200, (JSON, ("content-length", "1234"))),
    "challenges": Response(
        401, (("www-authenticate", REALM), ("www-authenticate", "Bearer")), b"{}"
    ),
    "cookies": Response(200, tuple(("set-cookie", f"{n}=1; Path=/") for n in "abcde")),
    "status without a phrase": Response(599, (JSON,), b"{}"),
}


def answered(front: Front, response: Response) -> Received:
    """What the client gets for a response through a front."""
    return front.received(from_response(front.event(Sent()), response))


def lists(headers: Headers) -> dict[str, list[str]]:
    """Header values by name; joined ones taken apart, except where a comma does not separate."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name, []).extend([value] if "cookie" in name else value.split(", "))
    return {name: sorted(found) for name, found in values.items()}


@every_front
@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES.keys())
def test_as_given(front: Front, response: Response) -> None:
    """Status, headers and body reach the client as the application gave them, whichever the front."""
    received = answered(front, response)
    expected = lists(response.headers)
    if "edge" in front.name:
        expected.pop("content-length", None)  # CloudFront writes it, and refuses another's
    assert (received.status, received.body) == (response.status, response.body)
    assert lists(received.headers) == expected


@every_front
@pytest.mark.parametrize("body", [b"", PAGE, HTML], ids=["empty", "page", "unicode"])
def test_text_goes_as_text(front: Front, body: bytes) -> None:
    """A body that is UTF-8 is the event's text, so that it can be read in a trace."""
    result = from_response(front.event(Sent()), Response(200, (), body))
    assert result["body"] == body.decode()
    assert result.get("isBase64Encoded") is not True
    assert result.get("bodyEncoding") != "base64"


@every_front
@pytest.mark.parametrize("body", [b"\xff", ZIPPED], ids=["binary", "gzip"])
def test_anything_else_goes_as_base64(front: Front, body: bytes) -> None:
    """A body that is not UTF-8 is marked as base64."""
    result = from_response(front.event(Sent()), Response(200, (), body))
    assert result.get("isBase64Encoded", result.get("bodyEncoding") == "base64") is True


@pytest.mark.parametrize("filling", [PAGE + b"\n", "Füße, ".encode()], ids=["page", "unicode"])
def test_large_text_goes_as_text(filling: bytes) -> None:
    """So does a text of some megabytes that cannot outgrow the payload, whatever JSON makes of it."""
    event, body = FRONTS["function-url"].event(Sent()), filling * (1_200_000 // len(filling))
    assert from_response(event, Response(200, (), body))["body"] == body.decode()


def test_large_body_again() -> None:
    """A large body that is sent again is not encoded again, and no other body is taken for it."""
    event = FRONTS["function-url"].event(Sent())
    pages = [bytes([65 + number]) * 100_000 for number in range(3)]
    first = [from_response(event, Response(200, (), page))["body"] for page in pages]
    again = [from_response(event, Response(200, (), page))["body"] for page in pages]
    assert [page.decode() for page in pages] == first
    assert all(one is other for one, other in zip(first, again, strict=True))


@every_front
def test_stream(front: Front) -> None:
    """A stream is read to its end, whether it can be closed or not."""
    chunks = [b"PK\xff", b"", b"\x00"]
    for stream in (chunks, iter(chunks), (chunk for chunk in chunks)):
        assert answered(front, Response(200, (), stream)).body == b"PK\xff\x00"


@every_front
def test_part_of_a_file(front: Front, tmp_path: Path) -> None:
    """Of a file the part that was meant is read."""
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)))
    received = answered(front, Response(206, (), FileBody(path, 100, 200)))
    assert received.body == bytes(range(100, 200))


@every_front
def test_headers_of_the_connection_stay_here(front: Front) -> None:
    """Headers about the connection to the function are not sent through a front."""
    own: Headers = (("connection", "close"), ("transfer-encoding", "chunked"), ("etag", '"a"'))
    assert answered(front, Response(200, own)).headers == (("etag", '"a"'),)


def test_headers_that_cloudfront_refuses() -> None:
    """Headers that make CloudFront answer 502 are left out at the edge."""
    refused = (
        "content-length",
        "via",
        "x-cache",
        "x-amz-cf-id",
        "x-edge-location",
        "x-accel-limit-rate",
    )
    headers = (*((name, "1") for name in refused), ("x-content-type-options", "nosniff"))
    received = answered(FRONTS["edge-viewer"], Response(200, headers))
    assert received.headers == (("x-content-type-options", "nosniff"),)


# --- limits ---

by_limit = pytest.mark.parametrize(
    "name", ["function-url", "alb-single", "alb-multi", "edge-viewer", "edge-origin"]
)
FILLINGS = {
    "binary": b"\xff",
    "quotes": b'"',
    "controls": b"\0",
    "umlauts": "ü".encode(),
    "text": b"a",
}


@by_limit
@pytest.mark.parametrize("filling", FILLINGS.values(), ids=FILLINGS.keys())
def test_largest_body_fits(name: str, filling: bytes) -> None:
    """A body of the limit's size fits into the front's payload, whatever its bytes are."""
    front = FRONTS[name]
    event = front.event(Sent())
    body = filling * (limit(event) // len(filling))
    result = from_response(event, Response(200, (JSON, ("etag", '"a"')), body))
    assert front.received(result).body == body
    assert len(json.dumps(result)) <= front.payload
    assert len(json.dumps(result, ensure_ascii=False).encode()) <= front.payload


@every_front
def test_limit_is_the_front_s_own(front: Front) -> None:
    """What is not offered of a front's payload is base64's quarter and some room for the headers."""
    largest, event = front.payload * 3 // 4, front.event(Sent())
    assert largest - 10_000 < limit(event) < largest
    request = to_request(event, None)
    assert request is not None
    assert request.limit == limit(event)


@by_limit
def test_too_large(name: str) -> None:
    """One byte more is a clear problem in place of the answer."""
    front = FRONTS[name]
    most = limit(front.event(Sent()))
    received = answered(front, Response(200, (("etag", '"a"'),), b"a" * (most + 1)))
    problem = json.loads(received.body)
    assert received.status == problem["status"] == 507
    assert str(most) in problem["detail"]
    headers = dict(received.headers)
    assert headers["content-type"] == "application/problem+json"
    assert "etag" not in headers


def test_too_large_stream_is_given_up_and_closed() -> None:
    """A stream is read no further than it takes to see that it is too long, and is then closed."""
    ends: list[str] = []

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"a" * 10_000
        finally:
            ends.append("closed")

    assert answered(FRONTS["edge-viewer"], Response(200, (), endless())).status == 507
    assert ends == ["closed"]


def test_too_large_file_is_not_read(tmp_path: Path) -> None:
    """A part of a file is refused by its size alone."""
    part = FileBody(tmp_path / "never opened", 0, 5_000_000_000)
    assert answered(FRONTS["function-url"], Response(200, (), part)).status == 507
