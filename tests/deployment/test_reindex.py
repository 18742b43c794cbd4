"""The reindex workflow, deployed: from its start to what the next request sees."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import clients
import emulator
import tools
from clients import PUBLISHER
from distributions import build_wheel
from stack import NAME, Stack, deployed
from upstream import Answer, Upstream
from wheelyard.mirror.restart import VARIABLE

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]

JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture(scope="module")
def mirrored() -> Iterator[Upstream]:
    """The upstream of the stack."""
    index = Upstream()
    yield index
    index.stop()


@pytest.fixture(scope="module")
def mirroring(
    built: Path, mirrored: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack that mirrors it, and a user who may upload."""
    with emulator.running(tmp_path_factory.mktemp("ministack")) as aws:
        stack = deployed(
            aws,
            built / "template.yaml",
            UpstreamIndexUrl=f"{mirrored.with_credentials()}/",
            PrivateNamespaces="acme-",
            ReindexSchedule="off",
        )
        user = {"username": PUBLISHER.name, "password": PUBLISHER.password, "upload": True}
        stack.administer({"putUser": user})
        yield stack


@pytest.fixture(autouse=True)
def behaving(mirrored: Upstream) -> Iterator[None]:
    """Each test begins and ends with an upstream that answers."""
    yield
    mirrored.behave()


def _machine(stack: Stack) -> str:
    machines = stack.client("stepfunctions").list_state_machines()["stateMachines"]
    [arn] = [found["stateMachineArn"] for found in machines if "-reindex-" in found["name"]]
    return str(arn)


def _ended(stack: Stack, execution: str) -> dict[str, Any]:
    """The description of an execution, once it has ended."""
    client = stack.client("stepfunctions")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.2)
    raise AssertionError(f"{execution} does not end")


def _run(stack: Stack, payload: object = None) -> dict[str, Any]:
    started = stack.client("stepfunctions").start_execution(
        stateMachineArn=_machine(stack), input=json.dumps(payload or {})
    )
    return _ended(stack, started["executionArn"])


def _entered(stack: Stack, execution: dict[str, Any]) -> list[str]:
    """The states that an execution went through."""
    history = stack.client("stepfunctions").get_execution_history(
        executionArn=execution["executionArn"], maxResults=1000
    )
    return [
        event["stateEnteredEventDetails"]["name"]
        for event in history["events"]
        if "stateEnteredEventDetails" in event
    ]


def _listed(stack: Stack) -> list[str]:
    answer = clients.get(stack.index_url, PUBLISHER, JSON)
    assert answer.status == 200
    return [project["name"] for project in json.loads(answer.body)["projects"]]


def _variables(stack: Stack, function: str) -> dict[str, str]:
    client = stack.client("lambda")
    names = [found["FunctionName"] for found in client.list_functions()["Functions"]]
    [name] = [name for name in names if f"{function}Function" in name]
    found: dict[str, str] = client.get_function_configuration(FunctionName=name)["Environment"][
        "Variables"
    ]
    return found


def test_a_run_is_what_the_next_request_sees(mirroring: Stack, mirrored: Upstream) -> None:
    """It succeeds, both functions are restarted with one variable changed, and the names are there."""
    mirrored.add_names(["flask", "six", "acme-evil"])
    before = {name: _variables(mirroring, name) for name in ("Request", "Upload")}
    assert _listed(mirroring) == []
    done = _run(mirroring)
    assert done["status"] == "SUCCEEDED", done
    assert {"Fetch", "Shard", "Activate", "Restart"} <= set(_entered(mirroring, done))
    for name, variables in before.items():
        after = _variables(mirroring, name)
        assert after.pop(VARIABLE)
        variables.pop(VARIABLE, None)
        assert after == variables
    assert _listed(mirroring) == ["flask", "six"]
    mirrored.add_names(["seven"])
    assert _run(mirroring)["status"] == "SUCCEEDED"
    assert _listed(mirroring) == ["flask", "seven", "six"]


