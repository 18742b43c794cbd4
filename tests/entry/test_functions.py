"""entry.functions: the handlers behind the fronts, on a bucket."""

import json
import socket
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

import lambdas
from distributions import build_wheel
from servers import Recorder, S3Server, moto_server
from snapshot_files import put_snapshot
from wheelyard.access.users import Users
from wheelyard.entry.functions import http_handler
from wheelyard.entry.tracing import Handler
from wheelyard.errors import InvalidSetting
from wheelyard.storage.opening import open_bucket

STOPPED_AFTER = 29
"""Seconds after which API Gateway gives up, before Lambda with the template's default does."""


@pytest.fixture
def environ(s3_moto: S3Server) -> dict[str, str]:
    """A function's environment, with a bucket that knows one user, who may upload."""
    environ = lambdas.environment(s3_moto, s3_moto.new_bucket())
    Users(open_bucket(environ, 900)).put("alice", "hunter2", upload=True)
    return environ


@pytest.fixture
def request_function(environ: dict[str, str]) -> Handler:
    """The function that answers readers."""
    return http_handler(environ, uploads=False)


@pytest.fixture
def upload_function(environ: dict[str, str]) -> Handler:
    """The function that takes uploads."""
    return http_handler(environ, uploads=True)


def test_upload_then_read(upload_function: Handler, request_function: Handler) -> None:
    """What one function took, the other one lists, and links to on S3."""
    wheel = build_wheel("acme-rocket", "1.0")
    uploaded = upload_function(lambdas.upload("acme-rocket", wheel, "alice", "hunter2"), None)
    assert uploaded["statusCode"] == 200
    page = request_function(
        lambdas.get(
            "/simple/acme-rocket/", "alice", "hunter2", "application/vnd.pypi.simple.v1+json"
        ),
        None,
    )
    (file,) = json.loads(_body(page))["files"]
    assert file["hashes"] == {"sha256": wheel.sha256}
    answer = request_function(
        lambdas.get(f"/simple/acme-rocket/{file['url']}", "alice", "hunter2"), None
    )
    assert answer["statusCode"] == 302
    assert "X-Amz-Signature=" in answer["headers"]["location"]


def test_request_function_takes_no_uploads(request_function: Handler) -> None:
    """The function for readers answers an upload with 405, whoever sends it."""
    wheel = build_wheel("acme-rocket", "1.0")
    answer = request_function(lambdas.upload("acme-rocket", wheel, "alice", "hunter2"), None)
    assert answer["statusCode"] == 405


@pytest.mark.parametrize("event", [{}, None, "warm up", {"source": "aws.events"}, []])
def test_warm_up(request_function: Handler, event: Any) -> None:
    """An event that is not HTTP is answered at once: it was sent to have the function started."""
    assert request_function(event, None) == {"warm": True}


