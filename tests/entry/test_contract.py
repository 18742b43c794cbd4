"""The HTTP contract over the one-machine server's socket: each route, for nobody, a reader, an uploader."""

import json
import socket
from collections.abc import Iterator

import pytest

import forms
from distributions import build_sdist, build_wheel
from running import READER, STRANGER, UPLOADER, Account, Index, running

WHEEL = build_wheel("acme-widgets", "1.0")
LOCAL = build_wheel("acme-widgets", "1.0+local.1")
SDIST = build_sdist("acme-widgets", "1.0")
PAGE = "/simple/acme-widgets/"
JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A server with one project."""
    with running(tmp_path_factory.mktemp("index")) as index:
        index.publish(WHEEL, LOCAL, SDIST)
        yield index


# Method and path, the status for a reader, and for an uploader where it is another.
ROUTES = [
    ("GET", "/", 200, 200),
    ("GET", "/simple/", 200, 200),
    ("HEAD", "/simple/", 200, 200),
    ("GET", "/simple", 301, 301),
    ("GET", PAGE, 200, 200),
    ("HEAD", PAGE, 200, 200),
    ("GET", "/simple/acme-widgets", 301, 301),
    ("GET", "/simple/Acme_Widgets/", 301, 301),
    ("GET", "/simple/Acme.Widgets", 301, 301),
    ("GET", f"{PAGE}?format=xml", 406, 406),
    ("GET", f"{PAGE}?format={JSON.replace('+', '%2B')}", 200, 200),
    ("GET", "/simple/unknown-project/", 404, 404),
    ("GET", "/simple/-not-a-name-/", 404, 404),
    ("GET", f"{PAGE}{WHEEL.filename}", 200, 200),
    ("HEAD", f"{PAGE}{WHEEL.filename}", 200, 200),
    ("GET", f"{PAGE}{LOCAL.filename}", 200, 200),
    ("GET", f"{PAGE}{LOCAL.filename.replace('+', '%2B')}", 200, 200),
    ("GET", f"{PAGE}{WHEEL.filename}.metadata", 200, 200),
    ("HEAD", f"{PAGE}{WHEEL.filename}.metadata", 200, 200),
    ("GET", f"{PAGE}{SDIST.filename}.metadata", 404, 404),
    ("GET", f"{PAGE}acme_widgets-9.0-py3-none-any.whl", 404, 404),
    ("GET", f"{PAGE}..%2F..%2F..%2Fusers", 404, 404),
    ("GET", "/simple/../users/", 404, 404),
    ("GET", "/pypi/acme-widgets/json", 200, 200),
    ("GET", "/pypi/acme-widgets/1.0/json", 200, 200),
    ("GET", "/pypi/acme-widgets/9.0/json", 404, 404),
    ("GET", "/pypi/Acme_Widgets/json", 301, 301),
    ("GET", "/pypi/unknown-project/json", 404, 404),
    ("GET", "/+simple/acme-widgets/", 200, 200),
    ("GET", "/%2Bsimple/acme-widgets/", 200, 200),
    ("GET", "/legacy/%2Bsimple/acme-widgets/", 200, 200),
    ("GET", "/simple/%2Bsimple/acme-widgets/", 200, 200),
    ("GET", "/legacy/", 405, 405),
    ("POST", "/", 403, 400),
    ("POST", "/legacy/", 403, 400),
    ("POST", "/legacy", 403, 400),
    ("POST", "/simple/", 403, 400),
    ("POST", PAGE, 405, 405),
    ("PUT", f"{PAGE}{WHEEL.filename}", 405, 405),
    ("DELETE", PAGE, 405, 405),
    ("OPTIONS", "/simple/", 405, 405),
    ("GET", "/users/", 404, 404),
    ("GET", "/nothing/of/the/kind", 404, 404),
    ("POST", "/nothing", 404, 404),
]


@pytest.mark.parametrize(("method", "path", "for_reader", "for_uploader"), ROUTES)
def test_routes(index: Index, method: str, path: str, for_reader: int, for_uploader: int) -> None:
    """Each route answers readers and uploaders as the contract says, errors as problems."""
    for account, expected in ((READER, for_reader), (UPLOADER, for_uploader)):
        answer = index.request(method, path, account)
        assert answer.status == expected
        assert "www-authenticate" not in answer.headers
        if expected >= 400 and method != "HEAD":
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json()) == {"title", "detail", "status"}


def test_nobody(index: Index) -> None:
    """Without credentials, or with wrong ones, every path gives one and the same 401 with a challenge."""
    bodies = set()
    for method, path, *_ in ROUTES:
        for account in (None, STRANGER, Account("no-such-user", "x"), Account("", "")):
            answer = index.request(method, path, account)
            assert answer.status == 401
            assert answer.headers["www-authenticate"].startswith('Basic realm="')
            bodies.add(answer.body if method != "HEAD" else json.dumps(None).encode())
    assert len(bodies) == 2


@pytest.mark.parametrize(
    ("account", "path", "phrase"),
    [
        (None, "/", "This index needs a user name and a password, and these were missing or wrong"),
        (READER, "/simple/unknown-project/", "there is no project 'unknown-project' here"),
        (READER, "/simple/%0D%0AX-Injected:%20x/", None),
        (READER, f"/simple/{'x' * 2000}/", None),
        (READER, "/-/health", "OK"),
    ],
)
def test_the_reason_phrase_says_the_cause(
    index: Index, account: Account | None, path: str, phrase: str | None
) -> None:
    """The phrase behind an error's status is its cause, on one line of bounded length."""
    with index.open("GET", path, account) as answer:
        assert phrase is None or answer.reason == phrase
        assert len(answer.reason) <= 303
        assert answer.reason.isascii()
        assert answer.reason.isprintable()
        names = {name.lower() for name, _ in answer.getheaders()}
    assert names.isdisjoint({"x-wheelyard-reason", "x-injected"})


