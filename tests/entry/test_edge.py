"""entry.edge: the guard of a static export at CloudFront's edge."""

import json
from datetime import timedelta
from typing import Any

import pytest

import lambdas
from fronts import FRONTS
from fronts.wire import Received, Sent
from requests_of_clients import PIP, UV, basic
from sample_events import FOLDER
from servers import S3Server
from wheelyard.access.rights import rights
from wheelyard.access.tokens import Tokens
from wheelyard.access.users import Users
from wheelyard.entry.edge import Handler, edge_handler
from wheelyard.errors import InvalidSetting
from wheelyard.storage.opening import open_bucket

FRONT = FRONTS["edge-viewer"]
NOW = 1_790_000_000.0
WHEEL = "/simple/acme-widgets/acme_widgets-1.0+local.1-py3-none-any.whl"


@pytest.fixture(scope="module", params=["", "some/prefix"])
def environ(request: pytest.FixtureRequest, s3_weed: S3Server) -> dict[str, str]:
    """A function's environment, with a bucket, on an S3 that checks signatures, that knows some users."""
    environ = lambdas.environment(s3_weed, s3_weed.new_bucket(), REPO_BASE_PREFIX=request.param)
    users = Users(open_bucket(environ, 900))
    users.put("reader", "example-password")
    users.put("partner", "example-password", rights=rights(False, ["acme-widgets"]))
    return environ


@pytest.fixture
def guard(environ: dict[str, str]) -> Handler:
    """The function, with its configuration baked in."""
    return edge_handler(configuration(environ), environ)


def configuration(environ: dict[str, str]) -> dict[str, Any]:
    """What the build bakes in."""
    return {
        "bucket": environ["BUCKET"],
        "region": environ["AWS_REGION"],
        "prefix": environ["REPO_BASE_PREFIX"],
        "json": True,
    }


def sent(path: str, user: str = "reader", method: str = "GET", accept: str = "*/*") -> Sent:
    """A viewer's request, with credentials."""
    return Sent(method, path, "", (("Authorization", basic(user)), ("Accept", accept)))


def answered(guard: Handler, request: Sent) -> Received:
    """The answer that the function gives in place of the export's."""
    return FRONT.received(guard(FRONT.event(request), None))


def passed(guard: Handler, request: Sent) -> str:
    """The path that the function lets the request through to."""
    result = guard(FRONT.event(request), None)
    assert "status" not in result, result
    assert "authorization" not in result["headers"]
    assert result["querystring"] == ""
    return str(result["uri"])


@pytest.mark.parametrize(
    ("path", "accept", "uri"),
    [
        ("/simple/", "text/html", "/simple/index.html"),
        ("/simple/", dict(PIP)["Accept"], "/simple/index.json"),
        ("/simple/acme-widgets/", dict(UV)["accept"], "/simple/acme-widgets/index.json"),
        ("/simple/acme-widgets/", "*/*", "/simple/acme-widgets/index.html"),
        (WHEEL, "*/*", WHEEL.replace("+", "%2B")),
        (WHEEL.replace("+", "%2B"), "*/*", WHEEL.replace("+", "%2B")),
        (f"{WHEEL}.metadata", "*/*", f"{WHEEL}.metadata".replace("+", "%2B")),
        ("/simple/acme-widgets/..%2Fusers", "*/*", None),
    ],
)
def test_let_through(guard: Handler, path: str, accept: str, uri: str | None) -> None:
    """Who has credentials comes to the export's object, pages in the form that they accept."""
    if uri is None:
        assert answered(guard, sent(path, accept=accept)).status == 404
    else:
        assert passed(guard, sent(path, accept=accept)) == uri
        assert passed(guard, sent(path, method="HEAD", accept=accept)) == uri