def test_one_log_record_a_request(
    request_function: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    """Each request is one record, which says who and what but holds no credentials."""
    with caplog.at_level("INFO", "wheelyard"):
        request_function(lambdas.get("/simple/", "alice", "hunter2"), None)
    (record,) = [record for record in caplog.records if record.name.startswith("wheelyard")]
    fields = vars(record)["fields"]
    assert fields["user"] == "alice"
    assert fields["path"] == "/simple/"
    assert fields["status"] == 200
    assert fields["client"] == "192.0.2.1"
    assert fields["request_id"] == "f0a6b1ae-1d3e-4a3b-9a5e-000000000001"
    authorization = lambdas.get("/", "alice", "hunter2")["headers"]["authorization"]
    assert "hunter2" not in str(vars(record))
    assert authorization.split()[1] not in str(vars(record))


def test_base_path(environ: dict[str, str]) -> None:
    """What a front puts before Wheelyard's paths is taken off."""
    handler = http_handler(environ | {"API_GATEWAY_BASE_PATH": "pypi/v1"}, uploads=False)
    assert handler(lambdas.get("/pypi/v1/simple/", "alice", "hunter2"), None)["statusCode"] == 200


SECRET = "an-example-of-a-secret"


@pytest.mark.parametrize(
    ("given", "status"),
    [(None, 403), ("", 403), ("another-example-of-one", 403), ("ä", 403), (SECRET, 200)],
)
def test_origin_secret(environ: dict[str, str], given: str | None, status: int) -> None:
    """Where the front has a secret, nobody comes by another way, not even with credentials."""
    handler = http_handler(environ | {"ORIGIN_SECRET": SECRET}, uploads=False)
    for path in ("/simple/", "/-/health"):
        event = lambdas.get(path, "alice", "hunter2")
        if given is not None:
            event["headers"]["X-Origin-Secret"] = given
        answer = handler(event, None)
        assert answer["statusCode"] == status
        assert SECRET not in str(answer)


@pytest.mark.parametrize(
    ("secret", "host"),
    [(SECRET, "index.example"), ("", "index.lambda-url.eu-central-1.on.aws")],
)
def test_host_of_the_front(environ: dict[str, str], secret: str, host: str) -> None:
    """Which host the client asked is believed of the front, and of nobody else."""
    handler = http_handler(environ | {"ORIGIN_SECRET": secret}, uploads=False)
    event = lambdas.get("/", "alice", "hunter2")
    event["headers"] |= {"x-origin-secret": SECRET, "x-forwarded-host": "index.example"}
    assert f"https://{host}/simple/" in _body(handler(event, None)).decode()


def test_wrong_setting(environ: dict[str, str]) -> None:
    """A function with a wrong setting does not start, and says which it is."""
    with pytest.raises(InvalidSetting, match="BUCKET"):
        http_handler(environ | {"BUCKET": ""}, uploads=False)
    with pytest.raises(InvalidSetting, match="ORIGIN_SECRET") as caught:
        http_handler(environ | {"ORIGIN_SECRET": "tooshort"}, uploads=False)
    assert "tooshort" not in str(caught.value)


@contextmanager
def refusing() -> Iterator[int]:
    """A port that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("store", [refusing, silent])
def test_store_that_does_not_answer(
    environ: dict[str, str], store: Callable[[], AbstractContextManager[int]]
) -> None:
    """While S3 refuses or is silent, the answer is 503, well before a function is stopped."""
    with store() as port:
        function = http_handler(
            environ | {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}"}, uploads=False
        )
        answer = in_time(function, lambdas.get("/simple/", "alice", "hunter2"))
    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "5"


def test_a_body_that_is_gone(environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """Where the store fails while a body is read from it, the answer is 503 too, and so is it logged."""
    caplog.set_level("INFO", "wheelyard.access")
    put_snapshot(open_bucket(environ, 900), {"six": None})
    mirroring = environ | {"UPSTREAM_INDEX_URL": "https://upstream.example/simple/"}
    function = http_handler(mirroring, uploads=False)
    answer = function(lambdas.get("/simple/", "alice", "hunter2"), None)
    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "5"
    logged = [r for r in caplog.records if r.name == "wheelyard.access"]
    assert [vars(record)["fields"]["status"] for record in logged] == [503]


def in_time(function: Handler, event: dict[str, Any]) -> dict[str, Any]:
    """What the function answers, as long as Lambda would wait for it."""
    with ThreadPoolExecutor(1) as pool:
        answer: dict[str, Any] = pool.submit(function, event, None).result(STOPPED_AFTER)
    return answer


def test_store_that_is_overloaded(environ: dict[str, str]) -> None:
    """S3 is asked three times in all."""
    recorder = Recorder()
    recorder.refuse = lambda _request: 503
    with moto_server(recorder) as server:
        function = http_handler(environ | {"AWS_ENDPOINT_URL_S3": server.url}, uploads=False)
        answer = function(lambdas.get("/simple/", "alice", "hunter2"), None)
    assert answer["statusCode"] == 503
    assert len(recorder.requests) == 3


def _body(answer: dict[str, Any]) -> bytes:
    body: str = answer["body"]
    return b64decode(body) if answer["isBase64Encoded"] else body.encode()
