"""What a request says, with all that may be written in more than one way in one of them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, unquote

from fronts.wire import Sent


class Meaning(NamedTuple):
    """A request: its path decoded, its parameters and headers as lists of values."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, list[str]]
    body: bytes


def listed(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each header, those that came joined by commas taken apart."""
    lists: dict[str, list[str]] = {}
    for name, value in headers:
        lists.setdefault(name.lower(), []).extend(part.strip() for part in value.split(","))
    return lists


def parameters(query: str) -> dict[str, list[str]]:
    """The values of each parameter, decoded."""
    return parse_qs(query, keep_blank_values=True)


def meaning(sent: Sent, *, repeats: bool = True) -> Meaning:
    """What the client said; without ``repeats``, only the last of what it said more than once."""
    query, headers = parameters(sent.query), listed(sent.headers)
    if not repeats:
        query = {name: values[-1:] for name, values in query.items()}
        headers = listed({name.lower(): value for name, value in sent.headers}.items())
    return Meaning(sent.method, unquote(sent.path), query, headers, sent.body)