def test_the_health_check_is_for_everyone(index: Index) -> None:
    """``/-/health`` answers without credentials, and says nothing."""
    answer = index.request("GET", "/-/health")
    assert (answer.status, answer.body) == (200, b"ok\n")
    assert index.request("POST", "/-/health").headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    [
        PAGE,
        f"{PAGE}{WHEEL.filename}",
        f"{PAGE}{WHEEL.filename}.metadata",
        "/simple/",
        "/",
        "/simple",
    ],
)
def test_head_is_get_without_a_body(index: Index, path: str) -> None:
    """A HEAD has the status and the headers of the GET, the length included, and no body."""
    get, head = (index.request(method, path, READER) for method in ("GET", "HEAD"))
    assert (head.status, head.body) == (get.status, b"")
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/simple", "simple/"),
        ("/simple/acme-widgets", "acme-widgets/"),
        ("/simple/Acme_Widgets/?format=x", "../acme-widgets/?format=x"),
        (f"/simple/Acme_Widgets/{LOCAL.filename}", f"../acme-widgets/{LOCAL.filename}"),
        ("/pypi/Acme_Widgets/1.0/json", "../../acme-widgets/1.0/json"),
    ],
)
def test_redirects_are_relative(index: Index, path: str, location: str) -> None:
    """Slash and name are corrected by a relative redirect, which holds under any base path."""
    answer = index.request("GET", path, READER)
    assert (answer.status, answer.headers["location"]) == (301, location)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/html; charset=utf-8"),
        (JSON, JSON),
        (HTML, HTML),
        (f"text/html;q=0.1, {JSON};q=0.9", JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
    ],
)
def test_negotiation(index: Index, accept: str | None, content_type: str) -> None:
    """The form of a page is the one that the client prefers."""
    answer = index.request("GET", PAGE, READER, {"Accept": accept} if accept else {})
    assert answer.headers["content-type"] == content_type
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


def test_nothing_acceptable(index: Index) -> None:
    """A client that takes none of the forms is told so with 406."""
    assert index.request("GET", PAGE, READER, {"Accept": "image/png"}).status == 406


def test_repeated_headers_count_together(index: Index) -> None:
    """Header lines that repeat are one list: each ``Accept`` and each entity tag counts."""
    tag = index.request("GET", PAGE, READER, {"Accept": JSON}).headers["etag"]
    lines = [
        f"GET {PAGE} HTTP/1.1",
        "Host: localhost",
        f"Authorization: {READER.authorization}",
        "Accept: image/png",
        f"Accept: {JSON}",
        'If-None-Match: "other"',
        f"If-None-Match: {tag}",
        "Connection: close",
    ]
    with socket.create_connection(("127.0.0.1", index.port)) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 304 ")


@pytest.mark.parametrize("path", ["/", "/legacy/", "/legacy", "/simple/"])
def test_uploads_are_taken_at_each_address(index: Index, path: str) -> None:
    """The legacy form is taken at every address that a tool may have been given."""
    headers = {"Content-Type": forms.CONTENT_TYPE}
    answer = index.request("POST", path, UPLOADER, headers, forms.encode(forms.parts(WHEEL)))
    assert (answer.status, answer.body) == (
        200,
        b"acme_widgets-1.0-py3-none-any.whl was published before, with the same content\n",
    )


def test_links_of_every_page_lead_to_the_files(index: Index) -> None:
    """Following the links of the JSON page and of the page for hatch gives the files."""
    for file in index.page("acme-widgets")["files"]:
        assert index.request("GET", PAGE + file["url"], READER).status == 200
    for path in ("/+simple/acme-widgets/", "/legacy/+simple/acme-widgets/"):
        page = index.request("GET", path, UPLOADER).body.decode()
        assert f'href="{"../" * path.count("/", 1)}simple/acme-widgets/{WHEEL.filename}#' in page
