"""Running a deployed stack's workflow: what is started, and what is told of its end."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from click.testing import CliRunner, Result

from wheelyard.entry.cli import cli
from wheelyard.errors import RemoteFailure

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:wheelyard-reindex-1"
OUTPUTS = {"AdminFunction": "admin", "ReindexStateMachine": MACHINE}


class FakeAws:
    """CloudFormation and Step Functions of an account with one stack; ``ends`` is what its runs become."""

    def __init__(self) -> None:
        self.outputs = dict(OUTPUTS)
        self.started: list[Any] = []
        self.ends: dict[str, Any] = {}
        self.looks = 0
        self.failure: Exception | None = None

    def client(self, service: str) -> "FakeAws":
        assert service in {"cloudformation", "stepfunctions"}
        return self

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803
        assert StackName == "acme"
        outputs = [{"OutputKey": key, "OutputValue": each} for key, each in self.outputs.items()]
        return {"Stacks": [{"Outputs": outputs}]}

    def start_execution(self, stateMachineArn: str, input: str) -> Any:  # noqa: A002, N803
        assert stateMachineArn == MACHINE
        if self.failure is not None:
            raise self.failure
        self.started.append(json.loads(input))
        return {"executionArn": f"{MACHINE}:run"}

    def describe_execution(self, executionArn: str) -> Any:  # noqa: N803
        assert executionArn == f"{MACHINE}:run"
        self.looks += 1
        return self.ends if self.looks > 2 else {"status": "RUNNING"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """The account that boto3 finds."""
    fake = FakeAws()
    monkeypatch.setattr(boto3, "Session", lambda **_: fake)
    monkeypatch.setattr("wheelyard.client.stack._BETWEEN_LOOKS", 0)
    return fake


def reindex(*options: str, **environ: str) -> Result:
    """``wheelyard reindex --stack acme``."""
    command = ["reindex", *(() if environ else ("--stack", "acme")), *options]
    return CliRunner().invoke(cli, command, env=environ)


def succeeding(**output: object) -> dict[str, Any]:
    """A run that ended well, and what it says."""
    return {"status": "SUCCEEDED", "output": json.dumps(output)}


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            {"outcome": "activated", "snapshot": "abc", "names": 886_000},
            "snapshot abc is active: 886,000 names",
        ),
        ({"outcome": "unchanged", "snapshot": "abc", "names": 1}, "nothing has changed"),
        ({"outcome": "superseded", "snapshot": "abc", "names": 1}, "a newer run was ready first"),
    ],
)
def test_it_waits_for_the_end(aws: FakeAws, output: dict[str, object], said: str) -> None:
    """It says what a run of one's own says."""
    aws.ends = succeeding(**output)
    done = reindex()
    assert done.exit_code == 0, done.output
    assert said in done.stdout
    assert aws.looks == 3
    assert aws.started == [{}]


def test_options_go_with_it(aws: FakeAws) -> None:
    """And the stack may be named by the environment."""
    aws.ends = succeeding(outcome="unchanged")
    assert reindex("--force", "--relist", WHEELYARD_STACK="acme").exit_code == 0
    assert aws.started == [{"force": True, "relist": True}]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (
            {
                "status": "FAILED",
                "error": "UpstreamRefused",
                "cause": "Fetch failed, and the functions go on serving the snapshot that they know: "
                + json.dumps({"errorMessage": "upstream answers 404", "stackTrace": ["File …"]}),
            },
            "the run ended FAILED: Fetch failed, and the functions go on serving the snapshot that "
            "they know: upstream answers 404 (",
        ),
        ({"status": "FAILED", "cause": "no {JSON}"}, "FAILED: no {JSON} ("),
        ({"status": "TIMED_OUT"}, "TIMED_OUT: it says no reason ("),
        ({"status": "ABORTED"}, "ABORTED: it says no reason ("),
    ],
)
def test_a_run_that_fails(aws: FakeAws, ends: dict[str, Any], said: str) -> None:
    """It is an error with the reason in one line, without a trace, and with the run's name."""
    aws.ends = ends
    done = reindex()
    assert isinstance(done.exception, RemoteFailure)
    assert said in str(done.exception)
    assert f"{MACHINE}:run" in str(done.exception)
    assert "stackTrace" not in str(done.exception)


@pytest.mark.parametrize(
    "failure",
    [
        NoCredentialsError(),
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "…"}}, "StartExecution"),
    ],
)
def test_who_may_not_start_it(aws: FakeAws, failure: Exception) -> None:
    """AWS's own words, and which stack it is about."""
    aws.failure = failure
    done = reindex()
    assert isinstance(done.exception, RemoteFailure)
    assert "stack 'acme' cannot be asked" in str(done.exception)
    assert str(failure) in str(done.exception)


def test_a_stack_without_a_workflow(aws: FakeAws) -> None:
    """One that is not an index, or of an older version, is told apart."""
    del aws.outputs["ReindexStateMachine"]
    assert "no output 'ReindexStateMachine'" in str(reindex().exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--upstream", "https://u.example/simple/"), "--upstream is for --store"),
        (("--store", "somewhere"), "either --store or --stack"),
    ],
)
def test_options_that_do_not_go_together(aws: FakeAws, options: tuple[str, ...], said: str) -> None:
    """Nothing is started."""
    done = reindex(*options)
    assert done.exit_code == 2
    assert said in done.output
    assert aws.started == []
