"""Whatever the front, the application gets the request that the client sent."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from fronts import BASE_PATH, FRONTS
from fronts.meaning import Meaning, listed, meaning, parameters
from fronts.wire import CLIENT, REQUEST_ID, Front, Sent
from requests_of_clients import SENT
from wheelyard.entry.events import from_response, limit, to_request
from wheelyard.entry.http import Request, Response
from wheelyard.errors import InvalidUpload, TooLarge

CONTEXT = SimpleNamespace(aws_request_id="0c4d2f5a-9b1e-4a7c-8a53-6d2b1f0e9c44")
every_front = pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS.keys())


def translated(event: object, base_path: str = BASE_PATH) -> Request:
    """The request in an event that has gone through JSON, as Lambda's do."""
    request = to_request(json.loads(json.dumps(event)), CONTEXT, base_path)
    assert request is not None
    return request


@every_front
@pytest.mark.parametrize("sent", SENT.values(), ids=SENT.keys())
def test_as_sent(front: Front, sent: Sent) -> None:
    """Method, path, query, headers and body arrive as the client sent them, whichever the front."""
    request = translated(front.event(sent))
    names = {name.lower() for name, _ in sent.headers} & set(request.headers)
    assert meaning(sent, repeats=front.repeats) == Meaning(
        request.method,
        request.path,
        parameters(request.query),
        listed((name, request.headers[name]) for name in names),
        b"".join(request.body),
    )


@every_front
def test_about_the_client(front: Front) -> None:
    """The scheme, host, base, client's address and request id are those that the client would name."""
    request = translated(front.event(Sent(path="/simple/")))
    assert (request.scheme, request.host, request.base) == ("https", front.host, front.base)
    assert request.client == CLIENT
    assert request.id == (CONTEXT.aws_request_id if "alb" in front.name else REQUEST_ID)


@pytest.mark.parametrize(
    ("cloudfront", "forwarded", "expected"),
    [
        (None, None, "https"),
        (None, "http", "http"),
        (None, "HTTP, https", "http"),
        ("http", "https", "http"),
        ("https", "http", "https"),
        ("gopher", "", "https"),
    ],
)
def test_scheme(cloudfront: str | None, forwarded: str | None, expected: str) -> None:
    """The scheme is CloudFront's, else the forwarding front's word for it, else https."""
    event = FRONTS["function-url"].event(Sent())
    given = {"CloudFront-Forwarded-Proto": cloudfront, "X-Forwarded-Proto": forwarded}
    event["headers"] = {name: value for name, value in given.items() if value is not None}
    assert translated(event).scheme == expected


@every_front
@pytest.mark.parametrize("path", ["/", "/simple/", "/pypi-indexes/", "/simple/pypi-index/"])
def test_base_path_is_stripped_only_where_it_is(front: Front, path: str) -> None:
    """A path that merely resembles the base path, or has it further on, stays whole."""
    assert translated(front.event(Sent(path=path))).path == path


@pytest.mark.parametrize("setting", ["pypi", "/pypi", "pypi/", "/pypi/"])
@pytest.mark.parametrize(
    ("path", "expected", "base"),
    [
        ("/pypi/simple/foo/", "/simple/foo/", "/pypi"),
        ("/pypi/pypi/foo/json", "/pypi/foo/json", "/pypi"),
        ("/pypi", "/", "/pypi"),
        ("/pypi/", "/", "/pypi"),
        ("/simple/foo/", "/simple/foo/", ""),
        ("/pypiserver/", "/pypiserver/", ""),
    ],
)
def test_base_path_spellings(setting: str, path: str, expected: str, base: str) -> None:
    """The base path may be set with or without slashes; it is taken off once, by whole segments."""
    request = translated(FRONTS["function-url"].event(Sent(path=path)), setting)
    assert (request.path, request.base) == (expected, base)


def test_base_path_of_several_segments() -> None:
    """A mapping that leaves the stage to the client is a base path of two segments."""
    event = FRONTS["rest-api-base-path"].event(Sent(path="/prod/simple/"))
    request = translated(event, "pypi-index/prod")
    assert (request.path, request.base) == ("/simple/", "/pypi-index/prod")


@pytest.mark.parametrize("name", ["http-api-2.0-stage", "http-api-1.0-stage"])
def test_stage_is_stripped_once(name: str) -> None:
    """A stage of an HTTP API is taken off once, also where the path after it begins the same."""
    request = translated(FRONTS[name].event(Sent(path="/prod/simple/")))
    assert (request.path, request.base) == ("/prod/simple/", "/prod")


