"""The workflow's handlers: a whole run on S3, payload by payload, and payloads that are none."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import lambdas
from sample_events import FOLDER
from servers import S3Server
from upstream import Answer, Upstream
from wheelyard.entry.stepping import PAYLOADS, Steps
from wheelyard.entry.tracing import Handler
from wheelyard.errors import (
    InvalidPayload,
    InvalidSetting,
    RestartConflict,
    StorageError,
    UpstreamRefused,
)
from wheelyard.mirror.snapshots import Snapshots
from wheelyard.protocol.names import ProjectName
from wheelyard.storage.opening import open_bucket
from wheelyard.storage.store import Store
from workflows import Run, run

NOW = {"force": False, "relist": False}


@pytest.fixture
def environ(s3_moto: S3Server, upstream: Upstream) -> dict[str, str]:
    """A function's environment."""
    return lambdas.environment(
        s3_moto,
        s3_moto.new_bucket(),
        REPO_BASE_PREFIX="acme/index",
        UPSTREAM_INDEX_URL=upstream.with_credentials(),
        PRIVATE_NAMESPACES="acme-",
        DENIED_PROJECTS="evil*",
    )


@pytest.fixture
def store(environ: dict[str, str]) -> Store:
    return open_bucket(environ, 900)


@pytest.fixture
def handlers(environ: dict[str, str]) -> Mapping[str, Handler]:
    return Steps(environ).handlers


def _invoke(handlers: Mapping[str, Handler], step: str, payload: object) -> Any:
    """As Lambda does: both ways through JSON."""
    return json.loads(json.dumps(handlers[step](json.loads(json.dumps(payload)), None)))


def test_a_whole_run(handlers: Mapping[str, Handler], upstream: Upstream, store: Store) -> None:
    """Each step takes what the one before it gave, and the snapshot is there in the end."""
    upstream.serials = True
    upstream.add_names(["flask", "acme-x", "evil-twin"])
    fetched = _invoke(handlers, "fetch", NOW)
    sharded = [
        _invoke(handlers, "shard", {"part": part, "base": fetched["base"]})
        for part in fetched["parts"]
    ]
    payload = {"fetched": fetched, "sharded": sharded, "force": False}
    assert len(json.dumps(payload)) < 32 * 1024
    activated = _invoke(handlers, "activate", payload)
    assert activated["outcome"] == "activated"
    snapshot = Snapshots(store).current()
    assert snapshot is not None
    assert snapshot.find(ProjectName("flask")) == (1,)
    assert list(snapshot.listed("")) == ["flask"]
    again = _invoke(handlers, "fetch", NOW)
    assert again["outcome"] == "unchanged"
    assert again["snapshot"] == activated["snapshot"]


