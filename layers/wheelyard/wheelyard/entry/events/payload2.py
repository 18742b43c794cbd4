"""Payload format 2.0: Function URLs, and HTTP APIs of API Gateway.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

The two look alike, with one difference that matters: a Function URL gives the path as the client sent
it, an HTTP API gives it decoded.
"""

from wheelyard.entry.events.incoming import (
    Place,
    body,
    decoded,
    fields,
    joined,
    mounted,
    prefix,
    request_id,
    scheme,
    single_values,
    text,
)
from wheelyard.entry.events.outgoing import LAMBDA_PAYLOAD, Body, capacity
from wheelyard.entry.http import Headers, Request

_LIMIT = capacity(LAMBDA_PAYLOAD)


def request(event: object, context: object, base_path: str) -> Request:
    """The request in an event."""
    envelope = fields(event)
    about = fields(envelope.get("requestContext"))
    http = fields(about.get("http"))
    headers = _headers(envelope.get("headers"), envelope.get("cookies"))
    place = _place(text(envelope.get("rawPath")), about, base_path)
    return Request(
        method=text(http.get("method")).upper(),
        path=place.path,
        query=text(envelope.get("rawQueryString")),
        headers=headers,
        body=body(envelope.get("body"), base64=envelope.get("isBase64Encoded")),
        scheme=scheme(headers),
        host=headers.get("host") or text(about.get("domainName")),
        base=place.base,
        client=text(http.get("sourceIp")),
        id=request_id(about.get("requestId"), context),
        limit=_LIMIT,
    )


def _headers(single: object, cookies: object) -> dict[str, str]:
    """The front joins what repeats, except cookies, which stand apart."""
    headers = joined(single_values(single))
    if isinstance(cookies, list) and cookies:
        headers["cookie"] = "; ".join(text(cookie) for cookie in cookies)
    return headers


def _place(path: str, about: object, base_path: str) -> Place:
    domain = text(fields(about).get("domainName"))
    if ".lambda-url." in domain:
        return mounted(decoded(path), prefix(base_path))
    return http_api_place(path, text(fields(about).get("stage")), domain, base_path)


def http_api_place(path: str, stage: str, domain: str, base_path: str) -> Place:
    """Where an HTTP API says a request goes, in either payload format: decoded, after the stage.

    On a custom domain the client did not write the stage but the mapping's path, of which the event
    need not tell: there ``base`` is the configured one.
    """
    before = "" if stage == "$default" else prefix(stage)
    place = mounted(path, before, prefix(base_path))
    on_custom_domain = bool(domain) and ".execute-api." not in domain
    return place._replace(base=prefix(base_path)) if on_custom_domain else place


def answer(_event: object, status: int, headers: Headers, body: Body) -> dict[str, object]:
    """What the function returns: headers that repeat are joined, cookies stand apart."""
    result: dict[str, object] = {
        "statusCode": status,
        "headers": joined(pair for pair in headers if pair[0] != "set-cookie"),
        "body": body.text,
        "isBase64Encoded": body.base64,
    }
    cookies = [value for name, value in headers if name == "set-cookie"]
    return {**result, "cookies": cookies} if cookies else result


def limit(_event: object) -> int:
    """The most bytes of a body."""
    return _LIMIT
