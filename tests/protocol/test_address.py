"""A server's address, taken apart."""

from urllib.parse import urlsplit

import pytest

from wheelyard.protocol.address import parse_address


@pytest.mark.parametrize(
    "text",
    [
        "https://index.example",
        "https://index.example/",
        "http://INDEX.example:8080/simple/",
        "https://index.example:/simple",
        "https://user@index.example/simple/",
        "https://user:p@ss:word@index.example:443/simple/%20",
        "https://:secret@index.example/a@b:c/",
        "http://127.0.0.1:1/x y",
        "http://[::1]:65535/simple/",
        "http://[fd00::ABCD]",
        "https://b\u00fccher.example/simple/",
    ],
)
def test_parts(text: str) -> None:
    """The parts are those that urllib finds."""
    expected = urlsplit(text)
    found = parse_address(text)
    assert found is not None
    assert found.host.strip("[]") == expected.hostname
    assert found.userinfo == (
        expected.netloc.rpartition("@")[0] if "@" in expected.netloc else None
    )
    assert (found.scheme, found.port, found.path) == (
        expected.scheme,
        expected.port,
        expected.path,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "index.example",
        "ftp://index.example/",
        "https:/index.example/",
        "https://",
        "https:///simple/",
        "https://user@/simple/",
        "https://:443/",
        "https://index.example:port/",
        "https://index.example:0/",
        "https://index.example:65536/",
        "https://index.example:\u0661/",
        "https://index.example/?a=b",
        "https://index.example?a=b",
        "https://index.example/#a",
        "https://index example/",
        "https://[::1/",
        "https://::1/",
        "https://[index.example]/",
    ],
)
def test_not_an_address(text: str) -> None:
    """What has no host, another scheme, an impossible port, a query or a fragment is none."""
    assert parse_address(text) is None
