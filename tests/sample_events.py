"""Write the sample events: ``python tests/sample_events.py`` gives ``events/`` the same bytes again."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from fronts import FRONTS
from fronts.wire import Sent
from requests_of_clients import PIP, READER, SENT, UV, upload

FOLDER = Path(__file__).parents[1] / "events"

_PAGE = Sent("GET", "/simple/acme-widgets/", headers=PIP + READER)
_FILE = _PAGE._replace(path="/simple/acme-widgets/acme_widgets-1.0-py3-none-any.whl")

_READ = {
    "page-pip": _PAGE,
    "page-uv": _PAGE._replace(headers=UV + READER),
    "page-html": SENT["page, HTML"],
    "root": _PAGE._replace(path="/simple/"),
    "head": _PAGE._replace(method="HEAD"),
    "file": _FILE,
    "metadata": _FILE._replace(path=_FILE.path + ".metadata"),
    "unauthorized": SENT["no credentials"],
    "health": Sent("GET", "/-/health", headers=(("User-Agent", "curl/8.17.0"), ("Accept", "*/*"))),
}

_UPLOADING = ("function-url", "http-api-2.0", "http-api-1.0", "rest-api")

_DROPPED = "packages/acme-widgets/acme_widgets-1.0+local.1-py3-none-any.whl"


def _bridge(what: str, **detail: str) -> dict[str, Any]:
    """S3's event about an object, as EventBridge brings it."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": what,
        "source": "aws.s3",
        "account": "123456789012",
        "time": "2026-02-26T09:30:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:s3:::wheelyard-bucket"],
        "detail": {
            "version": "0",
            "bucket": {"name": "wheelyard-bucket"},
            "object": {
                "key": _DROPPED,
                "size": 1024,
                "etag": "d41d8cd98f00b204e9800998ecf8427e",
                "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
                "sequencer": "00617F08299329D189",
            },
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "source-ip-address": "203.0.113.10",
            **detail,
        },
    }


_PART = {"key": "upstream/parts/a-run/0", "first": 0, "last": 255}

_INVOKED: dict[str, Any] = {
    "request-warm-up": {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-02-26T09:30:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:events:eu-west-1:123456789012:rule/wheelyard-keep-warm"],
        "detail": {},
    },
    "arrival-created": _bridge("Object Created", reason="PutObject"),
    "arrival-deleted": _bridge(
        "Object Deleted", reason="DeleteObject", **{"deletion-type": "Delete Marker Created"}
    ),
    "arrival-notification": {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "eu-west-1",
                "eventTime": "2026-02-26T09:30:00.000Z",
                "eventName": "ObjectCreated:Put",
                "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
                "requestParameters": {"sourceIPAddress": "203.0.113.10"},
                "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "wheelyard",
                    "bucket": {
                        "name": "wheelyard-bucket",
                        "ownerIdentity": {"principalId": "AEXAMPLE"},
                        "arn": "arn:aws:s3:::wheelyard-bucket",
                    },
                    "object": {
                        "key": _DROPPED.replace("+", "%2B"),
                        "size": 1024,
                        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                        "sequencer": "0055AED6DCD90281E5",
                    },
                },
            }
        ]
    },
    "rebuild-survey": {"step": "Survey", "run": "a-run"},
    "rebuild-examine": {
        "step": "Examine",
        "run": "a-run",
        "project": "acme-widgets",
        "piece": 0,
        "files": ["acme_widgets-1.0-py3-none-any.whl"],
    },
    "rebuild-list": {"step": "List", "run": "a-run", "project": "acme-widgets", "pieces": 1},
    "rebuild-report": {"step": "Report", "run": "a-run"},
    "reindex-fetch": {"force": False, "relist": False},
    "reindex-shard": {"part": _PART, "base": None},
    "reindex-activate": {
        "fetched": {
            "outcome": "changed",
            "base": None,
            "snapshot": "",
            "source": "https://upstream.example/simple/",
            "sourceId": "5ab3a1b0c3e94bd2",
            "fetchedAt": "2026-11-22T10:00:00Z",
            "etag": None,
            "lastModified": None,
            "serial": None,
            "names": 0,
            "parts": [_PART],
        },
        "sharded": [{"first": 0, "digests": [""] * 256, "names": 0, "written": 0}],
        "force": False,
    },
    "reindex-restart": {"function": "wheelyard-request", "snapshot": "a-snapshot"},
    "pull-file": {"project": "acme-widgets", "filename": "acme_widgets-1.0-py3-none-any.whl"},
    "admin-put-user": {
        "putUser": {"username": "reader", "password": "example-password", "upload": False}
    },
    "admin-remove-user": {"removeUser": "reader"},
    "admin-create-token": {
        "createToken": {"owner": "ci", "upload": ["acme-*"], "lifetime": 7_776_000}
    },
    "admin-list-tokens": "listTokens",
    "admin-add-publisher": {
        "addPublisher": {
            "kind": "github",
            "claims": {"repository": "acme/widgets", "workflow": "release.yml"},
            "projects": ["acme-widgets"],
        }
    },
    "admin-reindex": "reindex",
}


class Sample(NamedTuple):
    """An event of a front: whose it is, and what a client had sent."""

    front: str
    sent: Sent


def http_samples() -> dict[str, Sample]:
    """The sample events that are HTTP requests, by the names of their files."""
    reads = {
        f"request-function-url-{what}": Sample("function-url", sent) for what, sent in _READ.items()
    }
    fronts = [name for name in FRONTS if name != "function-url"]
    pages = {f"request-{front}-page": Sample(front, _PAGE) for front in fronts}
    uploads = {f"upload-{front}": Sample(front, upload("/legacy/")) for front in _UPLOADING}
    return reads | pages | uploads


def samples() -> dict[str, Any]:
    """Every sample event by the name of its file, without ``.json``."""
    http = {name: FRONTS[front].event(sent) for name, (front, sent) in http_samples().items()}
    return http | _INVOKED


def written(event: object) -> str:
    """An event as its file has it."""
    return json.dumps(event, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, event in samples().items():
        (FOLDER / f"{name}.json").write_text(written(event), "utf-8")


if __name__ == "__main__":
    main()
