"""Through every front the real application answers as it does when asked directly."""

import gzip
import json
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from fronts import BASE_PATH, FRONTS
from fronts.wire import Front, Received, Sent
from requests_of_clients import PIP, READER, SENT, upload
from sample_events import FOLDER, Sample, http_samples
from wheelyard.access.users import Users
from wheelyard.entry.application import application
from wheelyard.entry.events import from_response, to_request
from wheelyard.entry.http import FileBody, Request, Response
from wheelyard.entry.routes import Application
from wheelyard.settings import Settings
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store

PLENTY = 400
"""Files of a project whose page, not compressed, is more than a viewer request's answer can carry."""


def signed(method: str, key: str) -> str:
    """A link such as presigning makes."""
    return f"https://packages-example.s3.eu-west-1.example/{key}?X-Amz-Expires=900&method={method}"


def index(store: Store) -> Application:
    """The application over a store with two users, one project and one with plenty of files."""
    users = Users(store)
    users.put("reader", "example-password")
    users.put("writer", "example-password", upload=True)
    names = [f"plenty-{number}.tar.gz" for number in range(PLENTY)]
    files = [{"filename": name, "url": name, "hashes": {"sha256": "0" * 64}} for name in names]
    document = {"meta": {"api-version": "1.0"}, "name": "plenty", "files": files}
    store.put("projects/plenty.json", json.dumps(document).encode())
    app = application(Settings.from_env({}), store)
    assert directly(app, FRONTS["function-url"], upload()).status == 200
    return app


@pytest.fixture(scope="module")
def redirecting() -> Application:
    """An index whose files are fetched from the store by links, as on S3."""
    return index(ObjectStore(MemoryStore(), sign=signed))


@pytest.fixture(scope="module")
def serving() -> Application:
    """An index that serves its files itself."""
    return index(ObjectStore(MemoryStore()))


def directly(app: Application, front: Front, sent: Sent) -> Received:
    """What the application answers when it is asked without any event."""
    headers: dict[str, str] = {}
    for key, value in sent.headers:
        name = key.lower()
        headers[name] = f"{headers[name]}, {value}" if front.repeats and name in headers else value
    path = sent.path if "%" not in sent.path else DECODED[sent.path]
    request = Request(sent.method, path, sent.query, headers, (sent.body,), base=front.base)
    response = app(request._replace(host=front.host))
    return Received(response.status, response.headers, whole(response))


DECODED = {
    "/simple/acme-widgets/acme_widgets-1.0%2Blocal.1-py3-none-any.whl": (
        "/simple/acme-widgets/acme_widgets-1.0+local.1-py3-none-any.whl"
    ),
    "/simple/Acme_Widgets/a-1%2Bb.tar.gz": "/simple/Acme_Widgets/a-1+b.tar.gz",
    "/simple/acme%20widgets/": "/simple/acme widgets/",
    "/simple/w%C3%BCrfel/%F0%9F%93%A6.whl": "/simple/würfel/📦.whl",
    "/simple/%FF/": "/simple/\ufffd/",
    "/simple/a%252Bb/100%25/": "/simple/a%2Bb/100%/",
    "/simple/a%2Fb/": "/simple/a/b/",
    "/%73imple/%61cme/": "/simple/acme/",
    "/%2Bsimple/acme-widgets/": "/+simple/acme-widgets/",
}
"""The encoded paths of the table by hand: the answers' own check on decoding."""


def whole(response: Response) -> bytes:
    """A response's body."""
    assert not isinstance(response.body, FileBody)
    return response.body if isinstance(response.body, bytes) else b"".join(response.body)


def through(app: Application, front: Front, event: object) -> Received:
    """What the client gets for an event."""
    request = to_request(event, None, BASE_PATH)
    assert request is not None
    return front.received(json.loads(json.dumps(from_response(event, app(request)))))


def assert_same(received: Received, expected: Received, front: Front) -> None:
    """Both are one answer; header names may be in another order."""
    hidden = {"content-length"} if "edge" in front.name else set()
    assert (received.status, received.body) == (expected.status, expected.body)
    headers = [pair for pair in expected.headers if pair[0] not in hidden]
    assert sorted(received.headers) == sorted(headers)


every_front = pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS.keys())
every_request = pytest.mark.parametrize("sent", SENT.values(), ids=SENT.keys())