def test_an_unchanged_upstream_ends_it(mirroring: Stack, mirrored: Upstream) -> None:
    """After one conditional request; no shard is written, nothing is activated."""
    mirrored.add_names(["flask"])
    _run(mirroring)
    snapshot = _variables(mirroring, "Request")[VARIABLE]
    mirrored.forget()
    done = _run(mirroring)
    assert done["status"] == "SUCCEEDED"
    assert not {"Shard", "Activate"} & set(_entered(mirroring, done))
    assert [asked.headers.get("if-none-match") is None for asked in mirrored.asked] == [False]
    assert _variables(mirroring, "Request")[VARIABLE] == snapshot


def test_the_admin_payload_starts_it(mirroring: Stack, mirrored: Upstream) -> None:
    """And with force for a listing that shrank. (The emulator takes no bare string for a payload.)"""
    mirrored.add_names(["flask", "by-payload"])
    execution = mirroring.administer({"reindex": {}})["execution"]
    assert _ended(mirroring, execution)["status"] == "SUCCEEDED"
    assert "by-payload" in _listed(mirroring)
    mirrored.names.clear()
    mirrored.add_names(["flask"])
    shrunk = _ended(mirroring, mirroring.administer({"reindex": {}})["execution"])
    assert shrunk["status"] == "FAILED"
    assert "by-payload" in _listed(mirroring)
    execution = mirroring.administer({"reindex": {"force": True}})["execution"]
    assert _ended(mirroring, execution)["status"] == "SUCCEEDED"
    assert "by-payload" not in _listed(mirroring)


def _command(stack: Stack, *options: str) -> "subprocess.CompletedProcess[str]":
    """``wheelyard reindex --stack``, as somebody with AWS credentials types it."""
    return subprocess.run(
        [sys.executable, "-m", "wheelyard", "reindex", "--stack", NAME, *options],
        env=tools.environment(**stack.emulator.environment)
        | {"PYTHONPATH": str(tools.ROOT / "layers/wheelyard")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_command_runs_it(mirroring: Stack, mirrored: Upstream) -> None:
    """And says how it ended."""
    mirrored.add_names(["flask", "by-command"])
    done = _command(mirroring)
    assert done.returncode == 0, done.stderr
    assert "the run succeeded" in done.stdout  # the emulator does not tell which
    assert "by-command" in _listed(mirroring)
    mirrored.answer("/simple/", Answer(403, b"no"), always=True)
    failed = _command(mirroring)
    assert failed.returncode == 1
    assert "error: the run ended FAILED" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_failing_upstream_leaves_the_snapshot(mirroring: Stack, mirrored: Upstream) -> None:
    """The execution fails and says which step it was; the index goes on."""
    mirrored.add_names(["flask"])
    _run(mirroring)
    before = _listed(mirroring)
    mirrored.answer("/simple/", Answer(403, b"no"), always=True)
    done = _run(mirroring)
    assert done["status"] == "FAILED"
    assert _entered(mirroring, done)[-1] == "Failed"
    assert _listed(mirroring) == before


def test_a_new_private_project_starts_a_run(
    mirroring: Stack, mirrored: Upstream, tmp_path: Path
) -> None:
    """The upload starts it; it lists the project without asking upstream, and a second file starts none."""
    mirrored.add_names(["flask"])
    _run(mirroring)
    mirrored.forget()
    first = build_wheel("acme-new", "1.0")
    assert clients.twine(mirroring, PUBLISHER, tmp_path, first).returncode == 0
    started = _automatic(mirroring)
    assert started
    for execution in started:
        assert _ended(mirroring, execution)["status"] == "SUCCEEDED"
    assert "acme-new" in _listed(mirroring)
    assert "flask" in _listed(mirroring)
    second = build_wheel("acme-new", "1.1")
    assert clients.twine(mirroring, PUBLISHER, tmp_path, second).returncode == 0
    assert _automatic(mirroring) == started
    assert mirrored.paths() == []


def _automatic(stack: Stack) -> list[str]:
    found = stack.client("stepfunctions").list_executions(
        stateMachineArn=_machine(stack), maxResults=1000
    )
    return [item["executionArn"] for item in found["executions"] if item["name"][:5] == "auto-"]
