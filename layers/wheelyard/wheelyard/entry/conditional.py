"""Answering what a client may already have, in whole or in part (RFC 9110, 13 and 14)."""

import re
from typing import NamedTuple


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an ``If-None-Match`` header names ``etag`` (weak comparison, RFC 9110, 8.8.3.2)."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


class Span(NamedTuple):
    """Bytes ``start`` up to, not including, ``end``."""

    start: int
    end: int


# No file has a size of more digits, and Python reads no number of thousands of them.
_RANGE = r"bytes=([0-9]{0,18})-([0-9]{0,18})"


def byte_range(header: str | None, size: int) -> Span | None:
    """The one range that a ``Range`` header asks of ``size`` bytes.

    None where the whole is to be sent: no header, several ranges, or one that is malformed. An empty
    span where the range cannot be satisfied (416).
    """
    match = re.fullmatch(_RANGE, (header or "").replace(" ", ""))
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        suffix = int(match[2])
        return Span(max(size - suffix, 0), size) if suffix and size else Span(0, 0)
    start = int(match[1])
    end = int(match[2]) + 1 if match[2] else size
    if match[2] and end <= start:
        return None
    return Span(start, min(end, size)) if start < size else Span(0, 0)
