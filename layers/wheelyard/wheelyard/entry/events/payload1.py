"""Payload format 1.0: REST APIs, and HTTP APIs of API Gateway that ask for it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html

A REST API gives the path as the client sent it and without the stage; an HTTP API gives it decoded and
with the stage. Both give query parameters decoded, and only an HTTP API names the version.
"""

from collections.abc import Mapping

from wheelyard.entry.events.incoming import (
    Place,
    body,
    decoded,
    fields,
    joined,
    mounted,
    multiple_values,
    prefix,
    quoted,
    request_id,
    scheme,
    single_values,
    text,
)
from wheelyard.entry.events.outgoing import LAMBDA_PAYLOAD, Body, capacity, listed
from wheelyard.entry.events.payload2 import http_api_place
from wheelyard.entry.http import Headers, Request


def request(event: object, context: object, base_path: str) -> Request:
    """The request in an event."""
    envelope = fields(event)
    about = fields(envelope.get("requestContext"))
    headers = joined(_pairs(envelope, "headers", "multiValueHeaders"))
    place = _place(envelope, about, base_path)
    parameters = _pairs(envelope, "queryStringParameters", "multiValueQueryStringParameters")
    return Request(
        method=text(envelope.get("httpMethod")).upper(),
        path=place.path,
        query=quoted(parameters),
        headers=headers,
        body=body(envelope.get("body"), base64=envelope.get("isBase64Encoded")),
        scheme=scheme(headers),
        host=headers.get("host") or text(about.get("domainName")),
        base=place.base,
        client=text(fields(about.get("identity")).get("sourceIp")),
        id=request_id(about.get("requestId"), context),
        limit=limit(event),
    )


def _pairs(envelope: Mapping[str, object], single: str, multiple: str) -> list[tuple[str, str]]:
    """The map of lists, and from the map of single values what is missing there."""
    pairs = list(multiple_values(envelope.get(multiple)))
    known = {name for name, _ in pairs}
    return pairs + [pair for pair in single_values(envelope.get(single)) if pair[0] not in known]


def _place(envelope: Mapping[str, object], about: Mapping[str, object], base_path: str) -> Place:
    path, stage = text(envelope.get("path")), text(about.get("stage"))
    domain = text(about.get("domainName"))
    if envelope.get("version") == "1.0":
        return http_api_place(path, stage, domain, base_path)
    place = mounted(decoded(path), prefix(base_path))
    # On its own domain the client writes the stage, on a custom one the mapping's path in place of it.
    before = prefix(stage) if ".execute-api." in domain else ""
    return place._replace(base=before + place.base)


def answer(_event: object, status: int, headers: Headers, body: Body) -> dict[str, object]:
    """What the function returns; for REST APIs base64 needs ``*/*`` among the binary media types."""
    return {
        "statusCode": status,
        "multiValueHeaders": listed(headers),
        "body": body.text,
        "isBase64Encoded": body.base64,
    }


def limit(_event: object) -> int:
    """The most bytes of a body."""
    return capacity(LAMBDA_PAYLOAD)
