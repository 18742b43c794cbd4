"""What the requests of all fronts are made of: unchecked JSON, headers, paths, bodies.

An event comes from AWS, but also from whoever may invoke the function, and maps that have nothing in
them are ``null`` or left out. So a field is what it should be, or it is empty; nothing here fails.
"""

import binascii
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from wheelyard.errors import InvalidUpload, TooLarge


def fields(value: object) -> Mapping[str, object]:
    """A JSON object, empty where there is none."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """A JSON string, empty where there is none."""
    return value if isinstance(value, str) else ""


def single_values(value: object) -> Iterator[tuple[str, str]]:
    """The pairs of a map ``{name: value}``."""
    return ((name, item) for name, item in fields(value).items() if isinstance(item, str))


def multiple_values(value: object) -> Iterator[tuple[str, str]]:
    """The pairs of a map ``{name: [value, …]}``."""
    for name, items in fields(value).items():
        if isinstance(items, list):
            yield from ((name, item) for item in items if isinstance(item, str))


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by their names in lower case, those that repeat in one.

    Joined by a comma, cookies by a semicolon (RFC 9110, 5.3; RFC 9113, 8.2.3).
    """
    headers: dict[str, str] = {}
    for key, value in pairs:
        name = key.lower()
        separator = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
    return headers


def scheme(headers: Mapping[str, str]) -> str:
    """``http`` or ``https``, as the client used it.

    CloudFront's word goes before that of what stands behind it, which sees only CloudFront's own
    connection.
    """
    for name in ("cloudfront-forwarded-proto", "x-forwarded-proto"):
        value = headers.get(name, "").partition(",")[0].strip().lower()
        if value in {"http", "https"}:
            return value
    return "https"


def request_id(given: object, context: object) -> str:
    """The front's id of the request, or else that of the invocation."""
    return text(given) or text(getattr(context, "aws_request_id", ""))


def decoded(path: object) -> str:
    """A path that the front passes on as the client sent it, percent-decoded."""
    raw = text(path)
    if "%" not in raw:
        return raw
    # Slow to import, and names of projects and files have nothing to decode.
    from urllib.parse import unquote

    return unquote(raw)


class Place(NamedTuple):
    """A path, and what stood before it: ``base`` is ``""`` or begins with ``/`` and does not end so."""

    path: str
    base: str


def prefix(path: str) -> str:
    """A configured path or stage as it stands before others: ``""`` or ``/pypi``."""
    bare = path.strip("/")
    return f"/{bare}" if bare else ""


def mounted(path: str, *prefixes: str) -> Place:
    """``path`` without each of the prefixes, in turn, that it begins with, by whole segments."""
    rest, base = path, ""
    for before in prefixes:
        if before and (rest == before or rest.startswith(f"{before}/")):
            rest, base = rest[len(before) :], base + before
    return Place(rest if rest.startswith("/") else f"/{rest}", base)


def quoted(pairs: Iterable[tuple[str, str]]) -> str:
    """The raw query string of parameters that the front has already decoded."""
    from urllib.parse import quote

    return "&".join(
        f"{quote(k, '', errors='replace')}={quote(v, '', errors='replace')}" for k, v in pairs
    )


def body(data: object, *, base64: object, truncated: object = False) -> Iterator[bytes]:
    """The body in one chunk, or in none; decoded when it is read.

    Raises TooLarge where the front says that it cut the body off, and InvalidUpload where it is not
    base64 as announced.
    """
    if truncated is True:
        raise TooLarge("The body is longer than this way in can take: upload by another one.")
    content = text(data)
    if not content:
        return
    if base64 is not True:
        yield content.encode("utf-8", "replace")
        return
    try:
        yield binascii.a2b_base64(content)
    except ValueError as e:
        raise InvalidUpload("The body of the event is not base64, although it is marked so.") from e
