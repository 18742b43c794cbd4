"""Trusted publishing over HTTP, as clients call it."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from obstore.store import MemoryStore

import lambdas
from distributions import build_wheel
from indexes import UPLOADER, Index, content
from issuers import AUDIENCE, REPOSITORY, Issuer
from servers import S3Server
from wheelyard.access.issuers import SigningKeys
from wheelyard.access.minting import Mint
from wheelyard.access.publishers import TrustedPublishers
from wheelyard.audit.trail import Trail
from wheelyard.entry.functions import http_handler
from wheelyard.entry.http import Request, Response
from wheelyard.entry.oidc import TrustedPublishing
from wheelyard.errors import MethodNotAllowed, NotFound
from wheelyard.storage.objects import ObjectStore

BEGINNING = datetime.now(UTC) - timedelta(minutes=1)
MINT = "/_/oidc/mint-token"


@pytest.fixture
def index() -> Index:
    """An index."""
    return Index(ObjectStore(MemoryStore()))


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    """A provider."""
    return Issuer()


@pytest.fixture
def publishing(index: Index, issuer: Issuer) -> TrustedPublishing:
    """Trusted publishing into the index, by one repository."""
    TrustedPublishers(index.store).add("github", {"repository": REPOSITORY}, ["acme-*"], issuer.url)
    mint = Mint(index.store, SigningKeys(time.monotonic, issuer.fetch), AUDIENCE, time.time)
    return TrustedPublishing(mint, AUDIENCE, time.time, Trail(index.store))


def post(publishing: TrustedPublishing, path: str, *body: bytes) -> Response:
    """One request, with the body in these chunks."""
    return publishing(Request("POST", path, "", {}, body))


def document(response: Response) -> dict[str, object]:
    """The JSON of an answer; its type is exactly what uv reads."""
    assert response.header("content-type") == "application/json"
    assert response.header("cache-control") == "no-store"
    read: dict[str, object] = json.loads(content(response))
    return read


def refusal(response: Response) -> dict[str, str]:
    """The one error of an answer that refuses."""
    answer = document(response)
    assert answer["message"] == "Token request failed"
    errors = answer["errors"]
    assert isinstance(errors, list)
    assert [error.keys() for error in errors] == [{"code", "description"}]
    found: dict[str, str] = errors[0]
    return found


def test_from_identity_to_upload(
    index: Index, publishing: TrustedPublishing, issuer: Issuer
) -> None:
    """The token is good for an upload of its projects as ``__token__``, and for nothing once burnt."""
    body = json.dumps({"token": issuer.token()}).encode()
    minted = post(publishing, MINT, body[:10], body[10:])
    answer = document(minted)
    assert minted.status == 200
    assert answer.keys() == {"success", "token", "expires"}
    assert answer["success"] is True
    assert isinstance(answer["expires"], int)
    assert 890 <= answer["expires"] - time.time() <= 900
    user = ("__token__", str(answer["token"]))
    assert index.upload(build_wheel("acme-tools", "1.0"), user=user).status == 200
    assert index.upload(build_wheel("other", "1.0"), user=user).status == 403
    assert index.ask("GET", "/+simple/acme-tools/", user).status == 200
    index.upload(build_wheel("other", "1.0"), user=UPLOADER)
    assert index.ask("GET", "/simple/other/", user).status == 404
    burnt = post(publishing, "/_/oidc/burn-token", json.dumps({"token": user[1]}).encode())
    assert burnt.status == 202
    trail = [
        (event.change.action, event.actor.user, event.change.details["subject"])
        for event in Trail(index.store).between(BEGINNING, datetime.now(UTC))
        if event.change.action.endswith("-token")
    ]
    minted_id = str(answer["token"])[5:17]
    assert trail == [
        (action, f"github:{REPOSITORY}", minted_id) for action in ("revoke-token", "create-token")
    ]
    fresh = Index(index.store)
    assert fresh.upload(build_wheel("acme-tools", "1.1"), user=user).status == 401


def test_burning_tells_nothing(publishing: TrustedPublishing) -> None:
    """Whether or not there was such a token, the answer is the same."""
    answers = [
        post(publishing, "/_/oidc/burn-token", json.dumps({"token": token}).encode())
        for token in ("x", "whyd_nothing")
    ]
    assert answers[0] == answers[1]
    assert answers[0].status == 202


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'"x"',
        b'{"token": 7}',
        b'{"token": ""}',
        b"[" * 10_000,
        b"x" * 70_000,
    ],
)
@pytest.mark.parametrize("path", [MINT, "/_/oidc/burn-token"])
def test_wrong_payloads(publishing: TrustedPublishing, path: str, body: bytes) -> None:
    """A body that is not what clients send is 422, with code and description."""
    refused = post(publishing, path, body)
    assert refused.status == 422
    assert refusal(refused)["code"] == "invalid-payload"
    assert refusal(refused)["description"]


def test_refusals_are_counted(
    publishing: TrustedPublishing, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused identity is a metric by its cause, and stands in no log line."""
    text = issuer.token(repository="stranger/tools")
    refused = post(publishing, MINT, json.dumps({"token": text}).encode())
    assert refused.status == 422
    assert refusal(refused)["code"] == "invalid-publisher"
    (record,) = [vars(r) for r in caplog.records if r.name == "wheelyard.metrics"]
    assert record["code"] == "invalid-publisher"
    assert record["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] == record["message"]
    assert text not in str(record)


def test_a_provider_that_is_down(publishing: TrustedPublishing, index: Index) -> None:
    """Where the provider cannot be asked, the answer says so and when to come again."""
    TrustedPublishers(index.store).add("oidc", {"sub": "x"}, ["x"], "https://gone.example")
    gone = Issuer("https://gone.example")
    refused = post(publishing, MINT, json.dumps({"token": gone.token(sub="x")}).encode())
    assert refused.status == 503
    assert refused.header("retry-after") == "60"
    assert refusal(refused)["code"] == "issuer-unavailable"


def test_methods_and_paths(publishing: TrustedPublishing) -> None:
    """Each path has its method; others are not there."""
    for method, path in [
        ("POST", "/_/oidc/audience"),
        ("GET", MINT),
        ("PUT", "/_/oidc/burn-token"),
    ]:
        with pytest.raises(MethodNotAllowed):
            publishing(Request(method, path, "", {}))
    with pytest.raises(NotFound):
        publishing(Request("GET", "/_/oidc/nothing", "", {}))


def test_the_audience(index: Index) -> None:
    """The audience is told without credentials, and is the one that is set."""
    told = index.ask("GET", "/_/oidc/audience", None)
    assert (told.status, document(told)) == (200, {"audience": "wheelyard"})
    other = Index(index.store, {"OIDC_AUDIENCE": "acme/index"})
    assert document(other.ask("GET", "/_/oidc/audience", None)) == {"audience": "acme/index"}


def test_without_credentials(index: Index) -> None:
    """None of the addresses asks for credentials; wrong methods and paths are said as such."""
    assert index.ask("POST", MINT, None, body=[b"{}"]).status == 422
    assert index.ask("GET", MINT, None).status == 405
    assert index.ask("GET", "/_/oidc/", None).status == 404
    assert index.ask("GET", "/_/elsewhere", None).status == 401


def test_on_lambda_it_is_the_upload_function_s(s3_moto: S3Server) -> None:
    """The function for readers cannot make tokens and has none of the addresses."""
    environ = lambdas.environment(s3_moto, s3_moto.new_bucket())
    for uploads, status in ((True, 200), (False, 404)):
        answer = http_handler(environ, uploads=uploads)(lambdas.get("/_/oidc/audience"), None)
        assert answer["statusCode"] == status
