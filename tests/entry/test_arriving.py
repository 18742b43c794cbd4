"""entry.arriving: S3's events, in the shapes in which they reach a function."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lambdas
from distributions import BuiltDistribution, build_sdist, build_wheel
from servers import S3Server
from wheelyard.entry.arriving import arrival_handler
from wheelyard.entry.objectevents import object_keys
from wheelyard.entry.tracing import Handler
from wheelyard.errors import InvalidDocument, InvalidPayload
from wheelyard.protocol.simple import parse_project
from wheelyard.storage.opening import open_bucket
from wheelyard.storage.store import Store

EVENTS = Path(__file__).parents[2] / "events"
WHEEL, SDIST = build_wheel("acme-widgets", "1.0"), build_sdist("acme-widgets", "1.0")


@pytest.fixture
def environ(s3_moto: S3Server) -> dict[str, str]:
    """The function's environment, with a bucket of its own."""
    return lambdas.environment(s3_moto, s3_moto.new_bucket(), REPO_BASE_PREFIX="acme/index")


@pytest.fixture
def store(environ: dict[str, str]) -> Store:
    """What the function works on."""
    return open_bucket(environ, 900)


@pytest.fixture
def handler(environ: dict[str, str]) -> Handler:
    """The function."""
    return arrival_handler(environ)


def bridge(bucket: str, key: str, what: str = "Object Created") -> dict[str, Any]:
    """An event by EventBridge."""
    detail = {"version": "0", "bucket": {"name": bucket}, "object": {"key": key, "size": 1}}
    return {"version": "0", "source": "aws.s3", "detail-type": what, "detail": detail}


def record(bucket: str, key: str, what: str = "ObjectCreated:Put") -> dict[str, Any]:
    """A record of a bucket's notification."""
    described = {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}}
    return {"eventSource": "aws:s3", "eventName": what, "s3": described}


def notification(*records: dict[str, Any]) -> dict[str, Any]:
    """A bucket's notification."""
    return {"Records": list(records)}


def queued(*events: dict[str, Any]) -> dict[str, Any]:
    """Events in the messages of a queue."""
    return {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(each)} for each in events]}


SHAPES: dict[str, Callable[[str, str, str], Any]] = {
    "EventBridge": lambda bucket, key, _: bridge(bucket, key),
    "a notification": lambda bucket, _, encoded: notification(record(bucket, encoded)),
    "a queued event": lambda bucket, key, _: queued(bridge(bucket, key)),
    "a queued notification": lambda bucket, _, encoded: queued(
        notification(record(bucket, encoded))
    ),
    "a list": lambda bucket, key, _: [bridge(bucket, key)],
    "several records": lambda bucket, _, encoded: notification(
        record(bucket, "acme/index/packages/acme-widgets/gone.whl"),
        record("another-bucket", encoded),
        record(bucket, encoded),
        record(bucket, encoded),
    ),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_local_version(
    handler: Handler, store: Store, environ: dict[str, str], shape: Callable[..., Any]
) -> None:
    """The file that an event names is listed, whatever the event's shape; its key is decoded once."""
    built = build_wheel("acme-widgets", "1.0+local.1")
    store.put(f"packages/acme-widgets/{built.filename}", built.content)
    key = f"acme/index/packages/acme-widgets/{built.filename}"
    encoded = key.replace("+", "%2B")
    answer = handler(shape(environ["BUCKET"], key, encoded), None)
    assert answer["settled"][key] == "listed"
    assert listed(store) == [built.filename]


def listed(store: Store) -> list[str]:
    """The filenames on the project's page."""
    document = store.get("projects/acme-widgets.json").body
    return [file.filename for file in parse_project(document).files]


def put(store: Store, built: BuiltDistribution) -> str:
    """Put a file where another tool would; returns its full key."""
    store.put(f"packages/acme-widgets/{built.filename}", built.content)
    return f"acme/index/packages/acme-widgets/{built.filename}"


def test_creation_and_removal(handler: Handler, store: Store, environ: dict[str, str]) -> None:
    """All records of an event are handled; an event of the past finds what is there now."""
    bucket = environ["BUCKET"]
    wheel, sdist = put(store, WHEEL), put(store, SDIST)
    created = notification(record(bucket, wheel), record(bucket, sdist))
    assert set(handler(created, None)["settled"].values()) == {"listed"}
    store.delete(f"packages/acme-widgets/{WHEEL.filename}")
    removed = bridge(bucket, wheel, "Object Deleted")
    assert handler(removed, None)["settled"] == {wheel: "removed"}
    assert set(handler(created, None)["settled"].values()) == {"known"}
    assert listed(store) == [SDIST.filename]


@pytest.mark.parametrize(
    "event",
    [
        None,
        "reindex",
        {},
        [],
        {"Records": []},
        {"Records": None},
        {"Records": [None, 1, "x"]},
        {"Records": [{"eventSource": "aws:sns", "Sns": {"Message": "x"}}]},
        {"Records": [{"eventSource": "aws:sqs", "body": "{"}]},
        {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {}}}]},
        {"Records": [{"eventSource": "aws:s3", "s3": None}]},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"},
        {"source": "aws.s3", "detail": None},
        {"source": "aws.s3", "detail": {"bucket": {"name": 1}, "object": {"key": []}}},
        {"source": "aws.ec2", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}},
    ],
    ids=repr,
)
def test_other_events(handler: Handler, store: Store, event: object) -> None:
    """What names no object is a function error that says so, and touches nothing."""
    with pytest.raises(InvalidPayload, match="names no object"):
        handler(event, None)
    assert not list(store.list("packages/"))


@pytest.mark.parametrize(
    "key", ["packages/acme-widgets/x.whl", "acme/indexes/packages/a/x.whl", "", "acme/index/"]
)
def test_keys_of_others(handler: Handler, environ: dict[str, str], key: str) -> None:
    """Keys outside the prefix, and other buckets, are not looked at."""
    for bucket in (environ["BUCKET"], "another"):
        settled = handler(bridge(bucket, key), None)["settled"]
        assert settled in ({}, {key: "ignored"})


def test_one_failure_does_not_hold_up_the_others(
    handler: Handler, store: Store, environ: dict[str, str]
) -> None:
    """All keys are settled that can be; the error is raised then, so that the event comes again."""
    bucket = environ["BUCKET"]
    broken = "acme/index/packages/broken/broken-1.0.tar.gz"
    store.put("packages/broken/broken-1.0.tar.gz", build_sdist("broken", "1.0").content)
    store.put("projects/broken.json", b"{")
    with pytest.raises(InvalidDocument):
        handler(notification(record(bucket, broken), record(bucket, put(store, WHEEL))), None)
    assert listed(store) == [WHEEL.filename]
    assert store.get("packages/broken/broken-1.0.tar.gz").body


@pytest.mark.parametrize("name", [path.name for path in sorted(EVENTS.glob("arrival-*.json"))])
def test_samples(name: str) -> None:
    """The samples name the objects that they are about."""
    event = json.loads((EVENTS / name).read_text())
    keys = object_keys(event, "wheelyard-bucket")
    assert keys
    assert all(key.startswith("packages/acme-widgets/acme_widgets-1.0+local.1-") for key in keys)
