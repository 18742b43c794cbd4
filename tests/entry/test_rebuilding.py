"""entry.rebuilding: the rebuild workflow, run as its definition says."""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from click.testing import CliRunner

import lambdas
from distributions import build_sdist, build_wheel
from servers import S3Server
from stores import Directory
from wheelyard.audit.event import Event
from wheelyard.audit.trail import Trail
from wheelyard.entry.cli import cli
from wheelyard.entry.rebuilding import rebuild_handler
from wheelyard.entry.tracing import Handler
from wheelyard.errors import InvalidDocument, InvalidPayload, StorageError
from wheelyard.protocol.simple import parse_project
from wheelyard.storage.opening import open_bucket
from wheelyard.storage.store import Store
from workflows import Run, run

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


def listed(store: Store, name: str) -> set[str]:
    """The filenames in a project's document."""
    document = parse_project(store.get(f"projects/{name}.json").body)
    return {file.filename for file in document.files}


def audited(store: Store) -> list[Event]:
    """What the audit trail has of rebuilding."""
    now = datetime.now(UTC)
    found = Trail(store).between(now - timedelta(days=1), now + timedelta(days=1))
    return [event for event in found if event.change.action == "rebuild"]


def rebuilt(environ: dict[str, str], s3: S3Server, handler: Handler | None = None) -> Run:
    """A run of the workflow as it is deployed."""
    names = {"RebuildFunctionArn": "rebuild", "BucketName": environ["BUCKET"]}
    return run("rebuild", names, {"rebuild": handler or rebuild_handler(environ)}, s3.client())


def test_the_workflow(store: Store, environ: dict[str, str], s3_moto: S3Server) -> None:
    """Run from start to end it lists every sound file, reports the others, and leaves only the report."""
    ended = rebuilt(environ, s3_moto)
    assert (ended.status, ended.failed_items, ended.pauses) == ("SUCCEEDED", 0, [])
    assert listed(store, "acme-tools") == {FILES[0].filename, FILES[1].filename}
    assert listed(store, "acme-kit") == {FILES[2].filename}
    [left] = [entry.key for entry in store.list("rebuild/")]
    assert ended.output == {
        "projects_changed": 2,
        "files_refused": 1,
        "report": f"acme/index/{left}",
    }
    report = json.loads(store.get(left).body)
    assert {change["project"] for change in report["projects"]} == {"acme-kit", "acme-tools"}
    assert report["catalogued"] == ["acme-kit", "acme-tools"]
    [refused] = [each for change in report["projects"] for each in change["refused"]]
    assert refused["key"] == "packages/acme-tools/notes.txt"
    recorded = audited(store)
    assert {event.actor.via for event in recorded} == {"rebuild workflow"}
    assert {event.actor.request_id for event in recorded} == {left.split("/")[1]}
    assert {event.change.project for event in recorded} == {"acme-kit", "acme-tools", ""}
    before = [store.get(f"projects/{name}.json") for name in ("acme-tools", "acme-kit")]
    assert rebuilt(environ, s3_moto).output["projects_changed"] == 0
    assert len(audited(store)) == len(recorded)
    assert [store.get(f"projects/{name}.json") for name in ("acme-tools", "acme-kit")] == before


PROJECTS, RELEASES = 30, 10


@pytest.fixture
def many(environ: dict[str, str], s3_moto: S3Server, tmp_path: Path) -> Directory:
    """Some hundred files in the bucket, and a copy of it in a directory, times included."""
    directory = Directory(tmp_path / "copy")
    bucket, copy = open_bucket(environ, 900), directory.open()
    for number in range(PROJECTS):
        for release in range(RELEASES):
            name = f"acme-{number}"
            built = build_wheel(name, f"1.{release}", files={f"{release}.py": b""})
            key = f"packages/{name}/{built.filename}"
            bucket.put(key, built.content)
            copy.put(key, built.content)
            modified = bucket.head(key).modified.timestamp()
            os.utime(directory.root / key, (modified, modified))
    return directory


class Failing:
    """A handler some of whose invocations fail once, as where S3 does not answer for a moment."""

    def __init__(self, handler: Handler, *failing: dict[str, Any]) -> None:
        self._handler = handler
        self._failing = list(failing)
        self._lock = Lock()

    def __call__(self, event: Any, context: Any) -> Any:
        with self._lock:
            found = [each for each in self._failing if each.items() <= event.items()]
            for each in found:
                self._failing.remove(each)
        if found:
            raise StorageError("it does not answer")
        return self._handler(event, context)


def test_it_does_what_the_command_does(
    environ: dict[str, str], s3_moto: S3Server, many: Directory
) -> None:
    """Over hundreds of files, with failures that pass, it makes the bytes that the command line makes."""
    assert CliRunner().invoke(cli, ["rebuild", "--store", str(many.root)]).exit_code == 0
    failures = (
        {"step": "Survey"},
        {"step": "Examine", "project": "acme-7"},
        {"step": "List", "project": "acme-9"},
        {"step": "Report"},
    )
    ended = rebuilt(environ, s3_moto, Failing(rebuild_handler(environ), *failures))
    assert (ended.status, ended.failed_items) == ("SUCCEEDED", 0)
    assert len(ended.pauses) == len(failures)
    assert ended.output["projects_changed"] == PROJECTS
    bucket, copy = open_bucket(environ, 900), many.open()
    for folder, objects in (("packages/", 2 * RELEASES), ("projects/", 1), ("catalogue/", 1)):
        made = {entry.key for entry in copy.list(folder)}
        assert made == {entry.key for entry in bucket.list(folder)}
        assert len(made) == objects * PROJECTS or folder == "catalogue/"
        for key in made:
            assert bucket.get(key).body == copy.get(key).body


def test_a_run_that_cannot_begin_says_why(environ: dict[str, str], s3_moto: S3Server) -> None:
    """Tried as often as the definition says, it fails under the error's own name."""

    def down(event: Any, context: Any) -> Any:
        raise StorageError("it does not answer")

    ended = rebuilt(environ, s3_moto, down)
    assert (ended.status, ended.error) == ("FAILED", "StorageError")
    assert "it does not answer" in str(ended.cause)
    assert len(ended.pauses) == DEFINITION["States"]["Survey"]["Retry"][0]["MaxAttempts"]


def test_what_fails_for_good_is_told(
    store: Store, environ: dict[str, str], s3_moto: S3Server
) -> None:
    """One project's failure is none of another's; on AWS it fails the run, which can be started again."""
    handler = rebuild_handler(environ)

    def broken(event: Any, context: Any) -> Any:
        if event["step"] == "List" and event["project"] == "acme-kit":
            raise InvalidDocument("not JSON")
        return handler(event, context)

    ended = rebuilt(environ, s3_moto, broken)
    assert (ended.failed_items, ended.pauses) == (1, [])
    assert listed(store, "acme-tools")
    assert not store.exists("projects/acme-kit.json")
    assert rebuilt(environ, s3_moto).failed_items == 0
    assert listed(store, "acme-kit") == {FILES[2].filename}


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
