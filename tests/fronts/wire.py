"""What the fronts have in common: requests and responses on the wire, and parts of the events."""

import base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

Event = dict[str, Any]
Pairs = tuple[tuple[str, str], ...]

CLIENT = "203.0.113.10"
REQUEST_ID = "6f1a3c52-8e0d-4b7f-9c66-0f2b8f6c1d23"
TRACE = "Root=1-69a0c3f2-1c2d3e4f5a6b7c8d9e0f1a2b"
ACCOUNT = "123456789012"
FUNCTION_URL = "abc123.lambda-url.eu-west-1.on.aws"
API = "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
CUSTOM_DOMAIN = "packages.corp.example"
LOAD_BALANCER = "wheelyard-1234567890.eu-west-1.elb.amazonaws.com"
DISTRIBUTION = "d111111abcdef8.cloudfront.net"
BUCKET = "packages-example.s3.eu-west-1.amazonaws.com"


class Sent(NamedTuple):
    """A request as a client puts it on the wire: path and query percent-encoded, headers in order."""

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: Pairs = ()
    body: bytes = b""


class Received(NamedTuple):
    """A response as the client gets it: header names in lower case, in no particular order."""

    status: int
    headers: Pairs
    body: bytes

    def values(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]


class Front(NamedTuple):
    """One way in: its two directions, and what it does to requests."""

    name: str
    event: Callable[[Sent], Event]
    received: Callable[[Event], Received]
    payload: int
    """The most bytes that the function's answer may have."""
    host: str
    base: str = ""
    repeats: bool = True
    """Whether all of what repeats, headers and parameters, arrives, or only the last."""


_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")


def body_of(sent: Sent) -> tuple[str, bool]:
    """Bodies of a few types go as text, all others as base64."""
    types = [value for name, value in sent.headers if name.lower() == "content-type"]
    if not sent.body:
        return "", False
    if types and types[-1].startswith(_TEXT_TYPES):
        try:
            return sent.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(sent.body).decode(), True


def received_body(result: Event) -> bytes:
    assert isinstance(result["isBase64Encoded"], bool)
    body: str = result["body"]
    return base64.b64decode(body, validate=True) if result["isBase64Encoded"] else body.encode()


def grouped(pairs: Pairs, *, keep_case: bool = False) -> dict[str, list[str]]:
    """Values by name; names that differ only in case are one header, spelled as it first was."""
    groups: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for name, value in pairs:
        known = spelling.setdefault(name.lower(), name if keep_case else name.lower())
        groups.setdefault(known, []).append(value)
    return groups


def decoded_parameters(query: str) -> dict[str, list[str]]:
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name, []).append(value)
    return parameters


def raw_parameters(query: str) -> dict[str, list[str]]:
    parameters: dict[str, list[str]] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        parameters.setdefault(name, []).append(value)
    return parameters


def text_map(headers: Mapping[str, Any]) -> dict[str, str]:
    assert all(isinstance(value, str) for value in headers.values())
    return {name.lower(): value for name, value in headers.items()}


def list_pairs(headers: Mapping[str, list[str]]) -> Pairs:
    return tuple((name.lower(), value) for name, values in headers.items() for value in values)
