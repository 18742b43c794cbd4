"""The store on S3: what is sent, what an error means, and what a presigned link gives."""

from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import servers
import stores
from wheelyard.errors import KeyChanged, KeyNotFound, StorageError
from wheelyard.storage.multipart import multipart
from wheelyard.storage.presign import Credentials
from wheelyard.storage.store import Store

LARGE = 20 * 1024 * 1024
"""Bytes of a file that is sent in parts."""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that is sent in parts."""
    path = tmp_path / "large.whl"
    path.write_bytes(b"x" * LARGE)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file that is sent at once."""
    path = tmp_path / "small.whl"
    path.write_bytes(b"x")
    return path


@pytest.fixture
def recorder() -> servers.Recorder:
    """What ``recorded`` was asked, and what it is to refuse."""
    return servers.Recorder()


@pytest.fixture
def recorded(recorder: servers.Recorder) -> Iterator[stores.Bucket]:
    """An empty bucket on a server whose requests are noted from now on."""
    with servers.moto_server(recorder) as server:
        bucket = stores.Bucket(server, server.new_bucket(), "some/prefix")
        recorder.requests.clear()
        yield bucket


# --- errors ---

OPERATIONS: dict[str, Callable[[Store, Path], object]] = {
    "get": lambda store, _path: store.get("a/b"),
    "get_unless": lambda store, _path: store.get_unless("a/b", '"tag"'),
    "head": lambda store, _path: store.head("a/b"),
    "read": lambda store, _path: list(store.read("a/b")),
    "read range": lambda store, _path: list(store.read("a/b", 1, 2)),
    "put": lambda store, _path: store.put("a/b", b""),
    "create": lambda store, _path: store.create("a/b", b""),
    "create_from": lambda store, path: store.create_from("a/b", path),
    "put_from": lambda store, path: store.put_from("a/b", path),
    "copy": lambda store, _path: store.copy("a/b", "a/c"),
    "replace": lambda store, _path: store.replace("a/b", b"", '"tag"'),
    "delete": lambda store, _path: store.delete("a/b"),
    "list": lambda store, _path: list(store.list("a/")),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


def refusal(operation: Callable[[Store, Path], object], store: Store, path: Path) -> StorageError:
    """The error that ``operation`` ends with, which says nothing about any key."""
    with pytest.raises(StorageError) as caught:
        operation(store, path)
    assert type(caught.value) is StorageError
    return caught.value


@every_operation
def test_a_missing_bucket_is_not_an_empty_store(
    s3_moto: servers.S3Server, operation: Callable[[Store, Path], object], large: Path
) -> None:
    """On a bucket that is not there everything fails, and nothing is "not found" or "changed"."""
    refusal(operation, stores.Bucket(s3_moto, "bucket-that-is-missing").open(), large)


# SeaweedFS says 412 to a replacement in a bucket that is missing, as to one of another object.
@pytest.mark.parametrize(
    "operation", [each for name, each in OPERATIONS.items() if name != "replace"]
)
def test_a_missing_bucket_is_noticed_elsewhere(
    s3_weed: servers.S3Server, operation: Callable[[Store, Path], object], small: Path
) -> None:
    """Another server's words for a missing bucket are understood as well."""
    refusal(operation, stores.Bucket(s3_weed, "bucket-that-is-missing").open(), small)


@every_operation
def test_wrong_credentials_are_not_an_empty_store(
    s3_weed: servers.S3Server, operation: Callable[[Store, Path], object], large: Path
) -> None:
    """Without the right to look, nothing is "not found", and the message says what the server said."""
    wrong = s3_weed._replace(credentials=Credentials("AKIDWEED", "wrong-secret"))
    store = stores.Bucket(wrong, s3_weed.new_bucket()).open()
    message = str(refusal(operation, store, large))
    assert "Denied" in message or "403" in message
    assert "wrong-secret" not in message


def test_a_store_that_is_down_is_not_empty(small: Path) -> None:
    """Where nobody answers, everything fails, after a few attempts."""
    with servers.moto_server() as server:
        store = stores.Bucket(server, "bucket").open()
    refusal(OPERATIONS["get"], store, small)


@every_operation
def test_a_failing_store_is_not_empty(
    recorded: stores.Bucket,
    recorder: servers.Recorder,
    operation: Callable[[Store, Path], object],
    large: Path,
) -> None:
    """Whatever a server answers beside "not there", the operation fails as a whole."""
    store = recorded.open()
    recorder.refuse = lambda _request: 400
    refusal(operation, store, large)


def test_a_directory_that_is_gone_is_not_an_empty_store(tmp_path: Path, small: Path) -> None:
    """When the disk is no longer mounted, everything fails, and nothing is "not found"."""
    place = stores.Directory(tmp_path / "store")
    store = place.open()
    store.put("a/b", b"x")
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    for operation in OPERATIONS.values():
        refusal(operation, store, small)


# --- what goes over the wire ---


@pytest.mark.parametrize(
    ("operation", "requests"),
    [
        (lambda store: store.get("a/b"), ["GET"]),
        (lambda store: store.get_unless("a/b", '"x"'), ["GET"]),
        (lambda store: store.head("a/b"), ["HEAD"]),
        (lambda store: list(store.read("a/b")), ["GET"]),
        (lambda store: list(store.read("a/b", 1, 2)), ["HEAD", "GET"]),
        (lambda store: store.put("a/b", b"1"), ["PUT"]),
        (lambda store: store.create("a/c", b"1"), ["PUT"]),
        (lambda store: store.replace("a/b", b"1", store.put("a/b", b"0")), ["PUT", "PUT"]),
        (lambda store: list(store.list("a/")), ["GET"]),
    ],
)
def test_an_operation_is_one_request(
    recorded: stores.Bucket,
    recorder: servers.Recorder,
    operation: Callable[[Store], object],
    requests: list[str],
) -> None:
    """Nothing is asked of S3 that is not needed, for every request costs time and money."""
    store = recorded.open()
    store.put("a/b", b"12")
    recorder.requests.clear()
    operation(store)
    assert [request.method for request in recorder.requests] == requests


def test_conditions_are_http_preconditions(
    recorded: stores.Bucket, recorder: servers.Recorder
) -> None:
    """Creating sends ``If-None-Match: *``, replacing ``If-Match`` and the tag, as S3 documents it."""
    store = recorded.open()
    etag = store.create("a/b", b"1")
    store.replace("a/b", b"2", etag)
    created, replaced = recorder.requests
    assert created.headers["if-none-match"] == "*"
    assert replaced.headers["if-match"] == etag


@pytest.mark.parametrize(
    ("write", "size"),
    [
        (lambda store, _etag, _path: store.create("a/new", b"new"), {"a/old": 1, "a/new": 3}),
        (lambda store, _etag, path: store.create_from("a/new", path), {"a/old": 1, "a/new": LARGE}),
        (lambda store, etag, _path: store.replace("a/old", b"new", etag), {"a/old": 3}),
    ],
    ids=["create", "create_from", "replace"],
)
@pytest.mark.parametrize("answer", [409, 500, 503])
def test_a_conflict_is_tried_again(
    recorded: stores.Bucket,
    recorder: servers.Recorder,
    write: Callable[[Store, str, Path], object],
    size: dict[str, int],
    answer: int,
    large: Path,
) -> None:
    """S3 answers 409 to one of two conditional writes that meet: it is repeated, as S3 asks for."""
    store = recorded.open()
    etag = store.put("a/old", b"1")
    refused: list[servers.Request] = []

    def once(request: servers.Request) -> int | None:
        conditional = {"if-none-match", "if-match"} & request.headers.keys()
        if not conditional or refused:
            return None
        refused.append(request)
        return answer

    recorder.refuse = once
    write(store, etag, large)
    assert len(refused) == 1
    assert {entry.key: entry.size for entry in store.list("a/")} == size


def test_encryption_settings_are_sent(
    recorded: stores.Bucket, recorder: servers.Recorder, large: Path
) -> None:
    """The key that objects are to be encrypted with goes with every write, and with every large file."""
    store = recorded.open(
        AWS_SERVER_SIDE_ENCRYPTION="aws:kms",
        AWS_SSE_KMS_KEY_ID="arn:aws:kms:us-east-1:123456789012:key/abc",
        AWS_SSE_BUCKET_KEY_ENABLED="true",
    )
    etag = store.create("a/created", b"1")
    store.put("a/put", b"1")
    store.replace("a/created", b"2", etag)
    store.create_from("a/large", large)
    multipart(store).begin("a/begun")
    beginning = [each for each in recorder.requests if each.method in {"PUT", "POST"}]
    beginning = [each for each in beginning if not {"uploadId", "delete"} & names(each)]
    assert len(beginning) == 6
    for request in beginning:
        headers = request.headers
        assert headers["x-amz-server-side-encryption"] == "aws:kms"
        assert headers["x-amz-server-side-encryption-aws-kms-key-id"].endswith(":key/abc")
        assert headers["x-amz-server-side-encryption-bucket-key-enabled"] == "true"
    for key in ("a/created", "a/put", "a/large"):
        head = recorded.server.client().head_object(
            Bucket=recorded.name, Key=f"{recorded.prefix}/{key}"
        )
        assert head["ServerSideEncryption"] == "aws:kms"
        assert head["SSEKMSKeyId"].endswith(":key/abc")


def names(request: servers.Request) -> set[str]:
    """The names of a request's query parameters."""
    return {part.partition("=")[0] for part in request.query.split("&")}


@pytest.mark.parametrize("fails", ["uploads", "partNumber", "uploadId"])
def test_an_upload_that_fails_leaves_nothing(
    recorded: stores.Bucket, recorder: servers.Recorder, large: Path, fails: str
) -> None:
    """Whichever step of a large file fails, there is no object and no part of one; then it succeeds."""
    store = recorded.open()

    def refuse(request: servers.Request) -> int | None:
        return 400 if fails in names(request) and request.method != "DELETE" else None

    recorder.refuse = refuse
    with pytest.raises(StorageError):
        store.create_from("packages/acme/a.whl", large)
    recorder.refuse = lambda _request: None
    assert recorded.keys() == recorded.unfinished() == []
    store.create_from("packages/acme/a.whl", large)
    assert store.head("packages/acme/a.whl").size == LARGE
    assert recorded.keys() == [f"{recorded.prefix}/packages/acme/a.whl"]


def test_a_file_that_is_stored_is_stored(
    recorded: stores.Bucket, recorder: servers.Recorder, large: Path
) -> None:
    """When only the tidying up fails, the file has been created all the same."""
    recorder.refuse = lambda request: 400 if names(request) == {"delete"} else None
    store = recorded.open()
    store.create_from("packages/acme/a.whl", large)
    assert store.head("packages/acme/a.whl").size == LARGE


def test_the_settings_hold_against_the_environment(
    bucket: stores.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the store was opened with counts, not what the process' own environment says."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_BUCKET", "another")
    monkeypatch.setenv("AWS_REGION", "eu-west-9")
    monkeypatch.setenv("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "false")
    store = bucket.open()
    store.put("a/b", b"1")
    assert store.get("a/b").body == b"1"
    assert bucket.keys() == ["some/prefix/a/b"]


# --- prefixes and links ---


def test_prefixes_keep_stores_apart(bucket: stores.Bucket) -> None:
    """Stores on one bucket see nothing of each other, though one prefix begins like the other."""
    one, other = bucket._replace(prefix="one").open(), bucket._replace(prefix="/one-more/").open()
    whole = bucket._replace(prefix="").open()
    one.create("a/b", b"one")
    other.create("a/b", b"other")
    other.create("a/c", b"other")
    assert one.get("a/b").body == b"one"
    assert [entry.key for entry in one.list("a/")] == ["a/b"]
    assert [entry.key for entry in one.list("")] == ["a/b"]
    with pytest.raises(KeyNotFound):
        one.get("a/c")
    with pytest.raises(KeyChanged):
        one.replace("a/c", b"", other.head("a/c").etag)
    one.delete("a/c")
    assert sorted(bucket.keys()) == ["one-more/a/b", "one-more/a/c", "one/a/b"]
    assert {entry.key for entry in whole.list("one/")} == {"one/a/b"}


@pytest.mark.parametrize("key", ["packages/acme/a-1!2.0+x~1.whl", "packages/żółw/naïve 文%2B.whl"])
def test_a_link_gives_what_was_stored(s3_weed: servers.S3Server, key: str, large: Path) -> None:
    """A link answers with the whole file, which its reader may keep for good, since it never changes."""
    store = stores.Bucket(s3_weed, s3_weed.new_bucket(), "some/prefix").open()
    store.create_from(key, large)
    for method, size in (("GET", LARGE), ("HEAD", 0)):
        url = store.download_url(key, method)
        assert url is not None
        parts = urlsplit(url)
        connection = HTTPConnection(parts.netloc, timeout=30)
        connection.request(method, f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        assert (answer.status, len(answer.read())) == (200, size)
        assert answer.headers["content-length"] == str(LARGE)
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        connection.close()


def test_a_page_is_not_for_keeping(s3_weed: servers.S3Server) -> None:
    """A link to what may change does not tell its reader to keep it."""
    store = stores.Bucket(s3_weed, s3_weed.new_bucket()).open()
    assert "cache-control" in str(store.download_url("mirror/files/acme/a.whl", "GET"))
    assert "cache-control" not in str(store.download_url("projects/acme.json", "GET"))
    assert stores.memory().download_url("projects/acme.json", "GET") is None
