"""Which form of a page a client gets: ``Accept``, ``?format=`` and ``Accept-Encoding``.

Sources: PEP 691 "Version + Format Selection"; RFC 9110, 12.5.1 and 12.5.3.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from wheelyard.errors import NotAcceptable

Form = Literal["json", "html"]

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
TEXT = "text/html"


class MediaType(NamedTuple):
    """A form of the page, and the content type that it is sent with."""

    form: Form
    content_type: str

    @property
    def tag(self) -> str:
        """Part of an entity tag: one of its own for each type, since the same bytes go out as two."""
        return f"{self.form[0]}{'t' if self.content_type.startswith(TEXT) else ''}"


_OFFERED = {
    JSON: MediaType("json", JSON),
    HTML: MediaType("html", HTML),
    TEXT: MediaType("html", "text/html; charset=utf-8"),
}
# The specification: "latest" is answered with the concrete type, never echoed.
_ALIASES = {
    "application/vnd.pypi.simple.latest+json": JSON,
    "application/vnd.pypi.simple.latest+html": HTML,
}
_SHORT_FORMATS = {"json": JSON, "html": TEXT}


# An installer sends the same headers with every request; others cannot fill the memory with theirs.
_remembered = lru_cache(maxsize=64)


@_remembered
def media_type(accept: str | None, requested_format: str | None = None) -> MediaType:
    """The form for an ``Accept`` header and a ``?format=`` parameter, which goes before it.

    A missing or empty ``Accept`` accepts everything. Raises ``NotAcceptable``.
    """
    if requested_format is not None:
        # An unescaped "+" of the media type arrives as a space from form-decoding parsers.
        wanted = requested_format.strip().replace(" ", "+").lower()
        name = _SHORT_FORMATS.get(wanted) or _ALIASES.get(wanted, wanted)
        if name not in _OFFERED:
            raise NotAcceptable(
                f"format {requested_format[:100]!r} is not one of json, html, {', '.join(_OFFERED)}"
            )
        return _OFFERED[name]
    return _by_accept(accept)


def _by_accept(accept: str | None) -> MediaType:
    ranges = list(_weighted(accept or "*/*"))
    best: tuple[float, int, int] | None = None
    chosen = JSON
    for preference, offered in enumerate((TEXT, HTML, JSON)):
        weight, specificity = _weight(offered, ranges)
        # Where a client names JSON beside HTML with the same weight it can read both: JSON has
        # more in it. Where it only said */*, a person or an old tool gets HTML, as from the public index.
        rank = (weight, min(specificity, 2), preference if specificity == 3 else -preference)
        if weight > 0 and (best is None or rank > best):
            best, chosen = rank, offered
    if best is None:
        raise NotAcceptable(f"Accept: {accept!r:.200} allows none of {', '.join(_OFFERED)}")
    return _OFFERED[chosen]


def _weight(offered: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """The weight of a type by the most specific range that matches it, and how specific it is."""
    candidates = (offered, offered.split("/")[0] + "/*", "*/*")
    for specificity, candidate in zip((3, 2, 1), candidates, strict=True):
        weights = [weight for name, weight in ranges if name == candidate]
        if weights:
            return max(weights), specificity
    return 0.0, 0


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                weight = _quality(value.strip())
        if name:
            yield _ALIASES.get(name, name), weight


def _quality(value: str) -> float:
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


@_remembered
def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether a client takes gzip (RFC 9110, 12.5.3): named, or by ``*``, with a weight above 0.

    Not where it would rather have the page as it is.
    """
    weights = dict(_weighted(accept_encoding or ""))
    weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return weight > 0 and weight >= weights.get("identity", 0.0)
