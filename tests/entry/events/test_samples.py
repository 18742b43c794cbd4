"""The sample events in ``events/`` are what their names say, and true to the fronts."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from fronts import BASE_PATH, FRONTS
from requests_of_clients import basic, example_wheel
from sample_events import FOLDER, samples, written
from wheelyard.entry.events import from_response, to_request
from wheelyard.entry.http import Response

CONTEXT = SimpleNamespace(aws_request_id="0c4d2f5a-9b1e-4a7c-8a53-6d2b1f0e9c44")
FILES = sorted(FOLDER.glob("*.json"))
HTTP = [
    path
    for path in FILES
    if path.name.startswith(("request-", "upload-")) and "warm" not in path.name
]
UPLOADS = sorted(FOLDER.glob("upload-*.json"))


def _name(path: Path) -> str:
    return path.stem


def test_generated() -> None:
    """The files of the HTTP functions and of the admin function are as the program writes them."""
    found = {path.stem: path.read_text("utf-8") for path in FILES}
    expected = {name: written(event) for name, event in samples().items()}
    assert expected.items() <= found.items(), "run python tests/sample_events.py"


def test_every_front_has_one() -> None:
    """There is a sample page for each front that the fronts' tests know."""
    names = {path.stem for path in FILES}
    pages = {f"request-{front}-page" for front in FRONTS if front != "function-url"}
    assert pages | {"request-function-url-page-pip", "upload-function-url"} <= names


@pytest.mark.parametrize("path", HTTP, ids=_name)
def test_http(path: Path) -> None:
    """Each sample for the request and the upload function is a request, and can be answered."""
    event = json.loads(path.read_text("utf-8"))
    request = to_request(event, CONTEXT, BASE_PATH)
    assert request is not None
    assert (
        request.path.startswith(("/simple/", "/legacy/", "/-/health")) or request.method == "POST"
    )
    assert request.host
    assert request.client == "203.0.113.10"
    assert from_response(event, Response(200, (), b"page"))["body"] == "page"


@pytest.mark.parametrize("path", sorted(set(FILES) - set(HTTP)), ids=_name)
def test_not_http(path: Path) -> None:
    """Each other sample is no request: the function that gets it sees that."""
    assert to_request(json.loads(path.read_text("utf-8")), CONTEXT, BASE_PATH) is None


@pytest.mark.parametrize("path", UPLOADS, ids=_name)
def test_upload(path: Path) -> None:
    """Each upload holds twine's form with the example wheel in it, from the example writer."""
    request = to_request(json.loads(path.read_text("utf-8")), CONTEXT, BASE_PATH)
    if request is None:  # what S3 tells the upload function is no form
        return
    body = b"".join(request.body)
    assert b'name=":action"\r\n\r\nfile_upload\r\n' in body
    assert example_wheel().content in body
    assert request.headers["content-length"] == str(len(body))
    assert request.headers["authorization"] == basic("writer")
