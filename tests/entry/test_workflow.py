"""Starting the workflow: runs for new private projects are few, and none comes too early."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from wheelyard.entry.workflow import Workflow, workflow

ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:wheelyard-reindex"


class ExecutionAlreadyExists(ClientError):
    """What Step Functions says of a name that was used."""


class FakeStepFunctions:
    """Executions by name; a name counts once, unless its run is still on and has the same input."""

    class exceptions:  # noqa: N801  (as boto3 has it)
        ExecutionAlreadyExists = ExecutionAlreadyExists

    def __init__(self) -> None:
        self.executions: dict[str, dict[str, Any]] = {}
        self.failure: Exception | None = None

    def start_execution(
        self,
        stateMachineArn: str,  # noqa: N803
        name: str,
        input: str,  # noqa: A002
    ) -> dict[str, str]:
        assert stateMachineArn == ARN
        if self.failure is not None:
            raise self.failure
        payload = json.loads(input)
        if self.executions.setdefault(name, payload) != payload:
            raise ExecutionAlreadyExists(
                {"Error": {"Code": "ExecutionAlreadyExists", "Message": name}}, "StartExecution"
            )
        return {"executionArn": f"{ARN}:{name}"}


class Bench:
    """A workflow with a clock of the test's own."""

    def __init__(self) -> None:
        self.fake = FakeStepFunctions()
        self.now = datetime(2026, 11, 22, 12, 0, 20, tzinfo=UTC)
        self.workflow = Workflow(ARN, lambda: self.now, lambda: cast(Any, self.fake))

    def announce(self, after: float = 0) -> None:
        """A project is new, so many seconds later."""
        self.now += timedelta(seconds=after)
        self.workflow.announce()

    def begins(self) -> list[datetime]:
        """When each run begins: at once, or when it is told to."""
        minutes = []
        for name, payload in self.fake.executions.items():
            assert payload["relist"] is True
            minute = datetime.strptime(name, "auto-%Y%m%dT%H%M").replace(tzinfo=UTC)
            if "notBefore" in payload:
                assert payload["notBefore"] == minute.isoformat().replace("+00:00", "Z")
            minutes.append(minute)
        return minutes


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_first_new_project_is_listed_at_once(bench: Bench) -> None:
    """Its run has nothing to wait for."""
    bench.announce()
    [(name, payload)] = bench.fake.executions.items()
    assert name == "auto-20261122T1200"
    assert "notBefore" not in payload


def test_a_hundred_in_a_minute_are_two_runs(bench: Bench) -> None:
    """One at once, one with the next minute; the second begins after each of them."""
    for _ in range(100):
        bench.announce(0.3)
    assert len(bench.fake.executions) == 2
    assert max(bench.begins()) >= bench.now


def test_no_minute_has_two_runs_and_no_project_waits_for_more_than_a_minute(bench: Bench) -> None:
    """However projects come, each has a run that begins after it and within a minute."""
    for pause in (0, 5, 36, 1, 58, 2, 61, 200, 0, 0, 59, 59, 59):
        before = set(bench.fake.executions)
        bench.announce(pause)
        now = bench.now
        started = set(bench.fake.executions) - before
        at_once = any("notBefore" not in bench.fake.executions[name] for name in started)
        later = [minute for minute in bench.begins() if minute > now]
        assert at_once or min(later) - now <= timedelta(minutes=1)
    assert set(Counter(bench.begins()).values()) == {1}


def test_a_run_that_has_begun_is_not_taken_for_one_to_come(bench: Bench) -> None:
    """Where the run of this minute exists, the next minute's is asked for."""
    bench.announce()
    bench.announce()
    assert [payload.get("notBefore") for payload in bench.fake.executions.values()] == [
        None,
        "2026-11-22T12:01:00Z",
    ]
    bench.announce(60)
    assert bench.fake.executions["auto-20261122T1202"]["notBefore"] == "2026-11-22T12:02:00Z"


@pytest.mark.parametrize(
    "failure",
    [
        ConnectTimeoutError(endpoint_url="https://states.example"),
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "…"}}, "StartExecution"),
    ],
)
def test_an_upload_does_not_fail_with_it(
    bench: Bench, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    """What cannot be started is noted."""
    bench.fake.failure = failure
    bench.announce()
    assert "could be started" in caplog.text


def test_a_run_that_is_asked_for_is_always_one_of_its_own(bench: Bench) -> None:
    """By the admin payload, with or without force."""
    first, second = bench.workflow.start(), bench.workflow.start(force=True)
    assert first != second
    assert list(bench.fake.executions.values()) == [{"force": False}, {"force": True}]


def test_without_a_state_machine_there_is_none() -> None:
    """As where nothing is mirrored."""
    assert workflow({}) is None
    assert workflow({"REINDEX_STATE_MACHINE": ""}) is None
    assert workflow({"REINDEX_STATE_MACHINE": ARN}) is not None
