"""Which form of a page a client gets."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import NotAcceptable
from wheelyard.protocol.negotiation import accepts_gzip, media_type

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
TEXT = "text/html; charset=utf-8"
PIP = f"{JSON}, {HTML}; q=0.1, text/html; q=0.01"
UV = f"{JSON}, {HTML};q=0.2, text/html;q=0.01"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        (PIP, JSON),
        (UV, JSON),
        (f"{JSON}, */*;q=0.1", JSON),
        (BROWSER, TEXT),
        ("text/html", TEXT),
        ("text/*", TEXT),
        (HTML, HTML),
        (JSON.upper(), JSON),
        (f"text/html, {JSON}", JSON),
        (f"{HTML}, text/html", HTML),
        (f"{JSON};q=0.4, text/html;q=0.5", TEXT),
        (f"{JSON};q=0, */*", TEXT),
        (f"text/html;q=0, {HTML};q=0, */*;q=0.1", JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("application/vnd.pypi.simple.latest+html", HTML),
        ("application/vnd.pypi.simple.v2+json, text/html;q=0.1", TEXT),
    ],
)
def test_accept(accept: str | None, expected: str) -> None:
    """Weights decide; then what the client named; then JSON, or HTML for who takes anything."""
    assert media_type(accept).content_type == expected


@pytest.mark.parametrize(
    "accept",
    ["application/json", "image/png, */*;q=0", f"{JSON};q=0", "text/html;q=nonsense", ",", ";q=1"],
)
def test_nothing_acceptable(accept: str) -> None:
    """A client that takes none of the forms is told which there are."""
    with pytest.raises(
        NotAcceptable, match=r"allows none of application/vnd\.pypi\.simple\.v1\+json"
    ):
        media_type(accept)


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        ("json", JSON),
        ("html", TEXT),
        (JSON, JSON),
        (JSON.replace("+", " "), JSON),
        (HTML, HTML),
        ("text/html", TEXT),
        ("application/vnd.pypi.simple.latest+json", JSON),
    ],
)
def test_format_goes_before_accept(requested: str, expected: str) -> None:
    """A form named in the URL is sent whatever the header says."""
    assert media_type("image/png", requested).content_type == expected


@pytest.mark.parametrize("requested", ["", "xml", "application/json", "json,html"])
def test_an_unknown_format_is_refused(requested: str) -> None:
    """A form that there is not is refused, with the value."""
    with pytest.raises(NotAcceptable, match="is not one of json, html"):
        media_type(None, requested)


@given(st.text(max_size=200))
def test_no_header_is_too_odd(header: str) -> None:
    """Any text gives a form or a refusal."""
    with suppress(NotAcceptable):
        media_type(header)
    accepts_gzip(header)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("gzip, deflate", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("zstd, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=0.5, identity", False),
        ("identity", False),
        ("*", True),
        ("*, gzip;q=0", False),
        ("br;q=1, *;q=0", False),
    ],
)
def test_gzip(header: str | None, expected: bool) -> None:
    """Gzip is for who names it, or anything, with a weight above zero."""
    assert accepts_gzip(header) is expected
