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
    "admin-put-user": {
        "putUser": {"username": "reader", "password": "example-password", "upload": False}
    },
    "admin-remove-user": {"removeUser": "reader"},
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
