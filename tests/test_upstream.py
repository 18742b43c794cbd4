"""The upstream index that the other tests rely on."""

import json

import pytest
import requests

from distributions import build_wheel
from upstream import JSON, Answer, Upstream

WHEEL = build_wheel("demo", "1.0")


def _page(upstream: Upstream, **headers: str) -> requests.Response:
    return requests.get(f"{upstream.index}/demo/", headers={"accept": JSON, **headers}, timeout=5)


def test_serves_what_was_added(upstream: Upstream) -> None:
    """A file is on its project's page, and its link gives its bytes."""
    upstream.add(WHEEL, metadata=True)
    entry = _page(upstream).json()["files"][0]
    link = requests.compat.urljoin(f"{upstream.index}/demo/", entry["url"])
    assert requests.get(link, timeout=5).content == WHEEL.content
    part = requests.get(link, headers={"range": "bytes=-4"}, timeout=5)
    assert (part.status_code, part.content) == (206, WHEEL.content[-4:])
    assert b"Name: demo" in requests.get(f"{link}.metadata", timeout=5).content


def test_revalidates(upstream: Upstream) -> None:
    """An entity tag is answered with 304 until the project changes."""
    upstream.add(WHEEL)
    tag = _page(upstream).headers["etag"]
    assert _page(upstream, **{"if-none-match": tag}).status_code == 304
    upstream.add(build_wheel("demo", "2.0"))
    assert _page(upstream, **{"if-none-match": tag}).status_code == 200


def test_html(upstream: Upstream) -> None:
    """Without JSON there is HTML, whatever was asked for."""
    upstream.html_only = True
    upstream.add(WHEEL)
    found = _page(upstream)
    assert found.headers["content-type"] == "text/html; charset=UTF-8"
    assert f"#sha256={WHEEL.sha256}" in found.text


def test_misbehaves(upstream: Upstream) -> None:
    """Answers are given in turn, a cut one and a dropped one among them, then the true one again."""
    upstream.add(WHEEL)
    upstream.answer(
        "/simple/demo/", Answer(503), Answer(body=b"{", content_length=9), Answer(drop=True)
    )
    assert _page(upstream).status_code == 503
    for _ in range(2):
        with pytest.raises(requests.RequestException):
            _page(upstream)
    assert _page(upstream).status_code == 200
    assert upstream.paths() == ["/simple/demo/"] * 4


def test_stops_and_starts(upstream: Upstream) -> None:
    """Stopped, not even an open connection is answered; started again, it is where it was."""
    upstream.add(WHEEL)
    with requests.Session() as session:
        session.get(f"{upstream.index}/demo/", timeout=5)
        upstream.stop()
        with pytest.raises(requests.ConnectionError):
            session.get(f"{upstream.index}/demo/", timeout=5)
    upstream.start()
    assert _page(upstream).status_code == 200


def test_root(upstream: Upstream) -> None:
    """The root listing has projects and bare names, with serials where they are switched on."""
    upstream.add(WHEEL)
    upstream.add_names(["another"])
    upstream.serials = True
    found = requests.get(f"{upstream.index}/", headers={"accept": JSON}, timeout=5).content
    listed = json.loads(found)["projects"]
    assert listed == [{"_last-serial": 1, "name": "another"}, {"_last-serial": 2, "name": "demo"}]