def test_only_html(environ: dict[str, str]) -> None:
    """An export without JSON has one form of each page."""
    guard = edge_handler(configuration(environ) | {"json": False}, environ)
    assert passed(guard, sent("/simple/", accept=dict(PIP)["Accept"])) == "/simple/index.html"


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/simple", "simple/"),
        ("/simple/acme-widgets", "acme-widgets/"),
        ("/simple/Acme_Widgets/", "../acme-widgets/"),
        ("/simple/Acme.Widgets/a-1+b.tar.gz", "../acme-widgets/a-1%2Bb.tar.gz"),
    ],
)
def test_redirects(guard: Handler, path: str, location: str) -> None:
    """Names lead to where the index would lead them."""
    answer = answered(guard, sent(path))
    assert answer.status == 301
    assert answer.values("location") == [location]


@pytest.mark.parametrize(
    "path", ["/", "/simple/", "/simple/x/", "/packages/x", "/.wheelyard-export.json"]
)
@pytest.mark.parametrize(
    "authorization", [None, "Basic", basic("nobody"), basic("reader")[:-4] + "AAA="]
)
def test_without_credentials(guard: Handler, path: str, authorization: str | None) -> None:
    """Without right credentials every path has the same answer, 401 with the challenge."""
    headers = () if authorization is None else (("Authorization", authorization),)
    answer = answered(guard, Sent("GET", path, headers=headers))
    assert answer.status == 401
    assert answer.values("www-authenticate")[0].startswith("Basic realm=")
    assert answer.values("cache-control") == ["no-store"]
    assert json.loads(answer.body)["title"] == "Authentication required"


def test_others(guard: Handler) -> None:
    """Health needs no credentials; there are no other paths, and no other methods."""
    assert answered(guard, Sent("GET", "/-/health")).status == 200
    assert answered(guard, sent("/no/such/path")).status == 404
    assert answered(guard, sent("/simple/", method="POST")).status == 405


def test_limited_user(guard: Handler) -> None:
    """Who may read some projects comes to those; the others look as if they were not there."""
    assert passed(guard, sent("/simple/acme-widgets/", "partner")).startswith("/simple/acme-")
    assert answered(guard, sent("/simple/other/", "partner")).status == 404
    assert answered(guard, sent("/simple/", "partner")).status == 403


def test_token(guard: Handler, environ: dict[str, str]) -> None:
    """API tokens are as good as passwords, until they end."""
    store = open_bucket(environ, 900)
    made = Tokens(store, lambda: NOW).create("reader", rights(False), None, "")
    past = Tokens(store, lambda: NOW - 1e8).create("reader", rights(False), timedelta(days=1), "")
    for secret, status in ((made.secret, None), (past.secret, 401)):
        event = lambdas.get("/simple/", "__token__", secret)["headers"]["authorization"]
        request = Sent("GET", "/simple/", headers=(("Authorization", event),))
        if status is None:
            assert passed(guard, request) == "/simple/index.html"
        else:
            assert answered(guard, request).status == status


def test_store_that_does_not_answer(environ: dict[str, str]) -> None:
    """Where users cannot be read nobody is let through, and it is not called their fault."""
    for wrong in (
        {"AWS_SECRET_ACCESS_KEY": "wrong"},
        {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"},
    ):
        guard = edge_handler(configuration(environ), environ | wrong)
        assert answered(guard, sent("/simple/")).status == 503
    guard = edge_handler(configuration(environ) | {"bucket": "no-such-bucket"}, environ)
    assert answered(guard, sent("/simple/")).status == 503


def test_sample(guard: Handler) -> None:
    """The sample event of a viewer request is let through."""
    event = json.loads((FOLDER / "request-edge-viewer-page.json").read_text("utf-8"))
    assert guard(event, None)["uri"] == "/simple/acme-widgets/index.json"


def test_wrong_configuration(environ: dict[str, str]) -> None:
    """A configuration without its bucket stops the function when it starts."""
    with pytest.raises(InvalidSetting, match="bucket"):
        edge_handler({"region": "eu-central-1"}, environ)