@every_front
def test_null_maps(front: Front) -> None:
    """Maps that are null are empty."""
    event = front.event(Sent(path="/simple/"))
    inner = event["Records"][0]["cf"]["request"] if "Records" in event else event
    maps = (
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
    )
    inner.update(dict.fromkeys((*maps, "pathParameters", "stageVariables", "cookies", "body")))
    request = translated(event)
    assert (request.path, request.query, b"".join(request.body)) == ("/simple/", "", b"")
    assert request.headers == {}


@every_front
def test_null_paths(front: Front) -> None:
    """A path that is null or empty is the root."""
    for nothing in (None, ""):
        event = front.event(Sent())
        inner = event["Records"][0]["cf"]["request"] if "Records" in event else event
        inner.update(dict.fromkeys(("path", "rawPath", "uri"), nothing))
        assert translated(event).path == "/"


def test_header_names_in_any_case() -> None:
    """Header names are lower-case, however they came, and those that differ only in case are one."""
    event = FRONTS["function-url"].event(Sent())
    event["headers"] = {"AUTHORIZATION": "Basic eDp5", "Accept": "text/html", "accept": "*/*"}
    request = translated(event)
    assert request.headers == {"authorization": "Basic eDp5", "accept": "text/html, */*"}


@pytest.mark.parametrize("name", ["rest-api", "alb-multi", "edge-viewer"])
def test_repeated_cookies(name: str) -> None:
    """Cookie headers are joined by a semicolon: a comma may be part of a cookie."""
    request = translated(FRONTS[name].event(Sent(headers=(("Cookie", "a=1,2"), ("cookie", "b=3")))))
    assert request.headers["cookie"] == "a=1,2; b=3"


@pytest.mark.parametrize("lists", [{}, None])
def test_rest_event_without_lists(lists: object) -> None:
    """A hand-written event may have only the maps of single values."""
    event = FRONTS["rest-api"].event(Sent(query="a=b%20c", headers=(("Accept", "text/html"),)))
    event |= {"multiValueHeaders": lists, "multiValueQueryStringParameters": lists}
    request = translated(event)
    assert (request.query, request.headers["accept"]) == ("a=b%20c", "text/html")


def test_health_check_of_a_load_balancer() -> None:
    """A load balancer's own check has one header, and is a request."""
    event = FRONTS["alb-single"].event(Sent(path="/-/health"))
    event["headers"] = {"user-agent": "ELB-HealthChecker/2.0"}
    request = translated(event)
    assert (request.path, request.host, request.client) == ("/-/health", "", "")


def test_host_without_the_header() -> None:
    """Without a Host header the host is the one that the front names."""
    event = FRONTS["function-url"].event(Sent())
    del event["headers"]["host"]
    assert translated(event).host == event["requestContext"]["domainName"]


def test_host_of_an_origin_request_with_the_viewers() -> None:
    """Where CloudFront passes the viewer's Host on to the origin, that is the host."""
    event = FRONTS["edge-origin"].event(Sent())
    event["Records"][0]["cf"]["request"]["headers"]["host"][0]["value"] = "packages.corp.example"
    assert translated(event).host == "packages.corp.example"


def test_no_ids() -> None:
    """Without an id from the front and without a context the id is empty."""
    request = to_request(FRONTS["alb-multi"].event(Sent()), None)
    assert request is not None
    assert request.id == ""


@pytest.mark.parametrize("name", ["edge-viewer", "edge-origin"])
def test_body_that_cloudfront_cut_off(name: str) -> None:
    """A body that CloudFront cut off is never taken for a whole one."""
    event = FRONTS[name].event(Sent("POST", body=b"x" * 40_000))
    event["Records"][0]["cf"]["request"]["body"]["inputTruncated"] = True
    request = translated(event)
    with pytest.raises(TooLarge, match="another one"):
        list(request.body)


def test_body_that_is_not_base64() -> None:
    """A body that is not the base64 it is said to be is refused when it is read."""
    event = FRONTS["function-url"].event(Sent("POST")) | {"body": "a", "isBase64Encoded": True}
    request = translated(event)
    with pytest.raises(InvalidUpload):
        list(request.body)


NOT_HTTP: tuple[Any, ...] = (
    None,
    {},
    [],
    "reindex",
    {"putUser": {"username": "reader", "password": "example-password", "upload": False}},
    {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    {"Records": []},
    {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "packages/a"}}}]},
    {"requestContext": {"eventType": "CONNECT", "connectionId": "x"}},
    {
        "Records": [
            {"cf": {"request": {"method": "GET", "uri": "/"}, "response": {"status": "200"}}}
        ]
    },
)


@pytest.mark.parametrize("event", NOT_HTTP)
def test_not_http(event: object) -> None:
    """Anything that is not an HTTP request is None, and has neither a response nor a limit."""
    assert to_request(event, CONTEXT) is None
    with pytest.raises(ValueError, match="not an HTTP request"):
        from_response(event, Response(200, ()))
    with pytest.raises(ValueError, match="not an HTTP request"):
        limit(event)
