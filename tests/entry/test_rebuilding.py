"""entry.rebuilding: the rebuild workflow, run as its definition says."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import lambdas
from distributions import build_sdist, build_wheel
from servers import S3Server
from wheelyard.audit.event import Event
from wheelyard.audit.trail import Trail
from wheelyard.entry.rebuilding import rebuild_handler
from wheelyard.entry.tracing import Handler
from wheelyard.errors import InvalidPayload, StorageError
from wheelyard.protocol.simple import parse_project
from wheelyard.storage.opening import open_bucket
from wheelyard.storage.store import Store

DEFINITION = json.loads((Path(__file__).parents[2] / "statemachines/rebuild.asl.json").read_text())
FILES = [
    build_wheel("acme-tools", "1.0"),
    build_sdist("acme-tools", "1.0"),
    build_wheel("acme-kit", "2.0"),
]


@pytest.fixture
def environ(s3_moto: S3Server) -> dict[str, str]:
    """The function's environment, with a bucket of its own."""
    return lambdas.environment(s3_moto, s3_moto.new_bucket(), REPO_BASE_PREFIX="acme/index")


@pytest.fixture
def store(environ: dict[str, str]) -> Store:
    """A store with three files of two projects, and one that is none."""
    store = open_bucket(environ, 900)
    for built in FILES:
        name = "acme-kit" if "kit" in built.filename else "acme-tools"
        store.put(f"packages/{name}/{built.filename}", built.content)
    store.put("packages/acme-tools/notes.txt", b"")
    return store


