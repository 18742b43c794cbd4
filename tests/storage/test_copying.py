"""Copies in parts, of objects that S3 does not copy at once; with small bounds in place of S3's."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

import servers
import stores
from wheelyard.errors import KeyChanged, KeyExists, KeyNotFound, StorageError
from wheelyard.storage.copying import copy_by_parts
from wheelyard.storage.multipart import Source
from wheelyard.storage.sizes import (
    COPYING,
    LARGEST_OBJECT,
    LARGEST_PART,
    MOST_PARTS,
    Copying,
    part_size,
)
from wheelyard.storage.store import Store

MIB = 1024 * 1024
SMALL = Copying(at_once=6 * MIB, part=5 * MIB)
"""As small as S3 takes parts."""

SOURCE, TARGET = "uploads/s/a+b 1!2.0", "packages/acme/acme-1!2.0+local.1-py3-none-any.whl"
BODY = bytes(range(251)) * (12 * MIB // 251)
"""Three parts."""


@pytest.fixture
def store(bucket: stores.Bucket) -> Store:
    """An empty store that copies in parts, with the object ``SOURCE``."""
    made = bucket.open(SMALL)
    made.put(SOURCE, BODY)
    return made


def keys(store: Store) -> list[str]:
    """Every key in the store."""
    return [entry.key for entry in store.list("")]


@pytest.mark.parametrize("size", [0, 1, 6 * MIB, 6 * MIB + 1, 10 * MIB, 10 * MIB + 1])
def test_an_object_is_copied_whole(bucket: stores.Bucket, size: int) -> None:
    """Around the size of a part and the bound of one request, the copy has the same bytes."""
    store = bucket.open(SMALL)
    store.put(SOURCE, BODY[:size])
    store.copy(SOURCE, TARGET)
    assert store.get(TARGET).body == BODY[:size]
    assert store.get(SOURCE).body == BODY[:size]
    assert bucket.unfinished() == []


@pytest.mark.parametrize("size", [0, 1, 5 * MIB])
def test_a_small_object_in_parts(bucket: stores.Bucket, size: int) -> None:
    """One part is enough, an empty one too."""
    store = bucket.open()
    store.put(SOURCE, BODY[:size])
    found = store.head(SOURCE)
    source = Source(
        SOURCE, f"{bucket.name}/some/prefix/uploads/s/a%2Bb%201%212.0", size, found.etag
    )
    copy_by_parts(store, source, TARGET, SMALL, create=True)
    assert store.get(TARGET).body == BODY[:size]


def test_a_copy_needs_a_source_and_a_free_key(store: Store, bucket: stores.Bucket) -> None:
    """Copying nothing, or onto something, changes nothing and says which of the two it was."""
    etag = store.put(TARGET, b"taken")
    with pytest.raises(KeyExists):
        store.copy(SOURCE, TARGET)
    with pytest.raises(KeyNotFound):
        store.copy("uploads/s/nothing", "packages/acme/new")
    assert store.get(TARGET) == (b"taken", etag)
    assert bucket.unfinished() == []
    store.delete(TARGET)
    store.copy(SOURCE, TARGET)
    assert store.get(TARGET).body == BODY


def test_a_copy_that_overwrites(store: Store, bucket: stores.Bucket) -> None:
    """Without the condition what was there is replaced."""
    store.put(TARGET, b"taken")
    found = store.head(SOURCE)
    source = Source(SOURCE, f"{bucket.name}/some/prefix/{SOURCE}".replace("+", "%2B"), *found[1:3])
    copy_by_parts(store, source, TARGET, SMALL, create=False)
    assert store.get(TARGET).body == BODY


# SeaweedFS looks whether the key is free and completes an upload in parts in two steps; S3 does not.
@pytest.mark.parametrize("bucket", ["moto"], indirect=True)
def test_one_of_many_copies_wins(store: Store, bucket: stores.Bucket) -> None:
    """Of copies onto one key at the same time, one creates it and the others find it taken."""

    def copy(_: int) -> bool:
        try:
            store.copy(SOURCE, TARGET)
        except KeyExists:
            return False
        return True

    assert sorted(stores.in_threads(copy, *[(number,) for number in range(4)])) == [
        False,
        False,
        False,
        True,
    ]
    assert store.get(TARGET).body == BODY
    assert bucket.unfinished() == []


# --- what goes over the wire ---


@pytest.fixture
def recorder() -> servers.Recorder:
    """What the server of ``recorded`` was asked, and what it is to refuse."""
    return servers.Recorder()


@pytest.fixture
def recorded(recorder: servers.Recorder) -> Iterator[stores.Bucket]:
    """An empty bucket on a server whose requests are noted."""
    with servers.moto_server(recorder) as server:
        yield stores.Bucket(server, server.new_bucket(), "some/prefix")


def is_part(request: servers.Request) -> bool:
    """Whether a part is copied."""
    return "x-amz-copy-source" in request.headers and "partNumber" in request.query


def is_join(request: servers.Request) -> bool:
    """Whether parts are put together."""
    return request.method == "POST" and "uploadId" in request.query


def test_what_is_asked_of_s3(recorded: stores.Bucket, recorder: servers.Recorder) -> None:
    """Each part is of the object that was found, the end has the condition, and encryption is told."""
    store = recorded.open(SMALL, AWS_SERVER_SIDE_ENCRYPTION="aws:kms", AWS_SSE_KMS_KEY_ID="key-1")
    etag = store.put(SOURCE, BODY)
    recorder.requests.clear()
    store.copy(SOURCE, TARGET)
    parts = [request.headers for request in recorder.requests if is_part(request)]
    assert {part["x-amz-copy-source-range"] for part in parts} == {
        f"bytes=0-{5 * MIB - 1}",
        f"bytes={5 * MIB}-{10 * MIB - 1}",
        f"bytes={10 * MIB}-{len(BODY) - 1}",
    }
    assert {part["x-amz-copy-source-if-match"] for part in parts} == {etag}
    [begun] = [each for each in recorder.requests if "uploads" in each.query]
    assert begun.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert begun.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "key-1"
    [joined] = [each for each in recorder.requests if is_join(each)]
    assert joined.headers["if-none-match"] == "*"
    head = recorded.server.client().head_object(
        Bucket=recorded.name, Key=f"{recorded.prefix}/{TARGET}"
    )
    assert head["ServerSideEncryption"] == "aws:kms"


@pytest.mark.parametrize("fails", [is_part, is_join], ids=["a part", "the end"])
def test_a_copy_that_fails_leaves_nothing(
    recorded: stores.Bucket,
    recorder: servers.Recorder,
    fails: Callable[[servers.Request], bool],
) -> None:
    """Whichever step fails, there is no object and no part of one; then it succeeds."""
    store = recorded.open(SMALL)
    store.put(SOURCE, BODY)
    recorder.refuse = lambda request: 400 if fails(request) else None
    with pytest.raises(StorageError, match="400"):
        store.copy(SOURCE, TARGET)
    recorder.refuse = lambda _request: None
    assert keys(store) == [SOURCE]
    assert recorded.unfinished() == []
    store.copy(SOURCE, TARGET)
    assert store.get(TARGET).body == BODY


@pytest.mark.parametrize(
    ("fails", "answer"),
    [(is_part, 500), (is_part, 503), (is_join, 409), (is_join, 500), (is_join, 503)],
)
def test_a_passing_failure_is_tried_again(
    recorded: stores.Bucket,
    recorder: servers.Recorder,
    fails: Callable[[servers.Request], bool],
    answer: int,
) -> None:
    """What S3 says of itself, or of another write that is just under way, ends no copy."""
    store = recorded.open(SMALL)
    store.put(SOURCE, BODY)
    refused: list[servers.Request] = []

    def once(request: servers.Request) -> int | None:
        if not fails(request) or refused:
            return None
        refused.append(request)
        return answer

    recorder.refuse = once
    store.copy(SOURCE, TARGET)
    assert len(refused) == 1
    assert store.get(TARGET).body == BODY
    assert recorded.unfinished() == []


@pytest.mark.parametrize(
    ("status", "error"), [(412, KeyChanged), (404, StorageError)], ids=["another", "none"]
)
def test_a_source_that_changes(
    recorded: stores.Bucket,
    recorder: servers.Recorder,
    status: int,
    error: type[StorageError],
) -> None:
    """What S3 says of a source that is another one by now, or gone, ends the copy and leaves nothing."""
    store = recorded.open(SMALL)
    store.put(SOURCE, BODY)
    recorder.refuse = lambda request: status if is_part(request) else None
    with pytest.raises(error):
        store.copy(SOURCE, TARGET)
    assert keys(store) == [SOURCE]
    assert recorded.unfinished() == []


def test_a_source_that_was_replaced(s3_weed: servers.S3Server) -> None:
    """An object that is not the one that was found is not copied."""
    bucket = stores.Bucket(s3_weed, s3_weed.new_bucket())
    store = bucket.open(SMALL)
    old = store.put("uploads/a", BODY)
    store.put("uploads/a", BODY[::-1])
    source = Source("uploads/a", f"{bucket.name}/uploads/a", len(BODY), old)
    with pytest.raises(KeyChanged):
        copy_by_parts(store, source, TARGET, SMALL, create=True)
    assert keys(store) == ["uploads/a"]


def test_an_answer_that_was_lost(recorded: stores.Bucket, recorder: servers.Recorder) -> None:
    """An end whose answer was lost is told as a key that is taken: whoever asked looks what is there."""
    store = recorded.open(SMALL)
    store.put(SOURCE, BODY)
    client = recorded.server.client()
    done = Event()

    def lose(request: servers.Request) -> int | None:
        if not is_join(request) or done.is_set():
            return None
        done.set()
        client.put_object(Bucket=recorded.name, Key=f"{recorded.prefix}/{TARGET}", Body=BODY)
        return 503

    recorder.refuse = lose
    with pytest.raises(KeyExists):
        store.copy(SOURCE, TARGET)
    assert store.get(TARGET).body == BODY


# --- sizes ---


@pytest.mark.parametrize(
    "size",
    [0, 1, 16 * MIB, 16 * MIB * MOST_PARTS, 16 * MIB * MOST_PARTS + 1, 5 * 1024**4, LARGEST_OBJECT],
)
@pytest.mark.parametrize("smallest", [5 * MIB, 8 * MIB, 16 * MIB, COPYING.part])
def test_no_object_has_too_many_parts(size: int, smallest: int) -> None:
    """Up to S3's largest object there are at most as many parts as it takes, each as large as it takes."""
    part = part_size(size, smallest)
    assert smallest <= part <= LARGEST_PART
    assert -(-size // part) <= MOST_PARTS


def test_s3s_own_bounds() -> None:
    """What is copied at once, and in one part, is what S3 copies at once."""
    assert COPYING.part <= COPYING.at_once < 5 * 1024**3


def test_memory_is_bounded(s3_weed: servers.S3Server, tmp_path: Path) -> None:
    """A copy within S3 does not pass through this process."""
    bucket = stores.Bucket(s3_weed, s3_weed.new_bucket())
    size = 200 * MIB
    with (tmp_path / "large").open("wb") as file:
        file.truncate(size)
    store = bucket.open(Copying(at_once=MIB, part=20 * MIB))
    store.put_from(SOURCE, tmp_path / "large")
    [growth] = stores.in_processes(stores.growth_of_copy, (bucket, SOURCE, TARGET, 20 * MIB))
    assert growth < 30 * MIB
    assert store.head(TARGET).size == size
