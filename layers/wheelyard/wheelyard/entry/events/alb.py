"""Application load balancers, whose target group has multi-value headers switched on or not.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html

Path and query parameters are as the client sent them, still encoded. Without multi-value headers only
the last of what repeats arrives.
"""

from wheelyard.entry.events.incoming import (
    body,
    decoded,
    fields,
    joined,
    mounted,
    multiple_values,
    prefix,
    request_id,
    scheme,
    single_values,
    text,
)
from wheelyard.entry.events.outgoing import Body, capacity, listed, phrase
from wheelyard.entry.http import Headers, Request

# "1 MB", taken as the smaller of its meanings.
_PAYLOAD = 1_000_000


def request(event: object, context: object, base_path: str) -> Request:
    """The request in an event; the load balancer's own health checks have next to no headers."""
    envelope = fields(event)
    if _multiple(event):
        headers = joined(multiple_values(envelope.get("multiValueHeaders")))
        parameters = multiple_values(envelope.get("multiValueQueryStringParameters"))
    else:
        headers = joined(single_values(envelope.get("headers")))
        parameters = single_values(envelope.get("queryStringParameters"))
    place = mounted(decoded(envelope.get("path")), prefix(base_path))
    return Request(
        method=text(envelope.get("httpMethod")).upper(),
        path=place.path,
        query="&".join(f"{name}={value}" for name, value in parameters),
        headers=headers,
        body=body(envelope.get("body"), base64=envelope.get("isBase64Encoded")),
        scheme=scheme(headers),
        host=headers.get("host", ""),
        base=place.base,
        # The load balancer appends the peer it saw: what stands before is what the client claims.
        client=headers.get("x-forwarded-for", "").rpartition(",")[2].strip(),
        id=request_id("", context),
        limit=limit(event),
    )


def _multiple(event: object) -> bool:
    return isinstance(fields(event).get("multiValueHeaders"), dict)


def answer(event: object, status: int, headers: Headers, body: Body) -> dict[str, object]:
    """What the function returns: lists of headers exactly where the event had lists."""
    result: dict[str, object] = {
        "statusCode": status,
        "statusDescription": f"{status} {phrase(status)}".rstrip(),
        "body": body.text,
        "isBase64Encoded": body.base64,
    }
    if not _multiple(event):
        return {**result, "headers": _single(headers)}
    return {**result, "multiValueHeaders": listed(headers)}


def _single(headers: Headers) -> dict[str, str]:
    """One value a name. Cookies cannot be joined: each has its name spelled in another case."""
    result = joined(pair for pair in headers if pair[0] != "set-cookie")
    cookies = [value for name, value in headers if name == "set-cookie"]
    return result | {_spelled("set-cookie", at): cookie for at, cookie in enumerate(cookies)}


def _spelled(name: str, number: int) -> str:
    """``name`` with its letters in upper case where ``number`` has a bit set."""
    letters = [at for at, letter in enumerate(name) if letter.isalpha()]
    upper = {at for bit, at in enumerate(letters) if number >> bit & 1}
    return "".join(c.upper() if at in upper else c for at, c in enumerate(name))


def limit(_event: object) -> int:
    """The most bytes of a body."""
    return capacity(_PAYLOAD)
