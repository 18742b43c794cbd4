"""CloudFront Lambda@Edge: viewer and origin requests, answered with a generated response.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html and
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html

Path and query string are as the client sent them. A body is there only where the association includes
it, and then CloudFront cuts it off (40 KB for a viewer request, 1 MB for an origin request) and says so.
"""

from collections.abc import Iterator, Mapping

from wheelyard.entry.events.incoming import (
    body,
    decoded,
    fields,
    joined,
    mounted,
    prefix,
    request_id,
    scheme,
    text,
)
from wheelyard.entry.events.outgoing import Body, capacity, listed, phrase
from wheelyard.entry.http import Headers, Request

# "40 KB" and "1 MB" for a generated response, headers included, taken as the smaller of their meanings.
_VIEWER_PAYLOAD = 40_000
_ORIGIN_PAYLOAD = 1_000_000
_HEADER_ROOM = 4_096

# CloudFront answers 502 where a function sets one of these.
_REFUSED = frozenset(
    {
        "content-length", "expect", "host", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "via", "x-cache", "x-forwarded-proto", "x-real-ip",
    }
)  # fmt: skip
_REFUSED_PREFIXES = ("x-accel-", "x-amz-cf-", "x-amzn-", "x-edge-")


def is_request(event: object) -> bool:
    """Whether the event is a viewer or an origin request: not a response, nor another kind of record."""
    cf = _cf(event)
    return bool(text(fields(cf.get("request")).get("method"))) and "response" not in cf


def _cf(event: object) -> Mapping[str, object]:
    records = fields(event).get("Records")
    return fields(fields(records[0]).get("cf")) if isinstance(records, list) and records else {}


def request(event: object, context: object, base_path: str) -> Request:
    """The request in an event."""
    cf = _cf(event)
    config, asked = fields(cf.get("config")), fields(cf.get("request"))
    headers = joined(_pairs(asked.get("headers")))
    place = mounted(decoded(asked.get("uri")), prefix(base_path))
    sent = fields(asked.get("body"))
    return Request(
        method=text(asked.get("method")).upper(),
        path=place.path,
        query=text(asked.get("querystring")),
        headers=headers,
        body=body(
            sent.get("data"),
            base64=sent.get("encoding") == "base64",
            truncated=sent.get("inputTruncated"),
        ),
        scheme=scheme(headers),
        host=_host(headers.get("host", ""), config, asked),
        base=place.base,
        client=text(asked.get("clientIp")),
        id=request_id(config.get("requestId"), context),
        limit=limit(event),
    )


def _pairs(headers: object) -> Iterator[tuple[str, str]]:
    for name, entries in fields(headers).items():
        if isinstance(entries, list):
            yield from ((name, text(fields(entry).get("value"))) for entry in entries)


def _host(host: str, config: Mapping[str, object], asked: Mapping[str, object]) -> str:
    """At the origin ``Host`` is the origin's, unless the behaviour passes the viewer's on."""
    origins = fields(asked.get("origin")).values()
    is_origin = any(text(fields(origin).get("domainName")) == host for origin in origins)
    return text(config.get("distributionDomainName")) if is_origin or not host else host


def answer(_event: object, status: int, headers: Headers, body: Body) -> dict[str, object]:
    """What the function returns in place of the request: a generated response."""
    allowed = tuple(
        (name, value)
        for name, value in headers
        if name not in _REFUSED and not name.startswith(_REFUSED_PREFIXES)
    )
    return {
        "status": str(status),
        "statusDescription": phrase(status),
        "headers": {
            name: [{"key": name, "value": value} for value in values]
            for name, values in listed(allowed).items()
        },
        "body": body.text,
        "bodyEncoding": "base64" if body.base64 else "text",
    }


def limit(event: object) -> int:
    """The most bytes of a body: a viewer request's answer has far fewer than an origin request's."""
    at_origin = fields(_cf(event).get("config")).get("eventType") == "origin-request"
    return capacity(_ORIGIN_PAYLOAD if at_origin else _VIEWER_PAYLOAD, _HEADER_ROOM)
