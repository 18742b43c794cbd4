"""The CloudFront function that chooses the page of an export, run by node."""

import json
import subprocess
from shutil import which
from typing import Any

import pytest

import tools
from indexes import HTML, JSON

FUNCTION = tools.ROOT / "examples/cloudfront-index.js"

pytestmark = pytest.mark.skipif(which("node") is None, reason="node is not installed")


def handled(uri: str, accept: str | None) -> dict[str, Any]:
    """What the function makes of a viewer request."""
    headers = {} if accept is None else {"accept": {"value": accept}}
    event = {"request": {"method": "GET", "uri": uri, "headers": headers}}
    script = f"{FUNCTION.read_text()}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))"
    done = subprocess.run(["node", "-e", script], capture_output=True, check=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    ("uri", "accept", "asked"),
    [
        ("/simple/", f"{JSON}, {HTML};q=0.2", "/simple/index.json"),
        ("/simple/acme/", "application/vnd.pypi.simple.latest+json", "/simple/acme/index.json"),
        ("/simple/acme/", "text/html", "/simple/acme/index.html"),
        ("/simple/acme/", None, "/simple/acme/index.html"),
        ("/simple/acme/acme-1.0.tar.gz", JSON, "/simple/acme/acme-1.0.tar.gz"),
    ],
)
def test_page(uri: str, accept: str | None, asked: str) -> None:
    """Who accepts JSON is given the JSON page, everybody else the HTML one; files are left alone."""
    assert handled(uri, accept)["uri"] == asked


def test_slash() -> None:
    """A project's page without its slash is redirected there."""
    answer = handled("/simple/acme", JSON)
    assert (answer["statusCode"], answer["headers"]["location"]["value"]) == (301, "/simple/acme/")


def test_manifest() -> None:
    """What the next export wants to know is nobody else's business."""
    assert handled("/simple/.wheelyard-export.json", None)["statusCode"] == 404