class Machine:
    """As much of a state machine as the definition uses: tasks, distributed maps, paths as expressions."""

    def __init__(self, handler: Handler, environ: dict[str, str], s3: Any) -> None:
        self._handler = handler
        self._environ = environ
        self._s3 = s3
        self.largest = 0

    def run(self) -> Any:
        """Run it from the start; returns the last state's output."""
        state: str = DEFINITION["StartAt"]
        value: Any = {}
        context = {"Execution": {"Name": "a-run"}}
        while True:
            described = DEFINITION["States"][state]
            value = self._state(described, value, context)
            self.largest = max(self.largest, len(json.dumps(value)))
            if described.get("End"):
                return value
            state = described["Next"]

    def _state(self, state: dict[str, Any], value: Any, context: dict[str, Any]) -> Any:
        if state["Type"] == "Task":
            arguments = evaluated(state["Arguments"], {"input": value, "context": context})
            assert arguments["FunctionName"] == "${RebuildFunctionArn}"
            result: Any = {"Payload": self._handler(arguments["Payload"], None)}
        else:
            result = self._map(state, value, context)
        return evaluated(state["Output"], {"input": value, "context": context, "result": result})

    def _map(self, state: dict[str, Any], value: Any, context: dict[str, Any]) -> list[Any]:
        source = evaluated(state["ItemReader"]["Arguments"], {"input": value, "context": context})
        assert source["Bucket"] == "${BucketName}"
        body = self._s3.get_object(Bucket=self._environ["BUCKET"], Key=source["Key"])["Body"]
        processor = state["ItemProcessor"]
        assert processor["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
        results = []
        for item in json.load(body):
            inner = {**context, "Map": {"Item": {"Value": item}}}
            selected = evaluated(state["ItemSelector"], {"input": value, "context": inner})
            task = processor["States"][processor["StartAt"]]
            results.append(self._state(task, selected, inner))
        self.largest = max(self.largest, len(json.dumps(results)))
        return results


def evaluated(template: Any, states: dict[str, Any]) -> Any:
    """A template with its expressions, each a path below ``$states``, replaced by their values."""
    if isinstance(template, dict):
        return {key: evaluated(value, states) for key, value in template.items()}
    found = (
        re.fullmatch(r"\{% \$states\.([\w.]+) %\}", template) if isinstance(template, str) else None
    )
    if not found:
        assert "{%" not in str(template)
        return template
    value: Any = states
    for part in found[1].split("."):
        value = value[part]
    return value


def listed(store: Store, name: str) -> set[str]:
    """The filenames in a project's document."""
    document = parse_project(store.get(f"projects/{name}.json").body)
    return {file.filename for file in document.files}


def audited(store: Store) -> list[Event]:
    """What the audit trail has of rebuilding."""
    now = datetime.now(UTC)
    found = Trail(store).between(now - timedelta(days=1), now + timedelta(days=1))
    return [event for event in found if event.change.action == "rebuild"]


def test_the_workflow(store: Store, environ: dict[str, str], s3_moto: S3Server) -> None:
    """Run from start to end it lists every sound file, reports the others, and leaves only the report."""
    machine = Machine(rebuild_handler(environ), environ, s3_moto.client())
    output = machine.run()
    assert listed(store, "acme-tools") == {FILES[0].filename, FILES[1].filename}
    assert listed(store, "acme-kit") == {FILES[2].filename}
    assert output == {
        "projects_changed": 2,
        "files_refused": 1,
        "report": "acme/index/rebuild/a-run/report.json",
    }
    report = json.loads(store.get("rebuild/a-run/report.json").body)
    assert {change["project"] for change in report["projects"]} == {"acme-kit", "acme-tools"}
    assert report["catalogued"] == ["acme-kit", "acme-tools"]
    [refused] = [each for change in report["projects"] for each in change["refused"]]
    assert refused["key"] == "packages/acme-tools/notes.txt"
    assert [entry.key for entry in store.list("rebuild/")] == ["rebuild/a-run/report.json"]
    assert machine.largest < 256 * 1024  # what Step Functions hands from state to state
    recorded = audited(store)
    assert {event.actor.via for event in recorded} == {"rebuild workflow"}
    assert {event.actor.request_id for event in recorded} == {"a-run"}
    assert {event.change.project for event in recorded} == {"acme-kit", "acme-tools", ""}
    store.delete("rebuild/a-run/report.json")
    before = [store.get(f"projects/{name}.json") for name in ("acme-tools", "acme-kit")]
    assert machine.run()["projects_changed"] == 0
    assert len(audited(store)) == len(recorded)
    assert [store.get(f"projects/{name}.json") for name in ("acme-tools", "acme-kit")] == before


def test_any_step_again(store: Store, environ: dict[str, str]) -> None:
    """A step that is repeated, as a workflow repeats one whose answer was lost, changes nothing."""
    handler = rebuild_handler(environ)

    def step(step: str, **fields: object) -> Any:
        answers = [handler({"step": step, "run": "r", **fields}, None) for _ in range(2)]
        return answers[0]

    assert step("Survey")["files"] == 4
    names = [built.filename for built in FILES[:2]]
    assert step("Examine", project="acme-tools", piece=0, files=names) == 2
    assert step("List", project="acme-tools", pieces=1) == 1
    assert listed(store, "acme-tools") == set(names)
    assert step("Report")["report"] == "acme/index/rebuild/r/report.json"


def test_the_definition() -> None:
    """Every task retries what the function raises when S3 does not answer, under its own name."""
    machines = [
        DEFINITION,
        *(s["ItemProcessor"] for s in DEFINITION["States"].values() if s["Type"] == "Map"),
    ]
    tasks = [s for m in machines for s in m["States"].values() if s["Type"] == "Task"]
    assert len(tasks) == 4
    for task in tasks:
        [retry] = task["Retry"]
        assert StorageError.__name__ in retry["ErrorEquals"]
        assert retry["MaxAttempts"] >= 5


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        (None, "$.run"),
        ({}, "$.run"),
        ({"run": "../x", "step": "Survey"}, "$.run"),
        ({"run": "r"}, "$.step"),
        ({"run": "r", "step": "Other"}, "$.step"),
        ({"run": "r", "step": "Examine", "project": "acme-tools"}, "$.piece"),
        ({"run": "r", "step": "List", "project": "acme-tools"}, "$.pieces"),
    ],
    ids=repr,
)
def test_wrong_payloads(environ: dict[str, str], payload: object, place: str) -> None:
    """A payload that is no step is an error that names the place in it."""
    with pytest.raises(InvalidPayload, match=re.escape(place)):
        rebuild_handler(environ)(payload, None)