@every_front
@every_request
def test_with_credentials(redirecting: Application, front: Front, sent: Sent) -> None:
    """Every request of the table has the same answer through every front."""
    if all(name.lower() != "authorization" for name, _ in sent.headers):
        sent = sent._replace(headers=sent.headers + READER)
    expected = directly(redirecting, front, sent)
    assert expected.status != 500
    assert_same(through(redirecting, front, front.event(sent)), expected, front)


@every_front
def test_without_credentials(redirecting: Application, front: Front) -> None:
    """Without credentials the answer is 401 and the challenge."""
    received = through(redirecting, front, front.event(SENT["no credentials"]))
    assert received.status == 401
    assert received.values("www-authenticate")[0].startswith("Basic ")
    assert_same(received, directly(redirecting, front, SENT["no credentials"]), front)


@every_front
def test_file(redirecting: Application, front: Front) -> None:
    """A file is a redirect to a link for the method that was asked."""
    for method in ("GET", "HEAD"):
        received = through(redirecting, front, front.event(SENT["file"]._replace(method=method)))
        assert received.status == 302
        assert received.values("location")[0].endswith(f"&method={method}")
        assert received.body == b""


@every_front
def test_file_served_here(serving: Application, front: Front) -> None:
    """Where the store has no links, the bytes of a small file go through the front."""
    received = through(serving, front, front.event(SENT["file"]))
    assert received.status == 200
    assert received.body.startswith(b"PK\x03\x04")
    assert_same(received, directly(serving, front, SENT["file"]), front)


@every_front
def test_compressed_page(serving: Application, front: Front) -> None:
    """A page is gzipped for pip, and comes out as the same bytes."""
    sent = Sent("GET", "/simple/plenty/", headers=PIP + READER)
    received = through(serving, front, front.event(sent))
    assert received.values("content-encoding") == ["gzip"]
    assert len(json.loads(gzip.decompress(received.body))["files"]) == PLENTY
    assert_same(received, directly(serving, front, sent), front)


PLENTY_PAGE = Sent("GET", "/simple/plenty/", headers=(("Accept", "text/html"), *READER))


@every_front
@pytest.mark.parametrize("path", ["/simple/plenty/", "/+simple/plenty/", "/legacy/+simple/plenty"])
def test_page_too_large_for_a_viewer_request(
    redirecting: Application, front: Front, path: str
) -> None:
    """A page that only a viewer request's answer cannot carry is a redirect there, a page elsewhere."""
    received = through(redirecting, front, front.event(PLENTY_PAGE._replace(path=path)))
    assert received.status == (302 if front.name == "edge-viewer" else 200)


def test_page_too_large_and_nowhere_to_go(serving: Application) -> None:
    """Where the store has no links either, the client is told that the page is too large."""
    front = FRONTS["edge-viewer"]
    received = through(serving, front, front.event(PLENTY_PAGE))
    assert received.status == 507
    assert json.loads(received.body)["title"] == "Response too large"


def test_upload_that_cloudfront_cut_off(serving: Application) -> None:
    """An upload that CloudFront cut off is refused for its size, and not stored."""
    front = FRONTS["edge-viewer"]
    event = front.event(upload())
    event["Records"][0]["cf"]["request"]["body"]["inputTruncated"] = True
    assert through(serving, front, event).status == 413


@pytest.mark.parametrize(("name", "sample"), http_samples().items(), ids=http_samples().keys())
def test_sample(redirecting: Application, name: str, sample: Sample) -> None:
    """Every sample event has the answer that its request has."""
    front = FRONTS[sample.front]
    event = json.loads(Path(FOLDER, f"{name}.json").read_text("utf-8"))
    received = through(redirecting, front, event)
    expected = {"unauthorized": 401, "file": 302}.get(name.rpartition("-")[2], 200)
    assert received.status == expected
    assert_same(received, directly(redirecting, front, sample.sent), front)


def test_pip_s_sample_lists_the_wheel(serving: Application) -> None:
    """The table's page is not empty: it lists the uploaded wheel."""
    front = FRONTS["function-url"]
    plain = tuple(pair for pair in PIP if pair[0] != "Accept-Encoding")
    page = through(serving, front, front.event(SENT["page"]._replace(headers=plain + READER)))
    (file,) = json.loads(page.body)["files"]
    assert file["filename"] == "acme_widgets-1.0-py3-none-any.whl"