class Running:
    """The workflow as it is deployed, with functions that are told to restart and note it."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.restarted: list[tuple[str, str]] = []
        self.handlers = {**handlers, "restart": self._restart}

    def _restart(self, event: Any, context: Any) -> Any:
        del context
        Draft202012Validator(PAYLOADS["restart"]).validate(event)
        self.restarted.append((event["function"], event["snapshot"]))
        return {}

    def run(self, payload: object = None) -> Run:
        """One run, from its start to its end."""
        names = {f"{step.capitalize()}Function": step for step in PAYLOADS}
        return run(
            "reindex",
            {**names, "RequestFunction": "request", "UploadFunction": "upload"},
            self.handlers,
            payload=payload,
        )


@pytest.mark.parametrize("payload", [{}, {"relist": True, "notBefore": "2026-01-02T03:04:05Z"}])
def test_the_definition(
    handlers: Mapping[str, Handler], upstream: Upstream, store: Store, payload: object
) -> None:
    """Run as it is deployed it makes a snapshot and restarts both functions; again, nothing is made."""
    upstream.add_names(["flask", "six"])
    running = Running(handlers)
    done = running.run()
    assert (done.status, done.output["outcome"]) == ("SUCCEEDED", "activated")
    snapshot = Snapshots(store).current()
    assert snapshot is not None
    assert list(snapshot.listed("")) == ["flask", "six"]
    again = running.run(payload)
    assert (again.status, again.output["outcome"]) == ("SUCCEEDED", "unchanged")
    both = [("request", done.output["snapshot"]), ("upload", done.output["snapshot"])]
    assert sorted(running.restarted) == sorted(both * 2)


def test_the_definition_tries_again(handlers: Mapping[str, Handler], upstream: Upstream) -> None:
    """What passes is tried again in each state; force goes where it is needed."""
    upstream.add_names(["flask"])
    running = Running(handlers)
    failing = {"fetch", "shard", "activate", "restart"}
    forced = []

    def once(step: str, handler: Handler) -> Handler:
        def handle(event: Any, context: Any) -> Any:
            if step in failing:
                failing.remove(step)
                raise RestartConflict("busy") if step == "restart" else StorageError("no answer")
            forced.append(event.get("force"))
            return handler(event, context)

        return handle

    running.handlers = {step: once(step, each) for step, each in running.handlers.items()}
    done = running.run({"force": True})
    assert (done.status, len(done.pauses)) == ("SUCCEEDED", 4)
    assert forced.count(True) == 2


def test_the_definition_says_what_failed(
    handlers: Mapping[str, Handler], upstream: Upstream
) -> None:
    """A refusal is not asked again; the run ends under its name, with the step's."""
    upstream.answer("/simple/", Answer(403, b"no"), always=True)
    failed = Running(handlers).run()
    assert (failed.status, failed.error, failed.pauses) == ("FAILED", "UpstreamRefused", [])
    assert str(failed.cause).startswith("Fetch failed, and the functions go on serving")


def test_errors_have_the_names_that_the_workflow_knows(
    handlers: Mapping[str, Handler], upstream: Upstream
) -> None:
    """An exception leaves the handler as it is."""
    upstream.answer("/simple/", Answer(403, b"no"), always=True)
    with pytest.raises(UpstreamRefused):
        _invoke(handlers, "fetch", NOW)


PART = {"key": "upstream/parts/x/00.gz", "first": 0, "last": 15}


@pytest.mark.parametrize(
    ("step", "payload", "place"),
    [
        ("fetch", None, r"\$"),
        ("fetch", {}, r"\$"),
        ("fetch", {"force": "yes", "relist": False}, r"\$\.force"),
        ("shard", {"part": PART}, r"\$"),
        ("shard", {"part": {**PART, "last": 256}, "base": None}, r"\$\.part\.last"),
        ("shard", {"part": {**PART, "key": "users/x.json"}, "base": None}, r"\$\.part\.key"),
        ("activate", {"fetched": {}, "sharded": [], "force": False}, r"\$\.fetched"),
        (
            "activate",
            {
                "fetched": {},
                "sharded": [{"first": 0, "digests": ["../x"], "names": 0, "written": 0}],
                "force": False,
            },
            r"\$\.",
        ),
        ("restart", {"function": "", "snapshot": "x"}, r"\$\.function"),
    ],
)
def test_a_payload_of_another_form_is_refused(
    handlers: Mapping[str, Handler], step: str, payload: object, place: str
) -> None:
    """The error names the place."""
    with pytest.raises(InvalidPayload, match=f"payload of {step} is wrong at {place}"):
        _invoke(handlers, step, payload)


@pytest.mark.parametrize("step", sorted(PAYLOADS))
def test_the_sample_events_have_the_form(step: str) -> None:
    """Each step has a sample event that its handler would take."""
    event = json.loads((FOLDER / f"reindex-{step}.json").read_text())
    Draft202012Validator(PAYLOADS[step]).validate(event)


def test_where_nothing_is_mirrored_the_run_fails(environ: dict[str, str]) -> None:
    """It names the setting."""
    handlers = Steps({**environ, "UPSTREAM_INDEX_URL": "none"}).handlers
    with pytest.raises(InvalidSetting, match="UPSTREAM_INDEX_URL"):
        _invoke(handlers, "fetch", NOW)
