"""Each way in that the template offers, with the real clients."""

import io
import json
import secrets
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import clients
import emulator
import tools
from clients import PUBLISHER, User
from distributions import BuiltDistribution, build_wheel
from stack import Stack, client, deployed

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]

READER = User("reader", "correct horse battery")
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture(scope="module", params=["FunctionUrl", "HttpApi", "RestApi"])
def front(
    request: pytest.FixtureRequest, built: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack with each front in turn, its users and a published wheel."""
    with emulator.running(tmp_path_factory.mktemp("ministack")) as aws:
        stack = deployed(aws, built / "template.yaml", Front=request.param)
        fields = {"username": PUBLISHER.name, "password": PUBLISHER.password, "upload": True}
        stack.administer({"putUser": fields})
        stack.administer({"putUser": {"username": READER.name, "password": READER.password}})
        done = clients.twine(stack, PUBLISHER, tmp_path_factory.mktemp("published"), WHEEL)
        assert done.returncode == 0, done.stdout
        yield stack


WHEEL: BuiltDistribution = build_wheel("acme-rocket", "1.0")


def test_pip_downloads(front: Stack, tmp_path: Path) -> None:
    """What twine published, pip downloads byte for byte."""
    tools.run(
        "pip",
        *("download", "--isolated", "--no-cache-dir", "--dest", tmp_path),
        *("--index-url", READER.within(front.index_url), "acme-rocket==1.0"),
        environ=tools.environment(PIP_CONFIG_FILE="/dev/null"),
    )
    assert (tmp_path / WHEEL.filename).read_bytes() == WHEEL.content


def test_uv_installs(front: Stack, tmp_path: Path) -> None:
    """uv installs it."""
    tools.run(
        "uv",
        *("pip", "install", "--no-config", "--no-cache", "--target", tmp_path),
        *("--index-url", READER.within(front.index_url), "acme-rocket"),
        environ=tools.environment(UV_FIND_LINKS=""),
    )
    assert (tmp_path / "acme_rocket").is_dir()


def test_twine_uploads_again(front: Stack, tmp_path: Path) -> None:
    """An upload that came through once comes through again, and a reader's does not."""
    assert clients.twine(front, PUBLISHER, tmp_path, WHEEL).returncode == 0
    refused = clients.twine(front, READER, tmp_path, WHEEL)
    assert refused.returncode != 0
    assert "403" in refused.stdout


def test_compressed_page(front: Stack) -> None:
    """A gzipped page arrives as the bytes that the function made."""
    page = clients.get(f"{front.index_url}acme-rocket/", READER, accept=JSON)
    (file,) = json.loads(page.body)["files"]
    assert file["filename"] == WHEEL.filename
    metadata = clients.get(f"{front.index_url}acme-rocket/{WHEEL.filename}.metadata", READER)
    assert metadata.status == 200
    assert b"Name: acme-rocket" in metadata.body


def test_each_method_reaches_its_function(front: Stack) -> None:
    """GET and HEAD are answered by the one function, POST and all else by the one that takes uploads."""
    root = front.index_url.removesuffix("simple/")
    assert ask("GET", f"{root}simple/acme-rocket/", READER) == 200
    assert ask("HEAD", f"{root}simple/acme-rocket/", READER) == 200
    assert ask("HEAD", f"{root}", READER) == 200
    assert ask("DELETE", f"{root}simple/acme-rocket/", READER) == 405
    assert ask("POST", front.upload_url, READER) == 403
    assert ask("POST", front.upload_url, PUBLISHER) == 400


def test_without_credentials(front: Stack) -> None:
    """Health answers everybody; anything else is 401 with the challenge."""
    root = front.index_url.removesuffix("simple/")
    assert ask("GET", f"{root}-/health") == 200
    for path in ("", "simple/", "simple/acme-rocket/", "no/such/path"):
        answer = clients.get(f"{root}{path}")
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert ask("POST", front.upload_url) == 401
    assert clients.get(front.index_url, User("reader", secrets.token_hex())).status == 401


def test_only_the_deployed_front(front: Stack) -> None:
    """There is an address for each function only where Function URLs are the front."""
    functions = front.client("lambda")
    names = [function["FunctionName"] for function in functions.list_functions()["Functions"]]
    urls = [
        config["FunctionUrl"]
        for name in names
        for config in functions.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    ]
    assert len(urls) == (2 if "/lambda-url/" in front.index_url else 0)


AUTHORIZER = """
def handler(event, context):
    allowed = event["headers"].get("authorization", "").startswith("Basic cmVhZGVy")  # reader
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if allowed else "Deny",
        "Resource": event.get("methodArn") or event.get("routeArn"),
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "someone", "policyDocument": document}
"""


@pytest.fixture(scope="module")
def guarded(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose front asks a function of somebody's own, which lets only the reader pass."""
    with emulator.running(tmp_path_factory.mktemp("ministack")) as aws:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("authorizer.py", AUTHORIZER)
        arn = client(aws, "lambda").create_function(
            FunctionName="authorizer",
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/authorizer",
            Handler="authorizer.handler",
            Code={"ZipFile": code.getvalue()},
        )["FunctionArn"]
        stack = deployed(aws, built / "template.yaml", Front="HttpApi", AuthorizerArn=arn)
        for user in (READER, PUBLISHER):
            order = {"username": user.name, "password": user.password, "upload": True}
            stack.administer({"putUser": order})
        yield stack


def test_authorizer(guarded: Stack) -> None:
    """Who is to be let in by the authorizer, and by the index: both have to agree."""
    root = guarded.index_url.removesuffix("simple/")
    page = f"{guarded.index_url}no-such-project/"
    assert ask("GET", page, READER) == 404
    assert ask("POST", guarded.upload_url, READER) == 400
    assert ask("GET", page, PUBLISHER) == 403
    assert ask("POST", guarded.upload_url, PUBLISHER) == 403
    assert ask("GET", page, User("reader", "wrong")) == 401
    # 401 on AWS: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
    assert ask("GET", page) in {401, 403}
    assert ask("GET", f"{root}-/health") == 200


def ask(method: str, url: str, user: User | None = None) -> int:
    """The status of the answer to a request without a body."""
    address = urlsplit(url)
    headers = {}
    if user is not None:
        token = b64encode(f"{user.name}:{user.password}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    connection = HTTPConnection(address.netloc, timeout=60)
    connection.request(method, address.path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status
