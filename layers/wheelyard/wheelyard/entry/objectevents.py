"""The keys that an event about a bucket's objects names.

Events come from EventBridge (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html), where
a key stands as it is; or as a bucket's own notifications
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html), which encode
it; or as either in the messages of a queue, such as one of dead letters that is redriven.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_plus


def is_object_event(event: Any) -> bool:
    """Whether an event is of one of these kinds."""
    return next(_named(event), None) is not None


def object_keys(event: Any, bucket: str) -> list[str]:
    """The full keys of ``bucket`` that the event names, each once, in its order."""
    found = (named.key for named in _named(event) if named.bucket == bucket)
    return list(dict.fromkeys(found))


class _Named(NamedTuple):
    bucket: str
    key: str


def _named(event: Any) -> Iterator[_Named]:
    if isinstance(event, list):
        for each in event:
            yield from _named(each)
    elif isinstance(event, dict):
        if event.get("source") == "aws.s3":
            detail = event.get("detail") or {}
            yield from _record(detail, decode=False)
        for record in event.get("Records") or ():
            yield from _from_record(record)


def _from_record(record: Any) -> Iterator[_Named]:
    if not isinstance(record, dict):
        return
    if record.get("eventSource") == "aws:s3":
        yield from _record(record.get("s3") or {}, decode=True)
    elif record.get("eventSource") == "aws:sqs":
        try:
            yield from _named(json.loads(record.get("body") or "null"))
        except ValueError:
            return


def _record(described: Any, *, decode: bool) -> Iterator[_Named]:
    try:
        bucket, key = described["bucket"]["name"], described["object"]["key"]
    except (KeyError, TypeError):
        return
    if isinstance(bucket, str) and isinstance(key, str):
        yield _Named(bucket, unquote_plus(key) if decode else key)
